// What an error of a journal means to the runtime: whether the call is retried, and whether the
// circuit breaker counts it. Only this file decides; the breaker and the recovery of entities use
// it. A backend only has to choose the right code.
//
//   code                                          retried       counts for the breaker
//   unavailable, timeout, outcome_unknown,
//   query_failed, constraint_violated             yes           yes
//   serialization_failed, overloaded,
//   pool_exhausted                                yes           no
//   too_large, invalid_argument, invalid_id:
//   the fault of the request, as `rejected`       no            no
//   everything else                               no            no
//
// Retried: a recovering entity backs off and recovers again. Otherwise it answers its callers with
// the error and stops; the next command starts it, and its recovery reads again.
//
// Threads: any. Throws: nothing.
#pragma once

#include <cstdint>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

enum class error_meaning : std::uint8_t {
  /// The storage has a failure that may pass. Also a statement of the journal that the database
  /// refused: its reason, a lock or a missing right, may be gone later.
  storage_trouble,
  /// The storage works but did not serve this call: a queue is full, or two transactions collided.
  busy,
  /// The fault of the request: no journal with these limits stores it. As in `rejected`.
  of_request,
  /// A lasting state: the same call fails in the same way until the thing that the error names is
  /// repaired.
  lasting
};

[[nodiscard]] error_meaning meaning_of(errc code) noexcept;

/// Whether the call is retried.
[[nodiscard]] inline bool may_pass(errc code) noexcept {
  const auto means = meaning_of(code);
  return means == error_meaning::storage_trouble || means == error_meaning::busy;
}

/// Whether it is a storage failure; several in a row open the circuit breaker.
[[nodiscard]] inline bool counts_for_breaker(errc code) noexcept {
  return meaning_of(code) == error_meaning::storage_trouble;
}

}}  // namespace nexus::v0
