// Reading and listing records.
#include <fmt/format.h>

#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

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
      if (auto bad = read_row(row, writers_, c.epoch, into); !bad.empty()) return bad;
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

result<void> session::pass_rows(connection& c, statement& row, const row_sink& sink) {
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
    auto bad = read_row(row, writers_, c.epoch, record);
    if (bad.empty() && !tags.read(record)) bad = "tag";
    if (!bad.empty()) {
      return fail(corrupt_row(where_.name, stored_kind::event, *of, row.integer(0), bad));
    }
    if (!sink(*of, record)) break;
  }
  return {};
}

// A position past the last one is of another copy of the file.
result<void> session::expect_known(connection& c, const position& at) const {
  reading scope{c.sql.last_position};
  c.sql.last_position.step();
  if (c.sql.last_position.integer(0) >= column_nr(at.major)) return {};
  return fail(past_the_end(at, where_.name));
}

// Positions are assigned inside write transactions, of which there is one at a time: an event that
// is not visible yet is past all visible ones.
result<void> session::read_all(reading_start from, std::size_t max, const journal_sink& sink) {
  apart passing{sink};
  auto done = with_connection("read the journal", [&](connection& c) -> result<void> {
    if (auto why = foreign(from.after, 1, c.epoch, where_.name)) return fail(*std::move(why));
    const read_transaction snapshot{c};
    if (!from.from_kept) {
      reading scope{c.sql.last_erased_position};
      c.sql.last_erased_position.step();
      if (c.sql.last_erased_position.integer(0) > column_nr(from.after.major)) {
        return fail(erased_past(from.after, where_.name));
      }
    }
    if (max == 0) return {};
    c.sql.read_all.integer(1, column_nr(from.after.major)).integer(2, column_nr(max));
    bool any = false;
    auto read =
        pass_rows(c, c.sql.read_all, [&](const auto&... r) { return any = true, passing(r...); });
    if (!read || any) return read;
    return expect_known(c, from.after);
  });
  passing.rethrow();
  return done;
}

result<std::vector<persistence_id>> list(statement& listing, const std::string& journal,
                                         const id_filter& which, std::size_t max) {
  std::vector<persistence_id> found;
  const auto range = id_range::of(which);
  if (!range) return found;
  listing.text(1, range->from).integer(3, column_nr(max));
  if (range->before.empty()) {
    listing.blob(2, {});  // every blob is past every text
  } else {
    listing.text(2, range->before);
  }
  reading scope{listing};
  while (listing.step()) {
    auto id = persistence_id::parse(listing.bytes(0));
    if (!id) return fail(errc::corrupt, fmt::format("{}: {}", journal, id.error().message));
    found.push_back(std::move(*id));
  }
  return found;
}

result<std::vector<persistence_id>> session::ids(const id_filter& which, std::size_t max) {
  return with_connection(
      "list ids", [&](connection& c) { return list(c.sql.list_ids, where_.name, which, max); });
}

}}}  // namespace nexus::v0::sqlite
