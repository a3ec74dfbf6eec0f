// The journal contract for relational entities: a durable state is the rows of an entity, in the
// tables of the program.
//
// Rows commit in transactions of their own, never with events. Each commit also writes a row of
// ours, the marker of its writer: after a lost answer it says whether the commit was made.
//
// Threads: one at a time, except for `interrupt`; calls block.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eventless_session.hpp"
#include "nexus/detail/row_tables.hpp"
#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace detail {

// Times in our tables.
inline std::int64_t micros(timestamp t) { return t.time_since_epoch().count(); }
inline timestamp at_micros(std::int64_t n) { return timestamp{std::chrono::microseconds{n}}; }

class row_session final : public eventless_session {
 public:
  /// `inner`: a session of the store, for this object alone.
  row_session(std::unique_ptr<journal_session> inner, std::shared_ptr<const row_tables> tables,
              ulid marks);

  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override;
  using eventless_session::settle;
  result<settlement> settle(const upsert_request& request) override;
  result<std::optional<stored_state>> get_state(const persistence_id& id) override;
  void begin_reads() noexcept override { inner_->begin_reads(); }
  void end_reads() noexcept override { inner_->end_reads(); }

  // Alarms of rows are rows of ours, changed in the transaction of the row.
  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override;
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override;
  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override;
  /// In the order of the keys.
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override;

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override {
    return inner_->run_sql(sql, with);
  }
  result<void> begin(isolation level, bool read_only) override {
    return inner_->begin(level, read_only);
  }
  result<void> commit() override { return inner_->commit(); }
  result<void> rollback() override { return inner_->rollback(); }
  result<isolation> level() override { return inner_->level(); }
  // Heartbeats of systems, and how far a sweep of alarms has come.
  document_storage* documents() noexcept override { return inner_->documents(); }
  bool has_sql() const noexcept override { return inner_->has_sql(); }
  std::string_view dialect() const noexcept override { return inner_->dialect(); }
  bool broken() const noexcept override { return inner_->broken(); }
  bool unfinished() const noexcept override { return inner_->unfinished(); }
  bool touched() const noexcept override { return inner_->touched(); }
  result<void> reset(const std::string& query) override { return inner_->reset(query); }
  result<void> validate(const std::string& query) override { return inner_->validate(query); }
  void interrupt() noexcept override { inner_->interrupt(); }

 private:
  using outcomes = std::span<append_outcome>;
  using requests = std::span<const upsert_request>;
  struct attempt {
    std::optional<error> wrong{};
    bool conflicts = false;
  };
  attempt write_through(requests asked, outcomes to);
  // In the open transaction, which may become another one; a request that fails is taken back alone.
  result<void> write_all(requests asked, outcomes to);
  result<void> write_each(requests asked, outcomes to);
  struct step_range {
    std::size_t begin, end;
  };
  result<append_outcome> write_one(const upsert_request& request, step_range steps);
  result<void> write_steps(const upsert_request& asked, append_outcome& to);
  result<void> commit_all(requests asked, outcomes to);
  // Each state of one request in a transaction of its own.
  result<append_outcome> commit_steps(const upsert_request& asked);
  // The marker's row is made before the first commit that could be in doubt.
  result<void> make_marker();
  result<void> mark();
  result<void> resolve();
  result<void> begin_rows();
  result<void> change_alarm(const upsert_request& request);
  result<append_outcome> write_alarm(const upsert_request& request);
  // Whether the row that a request was to insert is there already.
  result<bool> is_there(const upsert_request& request);
  [[nodiscard]] result<std::shared_ptr<const entity_tables>> tables_of(std::string_view type) const;

  // Past every one before: rows without a version, and ids without a row, have no number of their
  // own, so each comparison reads them again.
  [[nodiscard]] sequence_nr fresh_number();

  struct statements {
    std::string make_marker, mark, settle, batch, purge;
    std::string clear_alarm, set_alarm, due, alarm_of, due_types;
  };

  std::unique_ptr<journal_session> inner_;
  row_changer changer_{*inner_};
  // Of the last request of an upsert:
  std::shared_ptr<const entity_tables> latest_tables_;
  std::string latest_type_;
  std::vector<sql_value> key_;
  const statements sql_;
  const std::shared_ptr<const row_tables> tables_;
  const ulid marks_;            // whose marker it is
  std::int64_t batch_ = 0;      // the last commit
  bool is_marked_ = false;      // the marker's row is there
  std::optional<error> doubt_;  // whether the last commit was made is not known
  // Of the requests of a commit in doubt: what became of them, until they are asked for.
  struct outcome_in_doubt {
    settlement if_made;
    settlement if_not = settlement::not_stored;
    std::optional<settlement> is{};
  };
  std::map<std::string, outcome_in_doubt> doubtful_;
  sequence_nr last_number_ = 0;
  unsigned careful_ = 0;  // batches to write under savepoints, since one had something to take back
};

}}}  // namespace nexus::v0::detail
