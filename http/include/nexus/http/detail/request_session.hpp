// The session of one request: borrows a session of the server's pool at its first use.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "nexus/pool.hpp"
#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace http::detail {

/// The last pointer returns the session to its pool.
using lent_session = std::shared_ptr<session>;
using session_lender = std::function<result<lent_session>()>;

/// The session that the handler sees. If none can be borrowed, every call returns that error; a
/// handler that passes it on answers 503. It is not retried. When the request's time is over, the
/// session is interrupted, and calls return `timeout`.
class request_session final : public session {
 public:
  request_session(session_lender lend, std::chrono::steady_clock::time_point deadline)
      : lend_{std::move(lend)}, deadline_{deadline} {}

  /// The pool's session, borrowed now if needed.
  [[nodiscard]] result<session*> borrowed();

  /// Translates an error of the pool's session: an interruption becomes its reason.
  [[nodiscard]] error told(error why) const;

  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override;
  result<void> read_sql(std::string_view sql, sql_parameters with, sql_row_sink& to) override;
  result<void> begin(isolation level, bool read_only) override;
  result<void> commit() override;
  result<void> rollback() override;

  /// Borrows the session if needed; empty if none can be borrowed.
  [[nodiscard]] std::string_view dialect() const noexcept override {
    const auto on = const_cast<request_session*>(this)->borrowed();
    return on ? (*on)->dialect() : std::string_view{};
  }
  nexus::detail::undo_log& undoes() noexcept override {
    return has() ? (**lent_)->undoes() : session::undoes();
  }

  [[nodiscard]] bool broken() const noexcept override { return has() && (**lent_)->broken(); }
  [[nodiscard]] bool unfinished() const noexcept override {
    return has() && (**lent_)->unfinished();
  }
  [[nodiscard]] bool touched() const noexcept override { return has() && (**lent_)->touched(); }

 private:
  [[nodiscard]] bool has() const noexcept { return lent_ && *lent_; }

  template <class F>
  auto on_lent(F f) -> decltype(f(std::declval<session&>()));

  session_lender lend_;
  std::chrono::steady_clock::time_point deadline_;
  std::optional<result<lent_session>> lent_;
};

}}}
