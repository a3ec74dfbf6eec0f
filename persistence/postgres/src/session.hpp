// The journal contract on one connection to PostgreSQL, which is replaced when it is lost.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "core.hpp"
#include "errors.hpp"
#include "event_arrays.hpp"
#include "nexus/detail/sql_documents.hpp"
#include "nexus/detail/sql_projections.hpp"
#include "nexus/journal.hpp"
#include "nexus/query_conditions.hpp"
#include "rows.hpp"
#include "socket_gate.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

[[nodiscard]] journal_limits limits() noexcept;

/// What PostgreSQL's SQL has of its own. A row that an open transaction has changed names it in
/// xmax; its backend may outlive its client for hours.
inline constexpr detail::sql_dialect dialect_parts{
    .now = "clock_timestamp()",
    .microseconds = "(extract(epoch FROM timestamp) * 1000000)::bigint",
    .share_of_mark = "FOR KEY SHARE OF r",
    .for_update = " FOR UPDATE",
    .if_free = " FOR UPDATE SKIP LOCKED",
    .end_holders =
        "SELECT pg_terminate_backend(l.pid) FROM nexus_projection_offsets c JOIN pg_locks l "
        "ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = c.xmax "
        "WHERE c.projection = $1 AND c.version = $2 AND c.cell BETWEEN $3 AND $4 "
        "AND l.pid <> pg_backend_pid()"};

struct alarm_arrays;

class session final : public journal_session {
 public:
  session(std::shared_ptr<core> of, std::unique_ptr<connection> opened)
      : core_{std::move(of)},
        connection_{std::move(opened)},
        documents_{*this, core_->where.tables, dialect_parts} {
    gate_.opened(PQsocket(connection_->handle()));
  }

  std::vector<append_outcome> append(std::span<const append_request> requests) override;
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override;
  result<settlement> settle(const append_request& request) override;
  result<settlement> settle(const upsert_request& request) override;
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override;
  result<void> replay_payloads(const persistence_id& id, sequence_nr from, sequence_nr to,
                               std::size_t max, const record_sink& sink) override;
  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override;
  result<page_info> query(const event_filter& filter, const event_page& page,
                          const journal_sink& sink) override;
  result<std::uint64_t> count(const event_filter& filter) override;
  result<std::string> explain(const event_filter& filter) override;
  result<void> save_reader(const stored_reader& reader) override;
  result<std::vector<stored_reader>> readers() override;
  result<void> forget_reader(std::string_view name) override;
  result<position> last(std::uint32_t strand) override;
  result<std::optional<std::string>> held_back() override;
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
  result<std::optional<stored_state>> get_state(const persistence_id& id) override;
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override;
  result<void> read_states(position after, std::size_t max, const state_sink& sink) override;

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override {
    return run_own(sql, with, nullptr);
  }
  result<void> read_sql(std::string_view sql, sql_parameters with, sql_row_sink& to) override {
    return run_own(sql, with, &to).map([](const sql_rows&) {});
  }
  result<void> begin(isolation level, bool read_only) override;
  result<void> commit() override;
  result<void> rollback() override;
  result<isolation> level() override;
  document_storage* documents() noexcept override { return &documents_; }

  bool has_sql() const noexcept override { return true; }
  std::string_view dialect() const noexcept override { return "postgresql"; }
  std::string_view table_prefix() const noexcept override { return core_->where.tables.prefix; }
  projection_storage* projections() noexcept override { return &projections_; }

  bool broken() const noexcept override { return gate_.interrupted() || !connection_ || replace_; }
  bool unfinished() const noexcept override;
  bool touched() const noexcept override { return touched_; }
  /// Without a query like DISCARD ALL, in one round trip; the journal's statements stay prepared.
  result<void> reset(const std::string& query) override;
  result<void> validate(const std::string& query) override;
  /// The server ends the statement within 2 s; before PostgreSQL 14 when it next writes to the
  /// client.
  void interrupt() noexcept override { gate_.interrupt(); }

 private:
  using time_point = std::chrono::steady_clock::time_point;
  using indices = std::vector<std::size_t>;

  // Runs `work` on the connection. Every call of the contract uses this.
  template <class Work>
  auto with_connection(std::string_view doing, Work&& work)
      -> decltype(work(std::declval<connection&>())) {
    if (auto free = outside_of_transaction(doing); !free) return fail(std::move(free.error()));
    if (gate_.interrupted()) return fail(was_interrupted());
    if (auto ready = connect(doing); !ready) return fail(std::move(ready.error()));
    try {
      auto done = work(*connection_);
      if (connection_->lost()) drop_connection();
      if (!done && gate_.interrupted()) return fail(was_interrupted());
      return done;
    } catch (const trouble& why) {
      return fail(failure(why, doing));
    }
  }

  // The error to report. Drops a connection that is lost or unusable.
  error failure(const trouble& why, std::string_view doing);
  result<void> connect(std::string_view doing);
  void drop_connection() noexcept;
  void hold_lock(connection& c);

  [[nodiscard]] error told(errc code, std::string_view why) const;
  [[nodiscard]] error was_interrupted() const;
  // Otherwise the journal's calls would take part in the program's transaction.
  [[nodiscard]] result<void> outside_of_transaction(std::string_view doing) const;
  result<void> connect_for_sql();
  // Rows go to `to` if there is one.
  result<sql_rows> run_own(std::string_view sql, sql_parameters with, sql_row_sink* to);
  result<rows> send_own(const std::string& sql, sql_parameters with, bool& lost_after_sending);
  result<void> commit_by(std::string_view sql);
  result<void> end_by(std::string_view sql);
  broken_constraint with_columns(const trouble::constraint& broken);
  result<void> know_constraints();
  // Why the server refuses every write, if it does; then the connection is to be replaced.
  std::string refuses_writes(const trouble& why);
  void replace_if_due() noexcept;
  template <class Work>
  result<void> between_leases(Work&& work);

  // One transaction for all valid requests.
  template <class Request>
  std::vector<append_outcome> write_all(std::string_view doing, std::span<const Request> requests);
  template <class Request>
  void write(std::string_view doing, std::span<const Request> requests, indices todo,
             std::vector<append_outcome>& outcomes);
  template <class Request>
  bool once(std::string_view doing, std::span<const Request> requests, indices& todo,
            std::vector<append_outcome>& outcomes);
  void store(connection& c, std::span<const append_request> requests, const indices& todo,
             std::vector<append_outcome>& outcomes);
  void store(connection& c, std::span<const upsert_request> requests, const indices& todo,
             std::vector<append_outcome>& outcomes);
  // Of upserts that were not stored.
  void tell_conflicts(connection& c, std::span<const upsert_request> requests, const indices& left,
                      std::vector<append_outcome>& outcomes);
  void add_calls(alarm_arrays& changed, std::vector<call>& calls,
                 std::deque<parameters>& bound) const;
  // Removes invalid requests from `todo`, after a collision or if needed.
  void weed(connection& c, std::span<const append_request> requests, indices& todo,
            std::vector<append_outcome>& outcomes, bool in_the_way);
  // For states the statement itself reports them.
  void weed(connection&, std::span<const upsert_request>, indices&, std::vector<append_outcome>&,
            bool) {}

  template <class Request>
  result<settlement> settle_as_is(const Request& request);
  void end_doubts(connection& c);
  result<settlement> truth(connection& c, const append_request& request);
  result<settlement> truth(connection& c, const upsert_request& request);

  result<std::optional<stored_alarm>> alarm_in_row(connection& c, const persistence_id& id);
  result<settlement> alarm_truth(connection& c, const persistence_id& id, const due_change& sent,
                                 const ulid& writer);

  template <class Read>
  result<void> replay_pages(const statement& reading, const persistence_id& id, sequence_nr from,
                            sequence_nr to, std::size_t max, const record_sink& sink, Read read);
  result<std::optional<stored_state>> state_of(connection& c, const persistence_id& id);
  result<std::vector<persistence_id>> list(const statement& listing, std::string_view doing,
                                           const id_filter& which, std::size_t max);
  result<bool> pass_row(const rows& found, record_reader& reader, int row, record_view& record,
                        const journal_sink& sink);
  // A statement of the journal as a part of the program's transaction; the rows that it touched.
  result<std::int64_t> in_own_transaction(const statement& what,
                                          const std::vector<sql_value>& with);
  result<page_info> query_some(connection& c, const event_filter& filter, const event_page& page,
                               const journal_sink& sink);
  result<std::uint64_t> count_of(connection& c, const event_filter& filter);
  result<rows> run_plan(connection& c, const query_plan& plan, const std::string& sql,
                        const parameters& with);

  std::shared_ptr<core> core_;
  std::unique_ptr<connection> connection_;
  detail::sql_documents documents_;
  socket_gate gate_;
  std::int64_t lock_ = 0;   // the connection's; 0: none yet
  bool lock_held_ = false;  // certainly held: own SQL may release it
  bool in_flight_ = false;  // a write whose outcome is not known yet

  std::optional<error> failed_;  // the error of the program's open transaction
  bool touched_ = false;         // by own SQL
  bool changed_schema_ = false;  // by own SQL, perhaps in a transaction that is still open
  bool replace_ = false;         // after the transaction: the connection became read-only

  // After a failed connect the next attempt waits for a pause.
  std::chrono::milliseconds pause_{0};
  time_point not_before_{};
  error refused_;

  detail::sql_projections projections_{*this, core_->where.tables, dialect_parts};
  event_arrays events_;  // kept for their memory
};

}}}  // namespace nexus::v0::postgres
