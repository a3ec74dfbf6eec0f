#include <map>
#include <utility>

#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
result<void> session::save_snapshots(std::span<const snapshot_request> requests) {
  // Sorted by id and number to lock in one order; of two with one number the later one wins.
  std::map<std::pair<std::string_view, sequence_nr>, const snapshot_request*> sorted;
  for (const auto& request : requests) {
    if (auto why = fault_of(request, limits())) return tl::unexpected<error>(*std::move(why));
    sorted[{request.id.str(), request.snapshot.number}] = &request;
  }
  if (sorted.empty()) return {};
  array ids{element::text}, numbers{element::int8}, types{element::text}, schemas{element::int8};
  array codecs{element::text}, data{element::bytea}, writers{element::text};
  array times{element::timestamptz};
  for (const auto& [key, request] : sorted) {
    const auto& snapshot = request->snapshot;
    ids.bytes(key.first);
    numbers.int8(column_nr(key.second));
    types.bytes(snapshot.type);
    schemas.int8(snapshot.schema_version);
    codecs.bytes(snapshot.codec);
    data.bytes(snapshot.data);
    writers.bytes(snapshot.writer.to_string());
    times.time(snapshot.time);
  }
  parameters bound;
  for (auto* one : {&ids, &numbers, &types, &schemas, &codecs, &data, &writers, &times}) {
    bound.all(*one);
  }
  return with_connection("save snapshots", [&](connection& c) -> result<void> {
    c.query(core_->sql.save_snapshots, bound);
    return {};
  });
}

result<std::optional<stored_snapshot>> session::load_snapshot(const persistence_id& id,
                                                              snapshot_bounds within) {
  using loaded = result<std::optional<stored_snapshot>>;
  if (within.from > sequence_nr_max) return std::nullopt;
  parameters range;
  range.text(id.str()).int8(column_nr(within.from)).int8(column_nr(within.to));
  return with_connection("load a snapshot", [&](connection& c) -> loaded {
    const auto found = c.query(core_->sql.load_snapshot, range);
    if (found.size() == 0) return std::nullopt;
    stored_snapshot snapshot;
    if (auto bad = read_row(found, 0, snapshot); !bad.empty()) {
      return fail(corrupt_row(core_->where.name, stored_kind::snapshot, id, found.int8(0, 0), bad));
    }
    return snapshot;
  });
}

result<std::vector<sequence_nr>> session::snapshot_numbers(const persistence_id& id,
                                                           snapshot_bounds within,
                                                           std::size_t max) {
  using numbers = std::vector<sequence_nr>;
  if (within.from > sequence_nr_max) return numbers{};
  parameters range;
  range.text(id.str()).int8(column_nr(within.from)).int8(column_nr(within.to)).int8(column_nr(max));
  return with_connection("list snapshots", [&](connection& c) -> result<numbers> {
    const auto found = c.query(core_->sql.list_snapshots, range);
    numbers all;
    for (int row = 0; row < found.size(); ++row) {
      all.push_back(static_cast<sequence_nr>(found.int8(row, 0)));
    }
    return all;
  });
}

result<void> session::erase_snapshots(const persistence_id& id, snapshot_bounds within) {
  if (within.from > sequence_nr_max) return {};
  array one{element::text};
  one.bytes(id.str());
  parameters whose;
  whose.all(one);
  parameters range;
  range.text(id.str()).int8(column_nr(within.from)).int8(column_nr(within.to));
  return with_connection("erase snapshots", [&](connection& c) -> result<void> {
    c.run({{core_->sql.erase_snapshots, range},
           {core_->sql.hold_bare_alarms, whose},
           {core_->sql.erase_bare_alarms, whose}});
    return {};
  });
}

}}}  // namespace nexus::v0::postgres
