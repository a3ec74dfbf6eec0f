// Guards the calls to a journal's sessions with its circuit breaker: takes the time, classifies the
// results and logs when the breaker opens and closes.
//
// Threads: any; each session still belongs to one at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "circuit_breaker.hpp"
#include "nexus/journal_errors.hpp"
#include "refusing_session.hpp"

namespace nexus { inline namespace v0 {

class journal_guard {
 public:
  journal_guard(std::string journal, const store_options& options)
      : journal_{std::move(journal)},
        stepped_{options.runs_on},
        breaker_{options.breaker_failures, options.breaker_reset} {}

  /// Returns `call(session)`; while the breaker is open, `call` gets a session that refuses.
  template <class Call>
  auto through(journal_session& session, Call&& call) {
    auto entered = breaker_.enter(now());
    if (!entered) {
      refusing_session refusing{std::move(entered.error())};
      return call(static_cast<journal_session&>(refusing));
    }
    auto done = call(session);
    report(*entered, trouble(done));
    return done;
  }

  /// Likewise for a function of the caller: its exception is logged, and says nothing about the
  /// storage.
  result<void> read(journal_session& session,
                    const std::function<result<void>(journal_session&)>& f);

  [[nodiscard]] std::optional<error> refusal() const { return breaker_.refusal(now()); }
  [[nodiscard]] breaker_status status() const { return breaker_.status(); }

 private:
  [[nodiscard]] circuit_breaker::time_point now() const {
    return stepped_ ? stepped_->now() : std::chrono::steady_clock::now();
  }

  // The storage failure in a result, if it is one.
  [[nodiscard]] static std::optional<error> trouble(const std::vector<append_outcome>& outcomes);
  template <class T>
  [[nodiscard]] static std::optional<error> trouble(const result<T>& done) {
    if (done || !counts_for_breaker(done.error().code)) return std::nullopt;
    return done.error();
  }

  void report(circuit_breaker::ticket of, const std::optional<error>& trouble);

  const std::string journal_;
  const std::shared_ptr<executor> stepped_;
  circuit_breaker breaker_;
};

}}  // namespace nexus::v0
