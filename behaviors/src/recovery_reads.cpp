#include "recovery_reads.hpp"

#include <optional>
#include <utility>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

// The snapshot is read first: another system may save one meanwhile, and a snapshot beyond the
// highest number would look corrupt.
result<load_result> load_events(journal_session& session, const persistence_id& id) {
  auto snapshot = session.load_snapshot(id, {});
  auto highest = session.highest(id);
  if (!highest) return fail(std::move(highest.error()));
  return load_result{*highest, std::move(snapshot)};
}

// A durable state is its own newest snapshot; a tombstone is a snapshot without a type.
result<load_result> load_state(journal_session& session, const persistence_id& id) {
  auto found = session.get_state(id);
  if (!found) return fail(std::move(found.error()));
  if (!*found) return load_result{};
  auto& is = **found;
  stored_snapshot snapshot;
  snapshot.number = is.version;
  if (!is.erased) {
    snapshot.type = std::move(is.type);
    snapshot.schema_version = is.schema_version;
    snapshot.codec = std::move(is.codec);
    snapshot.data = std::move(is.data);
  }
  return load_result{is.version, std::optional{std::move(snapshot)}};
}

}  // namespace

// The alarm is read last: an append of another process between two reads then shows in the alarm
// alone, and the next append conflicts.
result<load_result> load_from(journal_session& session, const persistence_id& id, bool of_state,
                              bool alarm) {
  auto made = of_state ? load_state(session, id) : load_events(session, id);
  if (!made || !alarm) return made;
  auto found = session.alarm_of(id);
  if (!found) return fail(std::move(found.error()));
  made->alarm = std::move(*found);
  return made;
}

result<sequence_nr> highest_of(journal_session& session, const persistence_id& id, bool of_state) {
  if (!of_state) return session.highest(id);
  auto found = session.get_state(id);
  if (!found) return fail(std::move(found.error()));
  return *found ? (*found)->version : 0;
}

result<replay_chunk> replay_from(journal_session& session, const persistence_id& id, replay range,
                                 chunk_shape shape) {
  replay_chunk chunk;
  const auto count = static_cast<std::size_t>(range.to - range.from + 1);
  auto sink = [&](const record_view& r) {
    chunk.add(r);
    return chunk.bytes() < shape.bytes_max;
  };
  auto read = shape.whole ? session.replay(id, range.from, range.to, count, sink)
                          : session.replay_payloads(id, range.from, range.to, count, sink);
  if (!read) return fail(std::move(read.error()));
  return chunk;
}

}}}
