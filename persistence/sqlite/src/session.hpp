// The journal contract on one SQLite connection.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "database.hpp"
#include "errors.hpp"
#include "nexus/commit_signal.hpp"
#include "nexus/detail/sql_documents.hpp"
#include "nexus/detail/sql_projections.hpp"
#include "nexus/journal.hpp"
#include "rows.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// Microseconds since 1970. A writer has the file for itself, so nothing has to be locked; its
/// transaction ends with its process.
inline constexpr detail::sql_dialect dialect_parts{
    .now = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    .microseconds = "timestamp",
    .share_of_mark = {},
    .for_update = {},
    .if_free = {},
    .end_holders = {}};

/// The slowest registered reader: events past its position are kept for it.
struct reader_floor {
  std::int64_t position = std::numeric_limits<std::int64_t>::max();
  std::string reader{};
};

class session final : public journal_session {
 public:
  session(address where, std::shared_ptr<journal_file> file, std::unique_ptr<connection> opened,
          std::shared_ptr<commit_signal> told)
      : where_{std::move(where)},
        file_{std::move(file)},
        appended_{std::move(told)},
        documents_{*this, where_.choices, dialect_parts} {
    use(std::move(opened));
  }

  /// Connects to the file of an open journal, which must still be in place.
  [[nodiscard]] static result<std::unique_ptr<connection>> connect(const address& where,
                                                                   journal_file& file);

  std::vector<append_outcome> append(std::span<const append_request> requests) override;
  result<settlement> settle(const append_request& request) override;
  result<void> replay_payloads(const persistence_id& id, sequence_nr from, sequence_nr to,
                               std::size_t max, const record_sink& sink) override;
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override;
  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override;
  result<page_info> query(const event_filter& filter, const event_page& page,
                          const journal_sink& sink) override;
  result<std::uint64_t> count(const event_filter& filter) override;
  result<std::string> explain(const event_filter& filter) override;
  result<void> save_reader(const stored_reader& reader) override;
  result<std::vector<stored_reader>> readers() override;
  result<void> forget_reader(std::string_view name) override;
  void begin_reads() noexcept override;
  void end_reads() noexcept override;
  result<sequence_nr> highest(const persistence_id& id) override;
  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override;
  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override;
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override;
  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override;
  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override;
  result<void> save_snapshots(std::span<const snapshot_request> requests) override;
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override;
  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override;
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override;
  result<void> prune(std::span<const prune_request> requests) override;
  result<std::size_t> prune_held_back(std::size_t max) override;
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override;
  result<settlement> settle(const upsert_request& request) override;
  result<std::optional<stored_state>> get_state(const persistence_id& id) override;
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override;
  result<void> read_states(position after, std::size_t max, const state_sink& sink) override;

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override;
  result<void> read_sql(std::string_view sql, sql_parameters with, sql_row_sink& to) override;
  result<void> begin(isolation level, bool read_only) override;
  result<void> commit() override;
  result<void> rollback() override;
  result<isolation> level() override { return isolation::serializable; }
  document_storage* documents() noexcept override { return &documents_; }

  bool has_sql() const noexcept override { return true; }
  std::string_view dialect() const noexcept override { return "sqlite"; }
  std::string_view table_prefix() const noexcept override { return where_.choices.prefix; }
  projection_storage* projections() noexcept override { return &projections_; }

  bool broken() const noexcept override { return interrupted_ || !connection_; }
  bool unfinished() const noexcept override {
    return failed_ || (connection_ && connection_->in_transaction());
  }
  bool touched() const noexcept override { return connection_ && connection_->guard.touched(); }
  /// Without a query by reopening the file, which undoes pragmas, temporary tables and ATTACH.
  result<void> reset(const std::string& query) override;
  result<void> validate(const std::string& query) override;
  void interrupt() noexcept override {
    interrupted_ = true;
    file_->turns().wake();
  }

 private:
  void use(std::unique_ptr<connection> opened);
  bool is_ready() const noexcept { return connection_ && !interrupted_ && !file_->suspect(); }
  // Reconnects if the last call had to drop the connection; fails while the file is known to be
  // gone.
  result<void> connected();

  // Runs `work` on the connection. Every call of the contract uses this.
  template <class Work>
  auto with_connection(std::string_view doing, Work&& work)
      -> decltype(work(std::declval<connection&>())) {
    if (auto free = outside_of_transaction(doing); !free) return fail(std::move(free.error()));
    if (auto ready = connected(); !ready) return fail(std::move(ready.error()));
    auto done = attempt(where_.name, doing, [&] { return work(*connection_); });
    if (connection_->in_transaction()) connection_.reset();  // closing rolls back
    return done;
  }

  // The same for a call that may be a part of the program's transaction: `work` writes.
  template <class Work>
  result<void> within_transaction(std::string_view doing, Work&& work);

  // Otherwise the journal's calls would take part in the program's transaction.
  result<void> outside_of_transaction(std::string_view doing) const;

  // The effect of a statement, also of a failed one.
  struct effect {
    bool writes = false;
    bool may_stand = false;  // it failed, but if it was to commit, it may have committed
    bool full = false;       // the disk was full, and nothing was committed
  };
  // Rows go to `to` if there is one, else to `rows`.
  result<void> run_own(std::string_view sql, sql_parameters with, sql_row_sink* to, sql_rows& rows);
  result<void> run_alone(std::string_view sql, sql_parameters with, sql_row_sink* to,
                         sql_rows& rows, effect& had);
  result<void> commit_by(std::string_view sql);
  result<void> end_by(std::string_view sql);
  tl::unexpected<error> committed_in_doubt(error why);

  // One transaction for all valid requests.
  template <class Request>
  std::vector<append_outcome> write_all(std::string_view doing, std::span<const Request> requests);

  // Inserts every request that is not rejected and does not conflict; true if there was one.
  bool insert(connection& c, std::span<const append_request> requests,
              std::vector<append_outcome>& outcomes);
  bool insert(connection& c, std::span<const upsert_request> requests,
              std::vector<append_outcome>& outcomes);
  void insert(connection& c, const append_request& request, std::int64_t& position);

  // Only for a request with a change of the alarm is a statement run.
  void change_alarm(connection& c, const persistence_id& id, const due_change& to,
                    const ulid& writer);
  // Of an id of which events were erased, and neither events nor snapshots are left.
  static void remove_bare_alarm(connection& c, const persistence_id& id);
  result<std::optional<stored_alarm>> alarm_in_row(connection& c, const persistence_id& id);
  result<settlement> alarm_truth(connection& c, const persistence_id& id, const due_change& sent,
                                 const ulid& writer);

  template <class Request>
  result<settlement> settle_as_is(const Request& request);
  result<settlement> truth(connection& c, const append_request& request);
  result<settlement> truth(connection& c, const upsert_request& request);
  bool holds(connection& c, const append_request& request);

  // Passes the events of `row`, whose columns are those of read_all.
  using row_sink = std::function<bool(const persistence_id&, const record_view&)>;
  result<void> pass_rows(connection& c, statement& row, const row_sink& sink);
  result<void> expect_known(connection& c, const position& at) const;

  result<std::optional<stored_state>> state_of(connection& c, const persistence_id& id);
  void erase_snapshots(connection& c, const persistence_id& id, snapshot_bounds within);
  result<void> erase(connection& c, std::span<const prune_request> requests);

  address where_;
  const std::shared_ptr<journal_file> file_;
  std::unique_ptr<connection> connection_;
  const std::shared_ptr<commit_signal> appended_;
  detail::sql_documents documents_;
  detail::sql_projections projections_{*this, where_.choices, dialect_parts};
  writer_column writers_;
  std::vector<std::size_t> order_;  // of a write's requests; kept for its memory

  std::optional<error> failed_;  // the error of the program's open transaction
  bool read_only_ = false;       // that transaction is
  bool wrote_ = false;           // that transaction did, or tried to
  std::atomic<bool> interrupted_ = false;
};

/// The highest number ever stored. `erased`: whether anything was erased, in the whole journal.
[[nodiscard]] sequence_nr highest_number(connection& c, const persistence_id& id,
                                         bool erased = true);

[[nodiscard]] journal_limits limits() noexcept;

/// Reads the ids of `listing`, whose parameters ?1 to ?3 are those of list_ids.
[[nodiscard]] result<std::vector<persistence_id>> list(statement& listing,
                                                       const std::string& journal,
                                                       const id_filter& which, std::size_t max);

}}}  // namespace nexus::v0::sqlite
