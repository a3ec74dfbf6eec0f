// Every statement of a session, prepared with the names that the address chose.
//
// Threads: the connection's. Throws: SQLite::Exception.
#pragma once

#include "statement.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

struct statements {
  explicit statements(const journal_database& db);

  statement begin, begin_reading, commit, rollback;
  statement tail;  // the last position in the journal, and the last one erased
  statement last_number, last_erased;
  statement append_event, read_events, read_payloads, read_all;
  statement epoch, last_erased_position, last_position;
  statement lowest_number, position_of, erase_events, list_ids;
  statement save_reader, list_readers, forget_reader, slowest_reader;
  statement hold_back, held_back, forget_held_back;
  statement append_tag, read_tags;
  statement save_snapshot, load_snapshot, list_snapshots, erase_snapshots;
  statement upsert_state, read_version, load_state, list_states, read_states, index_of_changes;
  statement set_alarm, clear_alarm, remove_bare_alarm, read_alarm, read_due, read_due_types;
  statement mark_settled;
};

}}}  // namespace nexus::v0::sqlite
