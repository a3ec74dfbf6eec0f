#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

result<void> session::save_snapshots(std::span<const snapshot_request> requests) {
  for (const auto& request : requests) {
    if (auto why = fault_of(request, limits())) return tl::unexpected<error>(*std::move(why));
  }
  if (requests.empty()) return {};
  return with_connection("save snapshots", [&](connection& c) -> result<void> {
    transaction t{c};
    auto& row = c.sql.save_snapshot;
    for (const auto& [id, snapshot] : requests) {
      row.text(1, id.str()).integer(2, column_nr(snapshot.number));
      row.text(3, snapshot.type).integer(4, snapshot.schema_version).text(5, snapshot.codec);
      row.blob(6, snapshot.data).text(7, writers_.text(snapshot.writer));
      row.integer(8, micros(snapshot.time));
      row.run();
    }
    return t.commit();
  });
}

result<std::optional<stored_snapshot>> session::load_snapshot(const persistence_id& id,
                                                              snapshot_bounds within) {
  using loaded = result<std::optional<stored_snapshot>>;
  if (within.from > sequence_nr_max) return std::nullopt;
  return with_connection("load a snapshot", [&](connection& c) -> loaded {
    auto& row = c.sql.load_snapshot;
    row.text(1, id.str()).integer(2, column_nr(within.from)).integer(3, column_nr(within.to));
    reading scope{row};
    if (!row.step()) return std::nullopt;
    stored_snapshot found;
    if (auto bad = read_row(row, writers_, found); !bad.empty()) {
      return fail(corrupt_row(where_.name, stored_kind::snapshot, id, row.integer(0), bad));
    }
    return found;
  });
}

result<std::vector<sequence_nr>> session::snapshot_numbers(const persistence_id& id,
                                                           snapshot_bounds within,
                                                           std::size_t max) {
  using numbers = std::vector<sequence_nr>;
  if (within.from > sequence_nr_max) return numbers{};
  return with_connection("list snapshots", [&](connection& c) -> result<numbers> {
    auto& row = c.sql.list_snapshots;
    row.text(1, id.str()).integer(2, column_nr(within.from)).integer(3, column_nr(within.to));
    row.integer(4, column_nr(max));
    reading scope{row};
    numbers found;
    while (row.step()) found.push_back(static_cast<sequence_nr>(row.integer(0)));
    return found;
  });
}

void session::erase_snapshots(connection& c, const persistence_id& id, snapshot_bounds within) {
  if (within.from > sequence_nr_max) return;
  c.sql.erase_snapshots.text(1, id.str()).integer(2, column_nr(within.from));
  c.sql.erase_snapshots.integer(3, column_nr(within.to)).run();
}

result<void> session::erase_snapshots(const persistence_id& id, snapshot_bounds within) {
  return with_connection("erase snapshots", [&](connection& c) -> result<void> {
    transaction t{c};
    erase_snapshots(c, id, within);
    remove_bare_alarm(c, id);
    return t.commit();
  });
}

}}}  // namespace nexus::v0::sqlite
