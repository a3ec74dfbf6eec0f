// Reading records and what there is of them, and erasing them.
#include <fmt/format.h>

#include "session.hpp"

namespace nexus::inline v0::sqlite {

// Erasing more in one transaction would keep other writers waiting and the log growing.
constexpr std::int64_t erase_rows_max = 10'000;

sequence_nr highest_number(connection& c, const persistence_id& id, bool erased) {
  std::int64_t found = 0;
  {
    c.last_number.text(1, id.str());
    reading scope{c.last_number};
    if (c.last_number.step()) found = c.last_number.integer(0);  // NULL reads as 0
  }
  if (erased) {
    c.last_erased.text(1, id.str());
    reading scope{c.last_erased};
    if (c.last_erased.step()) found = std::max(found, c.last_erased.integer(0));
  }
  return static_cast<sequence_nr>(std::max<std::int64_t>(found, 0));
}

result<sequence_nr> session::highest(const persistence_id& id) {
  return with_connection("read the highest number", [&](connection& c) -> result<sequence_nr> {
    return highest_number(c, id);
  });
}

// Steps through `row` with `read` filling the record; both replays differ in what they read only.
template <class Read>
result<void> replay_rows(statement& row, const std::string& journal, const persistence_id& id,
                         const record_sink& sink, Read read) {
  reading scope{row};
  record_view record;
  while (row.step()) {
    if (auto bad = read(row, record); !bad.empty()) {
      return fail(corrupt_row(journal, "event", id, row.integer(0), bad));
    }
    if (!sink(record)) break;
  }
  return {};
}

void bind_range(statement& row, const persistence_id& id, sequence_nr from, sequence_nr to,
                std::size_t max) {
  row.text(1, id.str()).integer(2, column_nr(from)).integer(3, column_nr(to));
  row.integer(4, column_nr(max));
}

result<void> session::replay(const persistence_id& id, sequence_nr from, sequence_nr to,
                             std::size_t max, const record_sink& sink) {
  if (from > to || from > sequence_nr_max || max == 0) return {};
  return with_connection("replay", [&](connection& c) -> result<void> {
    bind_range(c.read_events, id, from, to, max);
    return replay_rows(
        c.read_events, where_.name, id, sink,
        [&](const statement& row, record_view& into) { return read_row(row, writers_, into); });
  });
}

result<void> session::replay_payloads(const persistence_id& id, sequence_nr from, sequence_nr to,
                                      std::size_t max, const record_sink& sink) {
  if (from > to || from > sequence_nr_max || max == 0) return {};
  return with_connection("replay", [&](connection& c) -> result<void> {
    bind_range(c.read_payloads, id, from, to, max);
    return replay_rows(c.read_payloads, where_.name, id, sink, read_payload);
  });
}

result<void> session::erase_to(const persistence_id& id, sequence_nr to) {
  return with_connection("erase events", [&](connection& c) -> result<void> {
    for (;;) {
      transaction t{c};
      std::int64_t lowest = 0;
      {
        c.lowest_number.text(1, id.str());
        reading scope{c.lowest_number};
        if (c.lowest_number.step()) lowest = c.lowest_number.integer(0);
      }
      if (lowest == 0 || lowest > column_nr(to)) return {};
      // From the lowest up: whatever stops this leaves a run without gaps.
      auto last = std::min(column_nr(to), lowest - 1 + erase_rows_max);
      c.erase_events.text(1, id.str()).integer(2, last).run();
      t.commit();
    }
  });
}

result<std::vector<persistence_id>> session::ids(std::string_view type, std::string_view after,
                                                 std::size_t max) {
  using listed = result<std::vector<persistence_id>>;
  return with_connection("list ids", [&](connection& c) -> listed {
    std::string from;
    std::string to;
    if (!type.empty()) {
      from = fmt::format("{}|", type);
      to = fmt::format("{}{}", type, static_cast<char>('|' + 1));
    }
    from += after;
    auto& row = c.list_ids;
    row.text(1, from).integer(3, column_nr(max));
    if (type.empty()) {
      row.blob(2, {});  // every blob is past every text
    } else {
      row.text(2, to);
    }
    reading scope{row};
    std::vector<persistence_id> found;
    while (row.step()) {
      auto id = persistence_id::parse(row.bytes(0));
      if (!id) {
        return fail(errc::corrupt, fmt::format("{}: {}", where_.name, id.error().message));
      }
      found.push_back(std::move(*id));
    }
    return found;
  });
}

}  // namespace nexus::inline v0::sqlite
