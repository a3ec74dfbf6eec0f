// Reading and listing records, and erasing them.
#include <fmt/format.h>

#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

// More in one transaction would delay other writers and let the log grow.
constexpr std::int64_t erase_rows_max = 10'000;

constexpr int persistence_id_column = 9;  // of read_all, after the columns of read_events

sequence_nr highest_number(connection& c, const persistence_id& id, bool erased) {
  std::int64_t found = 0;
  {
    c.sql.last_number.text(1, id.str());
    reading scope{c.sql.last_number};
    if (c.sql.last_number.step()) found = c.sql.last_number.integer(0);  // NULL reads as 0
  }
  if (erased) {
    c.sql.last_erased.text(1, id.str());
    reading scope{c.sql.last_erased};
    if (c.sql.last_erased.step()) found = std::max(found, c.sql.last_erased.integer(0));
  }
  return static_cast<sequence_nr>(std::max<std::int64_t>(found, 0));
}

result<sequence_nr> session::highest(const persistence_id& id) {
  return with_connection("read the highest number", [&](connection& c) -> result<sequence_nr> {
    return highest_number(c, id);
  });
}

// Steps through `row`, with `read` filling the record; the two replays differ only in what they
// read.
template <class Sink, class Read>
result<void> replay_rows(statement& row, const std::string& journal, const persistence_id& id,
                         Sink& sink, Read read) {
  reading scope{row};
  record_view record;
  while (row.step()) {
    if (auto bad = read(row, record); !bad.empty()) {
      return fail(corrupt_row(journal, stored_kind::event, id, row.integer(0), bad));
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
  apart passing{sink};
  auto done = with_connection("replay", [&](connection& c) -> result<void> {
    bind_range(c.sql.read_events, id, from, to, max);
    tag_cursor tags{c.sql.read_tags};
    auto read = [&](const statement& row, record_view& into) -> std::string_view {
      if (auto bad = read_row(row, writers_, into); !bad.empty()) return bad;
      return tags.read(into) ? "" : "tag";
    };
    return replay_rows(c.sql.read_events, where_.name, id, passing, read);
  });
  passing.rethrow();
  return done;
}

result<void> session::replay_payloads(const persistence_id& id, sequence_nr from, sequence_nr to,
                                      std::size_t max, const record_sink& sink) {
  if (from > to || from > sequence_nr_max || max == 0) return {};
  apart passing{sink};
  auto done = with_connection("replay", [&](connection& c) -> result<void> {
    bind_range(c.sql.read_payloads, id, from, to, max);
    return replay_rows(c.sql.read_payloads, where_.name, id, passing, read_payload);
  });
  passing.rethrow();
  return done;
}

// Positions are assigned inside write transactions, of which there is one at a time: an event that
// is not visible yet is past all visible ones.
result<void> session::read_all(position after, std::size_t max, const journal_sink& sink) {
  if (max == 0) return {};
  apart passing{sink};
  auto done = with_connection("read the journal", [&](connection& c) -> result<void> {
    auto& row = c.sql.read_all;
    row.integer(1, column_nr(after.major)).integer(2, column_nr(max));
    reading scope{row};
    tag_cursor tags{c.sql.read_tags};
    std::optional<persistence_id> of;  // neighbouring events often have the same id
    record_view record;
    while (row.step()) {
      if (auto text = row.bytes(persistence_id_column); !of || of->str() != text) {
        auto id = persistence_id::parse(text);
        if (!id) {
          return fail(errc::corrupt, fmt::format("{}: the event at position {} is corrupt: {}",
                                                 where_.name, row.integer(1), id.error().message));
        }
        of = std::move(*id);
      }
      auto bad = read_row(row, writers_, record);
      if (bad.empty() && !tags.read(record)) bad = "tag";
      if (!bad.empty())
        return fail(corrupt_row(where_.name, stored_kind::event, *of, row.integer(0), bad));
      if (!passing(*of, record)) break;
    }
    return {};
  });
  passing.rethrow();
  return done;
}

// From the lowest up: an interruption leaves a run without gaps.
std::int64_t erase_some(connection& c, const persistence_id& id, std::int64_t to,
                        std::int64_t rows_max) {
  std::int64_t lowest = 0;
  {
    c.sql.lowest_number.text(1, id.str());
    reading scope{c.sql.lowest_number};
    if (c.sql.lowest_number.step()) lowest = c.sql.lowest_number.integer(0);
  }
  if (lowest == 0 || lowest > to) return 0;
  auto last = std::min(to, lowest - 1 + rows_max);
  c.sql.erase_events.text(1, id.str()).integer(2, last).run();
  return last - lowest + 1;
}

result<void> session::erase_to(const persistence_id& id, sequence_nr to) {
  return with_connection("erase events", [&](connection& c) -> result<void> {
    for (std::int64_t erased = erase_rows_max; erased == erase_rows_max;) {
      transaction t{c};
      erased = erase_some(c, id, column_nr(to), erase_rows_max);
      if (auto done = t.commit(); !done) return done;
    }
    return {};
  });
}

result<void> session::prune(std::span<const prune_request> requests) {
  if (requests.empty()) return {};
  return with_connection("prune", [&](connection& c) -> result<void> {
    auto t = std::make_unique<transaction>(c);
    std::int64_t room = erase_rows_max;
    for (const auto& [id, snapshots_below, events_to] : requests) {
      if (snapshots_below > 0) erase_snapshots(c, id, {.from = 0, .to = snapshots_below - 1});
      if (events_to == 0) continue;
      for (;;) {
        const auto erased = erase_some(c, id, column_nr(events_to), room);
        room -= erased;
        if (room > 0) break;
        // The maximum of one transaction: the rest goes into another.
        if (auto done = t->commit(); !done) return done;
        t.reset();
        t = std::make_unique<transaction>(c);
        room = erase_rows_max;
      }
    }
    return t->commit();
  });
}

result<std::vector<persistence_id>> list(statement& listing, const std::string& journal,
                                         std::string_view type, std::string_view after,
                                         std::size_t max) {
  if (!may_have_ids(type)) return std::vector<persistence_id>{};
  std::string from;
  std::string to;
  if (!type.empty()) {
    from = fmt::format("{}|", type);
    to = fmt::format("{}{}", type, static_cast<char>('|' + 1));
  }
  from += after;
  listing.text(1, from).integer(3, column_nr(max));
  if (type.empty()) {
    listing.blob(2, {});  // every blob is past every text
  } else {
    listing.text(2, to);
  }
  reading scope{listing};
  std::vector<persistence_id> found;
  while (listing.step()) {
    auto id = persistence_id::parse(listing.bytes(0));
    if (!id) return fail(errc::corrupt, fmt::format("{}: {}", journal, id.error().message));
    found.push_back(std::move(*id));
  }
  return found;
}

result<std::vector<persistence_id>> session::ids(std::string_view type, std::string_view after,
                                                 std::size_t max) {
  return with_connection("list ids", [&](connection& c) {
    return list(c.sql.list_ids, where_.name, type, after, max);
  });
}

}}}  // namespace nexus::v0::sqlite
