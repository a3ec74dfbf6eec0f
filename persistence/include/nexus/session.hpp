// One connection to a database, open to SQL of one's own.
//
//   auto done = session.execute("UPDATE rooms SET guest = $1 WHERE number = $2", "ann", 12);
//   auto free = session.query<std::int64_t, std::string>("SELECT number, bed FROM rooms WHERE guest IS NULL");
//
// Parameters are written $1, $2 … on every database. Transactions: nexus/transaction.hpp.
//
// Threads: one at a time, but for `interrupt`; calls block. Throws: nothing.
// Failures: `constraint_violated`, `query_failed` (the statement is wrong, or there is no SQL here),
// `serialization_failed` (it collided with another transaction; may be tried again), `unavailable`,
// `outcome_unknown` (the connection was lost with a commit under way, outside of a transaction with
// any statement), `pool_closed` (it was interrupted). After an error within a transaction nothing is
// accepted but its end, or that of the savepoint before it; all else, also `commit`, answers that error.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/poolable.hpp"
#include "nexus/sql.hpp"

namespace nexus::inline v0 {

/// How much transactions that run side by side may see of each other. SQLite's are always serializable.
enum class isolation : std::uint8_t { read_committed, repeatable_read, serializable };
[[nodiscard]] std::string_view to_string(isolation level) noexcept;

class session : public poolable {
 public:
  /// Runs one statement.
  template <class... A>
  [[nodiscard]] result<sql_rows> execute(std::string_view sql, const A&... parameters) {
    if constexpr (sizeof...(A) == 0) {
      return run_sql(sql, {});
    } else {
      const std::array<sql_value, sizeof...(A)> with{detail::to_sql(parameters)...};
      return run_sql(sql, with);
    }
  }

  /// Runs one statement and reads its rows: `rows_as`.
  template <class... T, class... A>
  [[nodiscard]] result<std::vector<detail::sql_row<T...>>> query(std::string_view sql,
                                                                 const A&... parameters) {
    auto found = execute(sql, parameters...);
    if (!found) return fail(std::move(found.error()));
    return rows_as<T...>(*found);
  }

  [[nodiscard]] virtual result<sql_rows> run_sql(std::string_view sql,
                                                 std::span<const sql_value> with);

  // For `transactional`, which pairs them:

  /// `invalid_argument` within a transaction. Of SQLite one that may write takes the file's only
  /// write lock here.
  [[nodiscard]] virtual result<void> begin(isolation level, bool read_only);
  /// After an error the transaction is over. `outcome_unknown`: it may have been committed.
  [[nodiscard]] virtual result<void> commit();
  [[nodiscard]] virtual result<void> rollback();
  /// Of the open transaction.
  [[nodiscard]] virtual result<isolation> level();
  [[nodiscard]] bool in_transaction() const noexcept { return unfinished(); }

  [[nodiscard]] result<void> finish() override;
  /// What has no SQL is taken to be valid.
  [[nodiscard]] result<void> validate(const std::string& query) override;
};

}  // namespace nexus::inline v0
