// What an error of a journal's call means to the runtime above: whether the call is tried again, and
// whether it counts for the circuit breaker. This is the one place that decides; the breaker and the
// recovery of entities ask here, so a backend only has to choose the right code.
//
//   code                                          tried again   counts for the breaker
//   unavailable, timeout, outcome_unknown,
//   query_failed, constraint_violated             yes           yes
//   serialization_failed, overloaded,
//   pool_exhausted                                yes           no
//   too_large, invalid_argument, invalid_id:
//   the request's own, what `rejected` carries    no            no
//   everything else                               no            no
//
// "Tried again": an entity that recovers backs off and recovers again. Otherwise it tells its callers
// and stops; the next command starts it, and its recovery reads again.
//
// Threads: any. Throws: nothing.
#pragma once

#include <cstdint>

#include "nexus/result.hpp"

namespace nexus::inline v0 {

enum class error_meaning : std::uint8_t {
  /// The storage is in trouble, which may pass. Also a statement of the journal's own that the
  /// database refused: whatever the reason was, a lock or a missing right, it may be gone tomorrow.
  storage_trouble,
  /// The storage works, and this call was not served: a queue is full, or two transactions collided.
  busy,
  /// The request's own fault: no journal with these limits does it. What `rejected` carries.
  of_request,
  /// An answer: the same call has the same error, until somebody repairs what it names.
  lasting
};

[[nodiscard]] error_meaning meaning_of(errc code) noexcept;

/// Whether the call is tried again.
[[nodiscard]] inline bool may_pass(errc code) noexcept {
  const auto means = meaning_of(code);
  return means == error_meaning::storage_trouble || means == error_meaning::busy;
}

/// Whether it is a failure of the storage, of which some in a row open the circuit breaker.
[[nodiscard]] inline bool counts_for_breaker(errc code) noexcept {
  return meaning_of(code) == error_meaning::storage_trouble;
}

}  // namespace nexus::inline v0
