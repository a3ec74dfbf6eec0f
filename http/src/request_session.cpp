#include "nexus/http/detail/request_session.hpp"

#include <utility>

namespace nexus::inline v0::http::detail {

result<session*> request_session::borrowed() {
  if (!lent_) lent_.emplace(lend_());
  if (!*lent_) return fail(lent_->error());
  return (*lent_)->get();
}

result<sql_rows> request_session::run_sql(std::string_view sql, std::span<const sql_value> with) {
  auto on = borrowed();
  if (!on) return fail(std::move(on.error()));
  return (*on)->run_sql(sql, with);
}

result<void> request_session::begin(isolation level, bool read_only) {
  auto on = borrowed();
  if (!on) return fail(std::move(on.error()));
  return (*on)->begin(level, read_only);
}

result<void> request_session::commit() {
  auto on = borrowed();
  if (!on) return fail(std::move(on.error()));
  return (*on)->commit();
}

result<void> request_session::rollback() {
  auto on = borrowed();
  if (!on) return fail(std::move(on.error()));
  return (*on)->rollback();
}

}
