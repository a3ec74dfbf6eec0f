// Alarms: their changes within a write, and reading them.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

/// Of a row whose columns are persistence_id, due, writer_id and entity_type.
result<stored_alarm> alarm_in(const statement& row, writer_column& writers,
                              const std::string& journal) {
  const auto corrupt = [&](std::string_view column) {
    return fail(corrupt_alarm(journal, row.bytes(0), column));
  };
  auto id = persistence_id::parse(row.bytes(0));
  if (!id || sqlite3_value_type(row.value(0)) != SQLITE_TEXT) return corrupt("persistence_id");
  if (sqlite3_value_type(row.value(3)) != SQLITE_TEXT || row.bytes(3) != id->type()) {
    return corrupt("entity_type");
  }
  if (sqlite3_value_type(row.value(1)) != SQLITE_INTEGER) return corrupt("due");
  ulid writer;
  if (sqlite3_value_type(row.value(2)) != SQLITE_TEXT || !writers.parse(row.bytes(2), writer)) {
    return corrupt("writer_id");
  }
  return stored_alarm{*std::move(id), from_micros(row.integer(1)), writer};
}

}  // namespace

void session::change_alarm(connection& c, const persistence_id& id, const due_change& to,
                           const ulid& writer) {
  if (!to) return;
  if (to.what == due_change::kind::clear) {
    c.sql.clear_alarm.text(1, id.str()).run();
    return;
  }
  auto& row = c.sql.set_alarm;
  row.text(1, id.str()).text(2, id.type()).integer(3, micros(to.at));
  row.integer(4, id.slice()).text(5, writers_.text(writer)).run();
}

void session::remove_bare_alarm(connection& c, const persistence_id& id) {
  c.sql.remove_bare_alarm.text(1, id.str()).run();
}

result<std::optional<stored_alarm>> session::alarm_in_row(connection& c, const persistence_id& id) {
  auto& row = c.sql.read_alarm;
  row.text(1, id.str());
  reading scope{row};
  if (!row.step()) return std::nullopt;
  auto found = alarm_in(row, writers_, where_.name);
  if (!found) return fail(std::move(found.error()));
  return *std::move(found);
}

result<settlement> session::alarm_truth(connection& c, const persistence_id& id,
                                        const due_change& sent, const ulid& writer) {
  auto found = alarm_in_row(c, id);
  if (!found) return fail(std::move(found.error()));
  return settled_as(sent, writer, *found);
}

result<std::optional<stored_alarm>> session::alarm_of(const persistence_id& id) {
  return with_connection("read an alarm", [&](connection& c) { return alarm_in_row(c, id); });
}

// One range of the index for each type; what is past the last alarm that fits is not read.
result<std::vector<stored_alarm>> session::due(std::uint32_t strand, const due_filter& which,
                                               std::size_t max) {
  using alarms = std::vector<stored_alarm>;
  if (strand >= strands() || max == 0) return alarms{};
  return with_connection("read due alarms", [&](connection& c) -> result<alarms> {
    const read_transaction snapshot{c};
    alarms found;
    auto& row = c.sql.read_due;
    for (auto type : types_of(which)) {
      const auto until = found.size() < max ? which.until : std::min(which.until, found.back().due);
      row.text(1, type).integer(2, micros(until));
      row.integer(3, which.after == nullptr ? std::numeric_limits<std::int64_t>::min()
                                            : micros(which.after->due));
      row.text(4, which.after == nullptr ? std::string_view{} : which.after->id.str());
      row.integer(5, column_nr(max));
      const auto first = static_cast<std::ptrdiff_t>(found.size());
      reading scope{row};
      while (row.step()) {
        auto one = alarm_in(row, writers_, where_.name);
        if (one) {
          found.push_back(*std::move(one));
        } else if (which.on_corrupt != nullptr) {
          (*which.on_corrupt)(one.error());
        } else {
          return fail(std::move(one.error()));
        }
      }
      std::inplace_merge(found.begin(), found.begin() + first, found.end(), listed_before);
      if (found.size() > max) {
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(max), found.end());
      }
    }
    return found;
  });
}

result<std::vector<due_type>> session::due_types(std::uint32_t strand, timestamp until,
                                                 std::uint64_t count_max) {
  using types = std::vector<due_type>;
  if (strand >= strands()) return types{};
  return with_connection("count due alarms", [&](connection& c) -> result<types> {
    auto& row = c.sql.read_due_types;
    row.integer(1, micros(until)).integer(2, column_nr(count_max));
    reading scope{row};
    types found;
    while (row.step()) {
      if (sqlite3_value_type(row.value(0)) != SQLITE_TEXT || !may_have_ids(row.bytes(0))) {
        return fail(errc::corrupt,
                    fmt::format("{}: an alarm is corrupt: bad entity_type", where_.name));
      }
      found.push_back({std::string{row.bytes(0)}, static_cast<std::uint64_t>(row.integer(1)),
                       from_micros(row.integer(2))});
    }
    return found;
  });
}

}}}  // namespace nexus::v0::sqlite
