#include "nexus/session.hpp"

namespace nexus { inline namespace v0 {
namespace {

tl::unexpected<error> no_sql() {
  return fail(errc::query_failed, "this kind of database has no SQL");
}

}  // namespace

std::string_view to_string(isolation level) noexcept {
  switch (level) {
    case isolation::read_committed:
      return "read committed";
    case isolation::repeatable_read:
      return "repeatable read";
    case isolation::serializable:
      return "serializable";
  }
  return "unknown";
}

result<sql_rows> session::run_sql(std::string_view, sql_parameters) { return no_sql(); }

result<void> session::read_sql(std::string_view sql, sql_parameters with, sql_row_sink& to) {
  return run_sql(sql, with).map([&](sql_rows found) {
    for (auto& row : found.rows) {
      if (!to.take(row)) break;
    }
  });
}

result<void> session::begin(isolation, bool) { return no_sql(); }
result<void> session::commit() { return no_sql(); }
result<void> session::rollback() { return no_sql(); }
result<isolation> session::level() { return no_sql(); }

result<void> session::finish() {
  if (!in_transaction()) return {};
  return rollback();
}

result<void> session::validate(const std::string&) { return {}; }

}}  // namespace nexus::v0
