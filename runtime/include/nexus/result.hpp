// Errors are values: a code to branch on and a sentence that names the thing.
//
//   nexus::result<int> r = nexus::fail(nexus::errc::timeout, "no answer from account|alice in 1 s");
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

namespace nexus::inline v0 {

/// What went wrong, for code that branches on it. The message is for people.
enum class errc : std::uint8_t {
  invalid_id,           ///< not a persistence id: empty, NUL, over 255 bytes or broken UTF-8
  invalid_argument,     ///< a URI, option or configuration that makes no sense
  timeout,              ///< no answer in time; the command may still take effect
  stopped,              ///< the entity or the system stopped before it answered
  overloaded,           ///< a bounded queue is full; nothing was done
  rejected,             ///< the behavior refused the command
  unhandled,            ///< the behavior has no answer to this command in this state
  decide_failed,        ///< the user's decide threw, or on_recovered failed; nothing was persisted
  apply_failed,         ///< the user's apply threw; nothing was persisted
  conflict,             ///< another writer was there first; nothing was persisted
  too_large,            ///< a payload or request is past a limit; nothing was persisted
  unavailable,          ///< the storage is in trouble; nothing was persisted
  outcome_unknown,      ///< nobody can say (yet) whether the storage persisted it
  corrupt,              ///< stored bytes do not decode, or numbers have a gap
  unknown_type,         ///< stored bytes name a type the behavior does not know
  unsupported_version,  ///< stored bytes have a schema version the behavior does not know
  history_erased,       ///< the records asked for were erased
  foreign_schema,       ///< the database is not a Nexus journal
  newer_schema,         ///< the database was made by a newer Nexus
  older_schema,         ///< the database was made by an older Nexus and has to be migrated
  already_exists,       ///< the name is taken
  actor_failed,         ///< an actor threw, or quit with an error
  would_block,          ///< waiting here would block a thread that others need
  pool_exhausted,       ///< no session became free in time, or too many wait for one already
  pool_closed,          ///< the pool lends no more
  query_failed,         ///< the database refused a statement of one's own
  constraint_violated,  ///< a statement of one's own broke a constraint, e.g. a unique key
  serialization_failed  ///< a transaction collided with another one; it was undone, and may be tried again
};

/// How many codes there are: those who count by code have room for each.
inline constexpr std::size_t errcs = static_cast<std::size_t>(errc::serialization_failed) + 1;

/// The code's name as it is spelled in C++, e.g. "timeout".
[[nodiscard]] std::string_view to_string(errc code) noexcept;

struct error {
  errc code = errc::unavailable;
  std::string message;

  friend bool operator==(const error&, const error&) = default;
};

/// A value, or why there is none.
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

}  // namespace nexus::inline v0
