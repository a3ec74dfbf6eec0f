// The reads of an entity's journal in a recovery, or for a verified command.
//
// Threads: a reader's; every call blocks, like those of its session.
#pragma once

#include <cstddef>

#include "entity_fsm.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// The start of a recovery.
/// `alarm`: reads the stored alarm, too.
[[nodiscard]] result<load_result> load_from(journal_session& session, const persistence_id& id,
                                            bool of_state, bool alarm);

/// For a durable state, its version.
[[nodiscard]] result<sequence_nr> highest_of(journal_session& session, const persistence_id& id,
                                             bool of_state);

struct chunk_shape {
  std::size_t bytes_max;
  bool whole;  ///< with writers and metadata, for a replay filter
};
[[nodiscard]] result<replay_chunk> replay_from(journal_session& session, const persistence_id& id,
                                               replay range, chunk_shape shape);

}}}
