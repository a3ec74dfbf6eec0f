// The statements of a session, with the names that the address chose.
//
// Threads: constant once made.
#pragma once

#include "connection.hpp"
#include "nexus/schema_choices.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

struct statements {
  explicit statements(const schema_choices& names);

  // Appending. The check follows the inserts, in the same transaction.
  statement append_events, append_tags, append_check, highest;
  statement durable, upsert_states, versions;
  // Settling.
  statement hold_lock, wait_briefly, end_holder, take_lock, release_lock;
  // Reading.
  statement read_events, read_payloads, read_all, held_back, list_ids;
  statement load_snapshot, list_snapshots, load_state, list_states;
  // Others.
  statement save_snapshots, erase_snapshots, prune_snapshots, erase_events;
};

}}}  // namespace nexus::v0::postgres
