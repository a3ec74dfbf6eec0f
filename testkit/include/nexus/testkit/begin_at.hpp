// An entity whose journal already stands at a number, for tests of numbers, snapshots and
// retention that need no events before.
//
//   must(nexus::testkit::begin_at<account>(*store, "alice", 1'000'000, {.cents = 5}));
//   accounts.of("alice").ask(account::deposit{1});        // event 1'000'001, on the given state
//
// The id gets a snapshot with that number and state, and no events: those before are as if a
// retention had erased them. For a scenario without a store see scenario::at_number.
//
// Threads: one that may wait. Failures: those of the storage; `already_exists` if the id was used;
// `invalid_argument` past begin_at_max.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/behavior.hpp"
#include "nexus/detail/payload.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// The highest number of begin_at for an event-sourced behavior: so many empty events are written
/// and erased.
inline constexpr sequence_nr begin_at_max = 1'000'000;

namespace detail {

[[nodiscard]] inline result<void> stored_or_error(const append_outcome& outcome,
                                                  const std::string& id) {
  if (std::holds_alternative<stored>(outcome)) return {};
  if (const auto* r = std::get_if<rejected>(&outcome)) return fail(r->why);
  if (const auto* f = std::get_if<failed>(&outcome)) return fail(f->why);
  if (const auto* u = std::get_if<unknown>(&outcome)) return fail(u->why);
  if (const auto* p = std::get_if<partly>(&outcome)) return fail(p->why);
  return fail(errc::already_exists, id + ": begin_at is for an id that was never used");
}

/// Raises the highest number of `id` from 0 to `number`, and leaves no events.
[[nodiscard]] inline result<void> raise_highest(journal_session& on, const persistence_id& id,
                                                sequence_nr number) {
  constexpr sequence_nr at_once = 10'000;
  if (number > begin_at_max) {
    return fail(errc::invalid_argument,
                id.str() + ": begin_at takes numbers up to " + std::to_string(begin_at_max));
  }
  const std::vector<event_view> nothing(static_cast<std::size_t>(std::min(number, at_once)),
                                        event_view{.type = "begin_at", .data = "\x80"});
  for (sequence_nr at = 0; at < number;) {
    const auto count = static_cast<std::size_t>(std::min(number - at, at_once));
    const append_request request{id, at, {}, {nothing.data(), count}};
    if (auto done = stored_or_error(on.append({&request, 1}).front(), id.str()); !done) {
      return done;
    }
    at += count;
  }
  return on.erase_to(id, number, erasing::forced);
}

}

/// Makes the entity `id` of `B` stand at `number` with `state`.
template <behavior B>
[[nodiscard]] result<void> begin_at(const store& in, std::string_view id, sequence_nr number,
                                    const state_t<B>& state = {}) {
  auto name = persistence_id::make(B::entity_type, id);
  if (!name) return fail(std::move(name.error()));
  auto on = in.open_session();
  if (!on) return fail(std::move(on.error()));
  auto encoded = nexus::detail::encode_state<B>(state);
  if (!encoded) return fail(std::move(encoded.error()));
  if (number == 0) {
    return fail(errc::invalid_argument, name->str() + ": begin_at takes numbers from 1 on");
  }
  if constexpr (durable_state<B>) {
    const upsert_request request{.id = *name,
                                 .expected = 0,
                                 .next = number,
                                 .value = state_view{.type = encoded->type,
                                                     .schema_version = encoded->schema_version,
                                                     .codec = encoded->codec,
                                                     .data = encoded->data}};
    return detail::stored_or_error((*on)->upsert({&request, 1}).front(), name->str());
  } else {
    if (auto raised = detail::raise_highest(**on, *name, number); !raised) return raised;
    const snapshot_request one{*name,
                               {.number = number,
                                .type = encoded->type,
                                .schema_version = encoded->schema_version,
                                .codec = encoded->codec,
                                .data = encoded->data}};
    return (*on)->save_snapshots({&one, 1});
  }
}

}}}  // namespace nexus::v0::testkit
