// The session of one request: borrows one of the server's pool when it is first used.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "nexus/pool.hpp"
#include "nexus/session.hpp"

namespace nexus::inline v0::http::detail {

/// Goes back to its pool with the last pointer.
using lent_session = std::shared_ptr<session>;
using session_lender = std::function<result<lent_session>()>;

/// What the handler sees. If none could be borrowed, every call says why: an error that the handler
/// passes on becomes the 503 that it stands for. It is not tried again. Once the request's time is over
/// the session is interrupted, and calls answer `timeout`.
class request_session final : public session {
 public:
  request_session(session_lender lend, std::chrono::steady_clock::time_point deadline)
      : lend_{std::move(lend)}, deadline_{deadline} {}

  /// The pool's own, borrowed now if need be.
  [[nodiscard]] result<session*> borrowed();

  /// What an error of the pool's own means here: who interrupted it.
  [[nodiscard]] error told(error why) const;

  result<sql_rows> run_sql(std::string_view sql, std::span<const sql_value> with) override;
  result<void> begin(isolation level, bool read_only) override;
  result<void> commit() override;
  result<void> rollback() override;

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

}
