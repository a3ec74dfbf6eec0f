#include "nexus/session.hpp"

namespace nexus::inline v0 {

result<sql_rows> session::run_sql(std::string_view, std::span<const sql_value>) {
  return fail(errc::query_failed, "this database has no SQL");
}
result<void> session::begin(isolation, bool) {
  return fail(errc::query_failed, "this database has no SQL");
}
result<void> session::commit() { return fail(errc::query_failed, "this database has no SQL"); }
result<void> session::rollback() { return fail(errc::query_failed, "this database has no SQL"); }
result<void> session::finish() { return in_transaction() ? rollback() : result<void>{}; }
result<void> session::validate(const std::string& query) {
  auto done = execute(query);
  if (!done) return fail(std::move(done.error()));
  return {};
}

}  // namespace nexus::inline v0
