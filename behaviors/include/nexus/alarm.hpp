// An alarm: when an entity wants to be woken next, and with which command.
//
//   struct hold {
//     …
//     static std::optional<nexus::alarm<hold>> alarm(const state& s) {
//       if (!s.open) return std::nullopt;
//       return nexus::alarm<hold>{s.expires_at, expire{}};
//     }
//   };
//
// `alarm` is a pure function of the state. Nexus calls it after each command that stored something.
// The due time is stored with the append that caused it; the command is not stored: it is the one
// that the state names when the time has come. Then the entity is woken, also after a crash and
// after a long passivity, and decides the command like any other, with `context::now` not before
// the due time. At least once: the command must be harmless twice. docs/time.md has the details.
//
// If a new version of the program changes `alarm` for stored states, raise
// `static constexpr std::uint32_t alarm_version` (at least 1, and 1 if it is missing): a sweep in the
// background then corrects the stored due times of all ids. A behavior that gets its first `alarm`
// needs no version: its ids are swept, too.
//
// After the alarms of Cloudflare's Durable Objects, here as a function of the state.
//
// Threads: values. `alarm` is called on the entity's thread; if it throws, the command that it was
// called for is refused, as with an `apply` that throws.
#pragma once

#include "nexus/clock.hpp"

namespace nexus { inline namespace v0 {

/// The entity of behavior `B` wants to be woken at `due` with `command`, any of B's commands. A due
/// time past what the journal stores is the latest one it stores.
template <class B>
struct alarm {
  timestamp due;
  typename B::command command;
};

}}  // namespace nexus::v0
