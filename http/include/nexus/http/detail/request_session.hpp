// The session of one request: borrows one of the server's pool when it is first used.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "nexus/pool.hpp"
#include "nexus/session.hpp"

namespace nexus::inline v0::http::detail {

/// Goes back to its pool with the last pointer.
using lent_session = std::shared_ptr<session>;
using session_lender = std::function<result<lent_session>()>;

/// What the handler sees. If none could be borrowed, every call says why: an error that the handler
/// passes on becomes the 503 that it stands for. It is not tried again.
class request_session final : public session {
 public:
  explicit request_session(session_lender lend) : lend_{std::move(lend)} {}

  /// The pool's own, borrowed now if need be.
  [[nodiscard]] result<session*> borrowed();

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

  session_lender lend_;
  std::optional<result<lent_session>> lent_;
};

}
