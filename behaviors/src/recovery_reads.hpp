// What an entity asks of its journal while it recovers or is asked a verified command.
//
// Threads: a reader's; every call blocks, like those of the session it is made on.
#pragma once

#include <cstddef>

#include "entity_fsm.hpp"

namespace nexus::inline v0::detail {

/// What a recovery starts from.
[[nodiscard]] result<load_result> load_from(journal_session& session, const persistence_id& id,
                                            bool of_state);

/// Of a durable state its version.
[[nodiscard]] result<sequence_nr> highest_of(journal_session& session, const persistence_id& id,
                                             bool of_state);

struct chunk_shape {
  std::size_t bytes_max;
  bool whole;  ///< with writers and metadata, for a replay filter
};
[[nodiscard]] result<replay_chunk> replay_from(journal_session& session, const persistence_id& id,
                                               replay range, chunk_shape shape);

}
