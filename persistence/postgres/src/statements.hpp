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
  // Alarms, within an append or upsert; and reading them.
  statement set_alarms, set_state_alarms, clear_alarms, check_bare;
  statement read_alarm, read_due, read_due_types;
  // Settling.
  statement hold_lock, wait_briefly, end_holder, take_lock, release_lock;
  // Reading.
  statement read_events, read_payloads, read_all, held_back, list_ids;
  statement load_snapshot, list_snapshots, load_state, list_states;
  statement read_states, index_of_changes, is_past_the_end;
  // Registered readers.
  statement share_readers, save_reader, list_readers, forget_reader;
  // Erasing, and what readers hold back of it.
  statement save_snapshots, erase_snapshots, prune_snapshots, erase_events;
  statement erase_range, hold_back, held_back_events, forget_held_back;
  statement hold_bare_alarms, erase_bare_alarms;
};

}}}  // namespace nexus::v0::postgres
