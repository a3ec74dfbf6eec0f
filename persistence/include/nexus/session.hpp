// One connection to a database, for SQL of the program.
//
//   auto done = session.execute("UPDATE rooms SET guest = $1 WHERE number = $2", "ann", 12);
//   auto free = session.query<std::int64_t, std::string>(
//       "SELECT number, bed FROM rooms WHERE guest IS NULL");
//
// Parameters are written $1, $2 … on every database. Transactions: nexus/transaction.hpp.
//
// Threads: one at a time, except for `interrupt`; calls block. Throws: nothing.
// Failures: `constraint_violated`, `query_failed` (the statement is invalid, or the database has no
// SQL), `serialization_failed` (a collision with another transaction; may be retried),
// `unavailable`, `outcome_unknown` (the connection was lost during a commit, or during any
// statement outside of a transaction), `pool_closed` (the session was interrupted). After an error
// within a transaction only its end, or that of the savepoint before it, is accepted; everything
// else, also `commit`, returns that error.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/undo_log.hpp"
#include "nexus/poolable.hpp"
#include "nexus/sql.hpp"

namespace nexus { inline namespace v0 {

class document_storage;
class projection_storage;

/// What concurrent transactions may see of each other. SQLite's are always serializable.
enum class isolation : std::uint8_t { read_committed, repeatable_read, serializable };
[[nodiscard]] std::string_view to_string(isolation level) noexcept;

/// Takes the rows of a statement while it runs; must not use the session, and must not throw.
class sql_row_sink {
 public:
  virtual ~sql_row_sink() = default;
  /// `row` may be moved from. False: no more rows.
  virtual bool take(std::span<sql_value> row) = 0;

 protected:
  sql_row_sink() = default;
  sql_row_sink(const sql_row_sink&) = default;
  sql_row_sink& operator=(const sql_row_sink&) = default;
};

class session : public poolable {
 public:
  /// Runs one statement.
  template <detail::sql_parameter... A>
  [[nodiscard]] result<sql_rows> execute(std::string_view sql, const A&... parameters) {
    if constexpr (sizeof...(A) == 0) {
      return run_sql(sql, {});
    } else {
      const std::array<sql_value, sizeof...(A)> with{detail::to_sql(parameters)...};
      return run_sql(sql, with);
    }
  }

  /// Runs one statement and reads its rows, as `rows_as` does.
  template <class... T, detail::sql_parameter... A>
  [[nodiscard]] result<std::vector<detail::sql_row<T...>>> query(std::string_view sql,
                                                                 const A&... parameters) {
    auto found = execute(sql, parameters...);
    if (!found) return fail(std::move(found.error()));
    return rows_as<T...>(*found);
  }

  [[nodiscard]] virtual result<sql_rows> run_sql(std::string_view sql, sql_parameters with);
  /// The same for rows that need not be kept. After an error `to` may have had some of them.
  [[nodiscard]] virtual result<void> read_sql(std::string_view sql, sql_parameters with,
                                              sql_row_sink& to);

  // For `transactional`, which pairs these calls:

  /// `invalid_argument` within a transaction. On SQLite, a transaction that may write takes the
  /// file's only write lock here.
  [[nodiscard]] virtual result<void> begin(isolation level, bool read_only);
  /// After an error the transaction is over. `outcome_unknown`: it may have been committed.
  [[nodiscard]] virtual result<void> commit();
  [[nodiscard]] virtual result<void> rollback();
  /// The isolation of the open transaction.
  [[nodiscard]] virtual result<isolation> level();
  [[nodiscard]] bool in_transaction() const noexcept { return unfinished(); }

  /// Whether it takes SQL and has transactions.
  [[nodiscard]] virtual bool has_sql() const noexcept { return false; }
  /// Whose SQL it takes: "sqlite" or "postgresql", or the name that another backend has chosen;
  /// empty: it has none. A constant.
  [[nodiscard]] virtual std::string_view dialect() const noexcept { return {}; }

  /// What the names of the journal's own tables begin with. A constant.
  [[nodiscard]] virtual std::string_view table_prefix() const noexcept { return "nexus_"; }

  /// What follows the end of its transaction in memory.
  [[nodiscard]] virtual detail::undo_log& undoes() noexcept { return undoes_; }

  /// Where read models are kept (nexus/document_storage.hpp), and how far projections have come
  /// (nexus/projection_storage.hpp). Of this session: their calls are a part of its transaction,
  /// if one is open. Null: this kind of database has none.
  [[nodiscard]] virtual document_storage* documents() noexcept { return nullptr; }
  [[nodiscard]] virtual projection_storage* projections() noexcept { return nullptr; }

  [[nodiscard]] result<void> finish() override;
  /// A session without SQL counts as valid.
  [[nodiscard]] result<void> validate(const std::string& query) override;

 private:
  detail::undo_log undoes_;
};

}}  // namespace nexus::v0
