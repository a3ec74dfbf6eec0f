// Errors are values: a code to branch on, and a sentence that names what failed.
//
//   nexus::result<int> r = nexus::fail(nexus::errc::timeout, "no answer from a|alice in 1 s");
//   if (!r) std::cerr << r.error().message << '\n';
//
// Threads: plain values. Throws: only when memory runs out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "nexus/broken_constraint.hpp"

namespace nexus { inline namespace v0 {

/// The kind of an error, for code that branches. The message is for people.
enum class errc : std::uint8_t {
  invalid_id,            ///< not a persistence id: empty, NUL, over 255 bytes or broken UTF-8
  invalid_argument,      ///< an invalid URI, option or configuration
  timeout,               ///< no answer in time; the command may still take effect
  stopped,               ///< the entity or the system stopped before it answered
  overloaded,            ///< a bounded queue is full; nothing was done
  rejected,              ///< the behavior refused the command
  unhandled,             ///< the behavior does not handle this command in this state
  decide_failed,         ///< the user's decide threw, or on_recovered failed; nothing was persisted
  apply_failed,          ///< the user's apply threw; nothing was persisted
  conflict,              ///< another writer wrote first; nothing was persisted
  too_large,             ///< a payload or request is past a limit; nothing was persisted
  unavailable,           ///< the storage failed; nothing was persisted
  outcome_unknown,       ///< it is not known (yet) whether the storage persisted it
  corrupt,               ///< stored bytes do not decode, or numbers have a gap
  unknown_type,          ///< stored bytes name a type that the behavior does not know
  unsupported_version,   ///< stored bytes have a schema version that the behavior does not know
  history_erased,        ///< the requested records were erased
  foreign_position,      ///< a position of another journal, strand or numbering
  held_back,             ///< a registered reader still needs what was to be erased
  foreign_schema,        ///< the database is not a Nexus journal
  newer_schema,          ///< the database was made by a newer Nexus
  older_schema,          ///< the database was made by an older Nexus and has to be migrated
  already_exists,        ///< the name is taken
  actor_failed,          ///< an actor threw, or quit with an error
  would_block,           ///< waiting here would block a thread that others need
  pool_exhausted,        ///< no session became free in time, or too many borrowers wait already
  pool_closed,           ///< the pool has stopped lending
  query_failed,          ///< the database refused a statement of the program
  constraint_violated,   ///< a statement of the program broke a constraint, e.g. a unique key
  serialization_failed,  ///< a transaction collided with another one and was undone; retry it
  projection_failed,  ///< a projection's handler threw, or the projection has stopped at an event
  not_found           ///< the row that was asked for does not exist
};

/// The number of codes, for arrays indexed by code.
inline constexpr std::size_t errcs = static_cast<std::size_t>(errc::not_found) + 1;

/// The enumerator's name, e.g. "timeout".
[[nodiscard]] std::string_view to_string(errc code) noexcept;

struct error {
  errc code = errc::unavailable;
  std::string message;
  detail::maybe_broken broken{};  ///< of `constraint_violated`: which constraint

  friend bool operator==(const error&, const error&) = default;
};

/// A value, or an error.
template <class T>
using result = tl::expected<T, error>;

/// Makes the failing side of a result.
[[nodiscard]] inline tl::unexpected<error> fail(errc code, std::string message) {
  return tl::unexpected<error>(error{code, std::move(message)});
}

/// Passes on the error of another result.
[[nodiscard]] inline tl::unexpected<error> fail(error e) {
  return tl::unexpected<error>(std::move(e));
}

}}  // namespace nexus::v0
