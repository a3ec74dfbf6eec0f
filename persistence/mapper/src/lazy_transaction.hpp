// A transaction, or a savepoint of the open one, that begins with its first statement.
#pragma once

#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class lazy_transaction {
 public:
  explicit lazy_transaction(session& on) : scope_{on} {}

  [[nodiscard]] result<void> begin() {
    if (begun_) return {};
    if (auto done = scope_.begin({.retries_max = 0}); !done) return done;
    begun_ = true;
    return {};
  }
  /// Does nothing if it has not begun. Without it, the end of the scope rolls back.
  [[nodiscard]] result<void> commit() { return begun_ ? scope_.commit() : result<void>{}; }

 private:
  transaction_scope scope_;
  bool begun_ = false;
};

}}}
