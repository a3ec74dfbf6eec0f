// The state of an entity as of a number or a time, read from the journal: for inspection and tests.
//
//   auto then = nexus::load_state<account>(store, "alice", {.number = 40});
//   if (then) print(then->state, then->number, then->time);
//   auto now = nexus::load_state<account>(store, "alice");     // what is stored now
//
// It reads the nearest snapshot at or before, and replays the events after it. It starts no entity,
// and sees what is stored: neither commands on their way nor decide and on_recovered play a part.
//
// A durable state has no history: only its current version can be read, so anything before it is
// history_erased.
//
// Threads: any that may wait; the call blocks on a session of the store's pool. On a thread that
// must not wait, such as an actor's, it fails with `would_block`.
// Failures, each with the id: `invalid_id`; those of the storage; `history_erased` if the state
// cannot be known any more, since events were erased and no kept snapshot replaces them;
// `unknown_type`, `unsupported_version`, `corrupt`, `apply_failed` as in a recovery.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "nexus/behavior.hpp"
#include "nexus/detail/model_of.hpp"
#include "nexus/journal_values.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 {

/// Up to where a state is loaded. With both, the earlier one counts; without any, what is stored.
struct state_bound {
  std::optional<sequence_nr> number{};  ///< the last event, or version, that counts
  /// Events, and snapshots that were saved, after it do not count. The events of an entity count up
  /// to the first one that is later, also if a clock was set back.
  std::optional<timestamp> time{};
};

/// The position of a loaded state.
struct loaded_facts {
  sequence_nr number = 0;       ///< of the last event in it, or its version; 0: a new entity
  timestamp time{};             ///< of that event; of the snapshot if no event was replayed
  sequence_nr snapshot_nr = 0;  ///< of the snapshot that was used; 0: none
  bool erased = false;          ///< a durable state: it was erased
};

/// A state that was loaded.
template <behavior B>
struct loaded_state : loaded_facts {
  state_t<B> state{};
};

namespace detail {

/// Fills `model` with the state of `id` up to `bound`.
[[nodiscard]] result<loaded_facts> load_model(const store& from, std::string_view entity_type,
                                              std::string_view id, bool of_state,
                                              const state_bound& bound, entity_model& model);

}

/// The state of the entity `id` of `B` as of `bound`. An id that was never used has `state{}`, with
/// the number 0; a number past the last one gives the last one.
template <behavior B>
  requires(!relational<B>)
[[nodiscard]] result<loaded_state<B>> load_state(const store& from, std::string_view id,
                                                 const state_bound& bound = {}) {
  typename detail::model_of<B>::type model;
  auto found = detail::load_model(from, B::entity_type, id, durable_state<B>, bound, model);
  if (!found) return fail(std::move(found.error()));
  return loaded_state<B>{*found, model.state()};
}

}}  // namespace nexus::v0
