#include "nexus/http/detail/request_session.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace http::detail {

result<session*> request_session::borrowed() {
  if (!lent_) lent_.emplace(lend_());
  if (!*lent_) return fail(lent_->error());
  return (*lent_)->get();
}

error request_session::told(error why) const {
  const bool is_late = std::chrono::steady_clock::now() >= deadline_;
  if (why.code != errc::pool_closed || !has() || !is_late) return why;
  return {errc::timeout, "the request's time was over while it used its session"};
}

template <class F>
auto request_session::on_lent(F f) -> decltype(f(std::declval<session&>())) {
  auto on = borrowed();
  if (!on) return fail(std::move(on.error()));
  auto done = f(**on);
  if (!done) return fail(told(std::move(done.error())));
  return done;
}

result<sql_rows> request_session::run_sql(std::string_view sql, sql_parameters with) {
  return on_lent([&](session& on) { return on.run_sql(sql, with); });
}

result<void> request_session::read_sql(std::string_view sql, sql_parameters with,
                                       sql_row_sink& to) {
  return on_lent([&](session& on) { return on.read_sql(sql, with, to); });
}

result<void> request_session::begin(isolation level, bool read_only) {
  return on_lent([&](session& on) { return on.begin(level, read_only); });
}

result<void> request_session::commit() {
  return on_lent([](session& on) { return on.commit(); });
}

result<void> request_session::rollback() {
  return on_lent([](session& on) { return on.rollback(); });
}

}}}
