// Erasing events, as far as registered readers have read; and the readers themselves.
#include <algorithm>

#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

// More in one transaction would delay other writers and let the log grow.
constexpr std::int64_t erase_rows_max = 10'000;

reader_floor floor_of(connection& c) {
  reading scope{c.sql.slowest_reader};
  if (!c.sql.slowest_reader.step()) return {};
  return {c.sql.slowest_reader.integer(1), std::string{c.sql.slowest_reader.bytes(0)}};
}

std::int64_t lowest_number(connection& c, const persistence_id& id) {
  c.sql.lowest_number.text(1, id.str());
  reading scope{c.sql.lowest_number};
  return c.sql.lowest_number.step() ? c.sql.lowest_number.integer(0) : 0;
}

std::int64_t position_of(connection& c, const persistence_id& id, std::int64_t number) {
  c.sql.position_of.text(1, id.str()).integer(2, number);
  reading scope{c.sql.position_of};
  return c.sql.position_of.step() ? c.sql.position_of.integer(0) : 0;
}

// The last of the numbers from `first` to `last` whose event is not past `most`, or `first` - 1.
// Positions ascend with the numbers.
std::int64_t last_up_to(connection& c, const persistence_id& id, std::int64_t first,
                        std::int64_t last, std::int64_t most) {
  if (most == std::numeric_limits<std::int64_t>::max()) return last;
  auto below = first - 1;
  while (below < last) {
    const auto middle = below + (last - below + 1) / 2;
    if (position_of(c, id, middle) <= most) {
      below = middle;
    } else {
      last = middle - 1;
    }
  }
  return below;
}

// Erases from the lowest up, so that an interruption leaves a run without gaps: about `rows_max` at
// most. Returns how many numbers that were: less than `rows_max` when nothing is left to do.
std::int64_t erase_some(connection& c, const persistence_id& id, std::int64_t to,
                        std::int64_t rows_max, const reader_floor& up_to) {
  const auto lowest = lowest_number(c, id);
  if (lowest == 0 || lowest > to) return 0;
  auto highest = static_cast<std::int64_t>(highest_number(c, id));
  auto last = std::min({to, lowest - 1 + rows_max, highest});
  last = last_up_to(c, id, lowest, last, up_to.position);
  if (last < lowest) return 0;
  c.sql.erase_events.text(1, id.str()).integer(2, last).run();
  return last - lowest + 1;
}

// Remembers what is left to erase for prune_held_back, or that nothing is.
void remember(connection& c, const persistence_id& id, std::int64_t to) {
  const auto lowest = lowest_number(c, id);
  if (lowest == 0 || lowest > to) {
    c.sql.forget_held_back.text(1, id.str()).integer(2, to).run();
  } else {
    c.sql.hold_back.text(1, id.str()).integer(2, to).integer(3, position_of(c, id, lowest)).run();
  }
}

}  // namespace

result<void> session::erase_to(const persistence_id& id, sequence_nr to, erasing how) {
  return with_connection("erase events", [&](connection& c) -> result<void> {
    for (std::int64_t erased = erase_rows_max; erased == erase_rows_max;) {
      transaction t{c};
      const auto up_to = how == erasing::forced ? reader_floor{} : floor_of(c);
      erased = erase_some(c, id, column_nr(to), erase_rows_max, up_to);
      const auto lowest = erased == erase_rows_max ? 0 : lowest_number(c, id);
      if (lowest == 0) remove_bare_alarm(c, id);
      if (auto done = t.commit(); !done) return done;
      if (lowest != 0 && lowest <= column_nr(to)) {
        return fail(held_back_by(up_to.reader, id, where_.name));
      }
    }
    return {};
  });
}

result<void> session::erase(connection& c, std::span<const prune_request> requests) {
  auto t = std::make_unique<transaction>(c);
  auto up_to = floor_of(c);
  std::int64_t room = erase_rows_max;
  for (const auto& [id, snapshots_below, events_to] : requests) {
    if (snapshots_below > 0) erase_snapshots(c, id, {.from = 0, .to = snapshots_below - 1});
    if (events_to == 0) {
      remove_bare_alarm(c, id);
      continue;
    }
    for (;;) {
      room -= erase_some(c, id, column_nr(events_to), room, up_to);
      if (room > 0) break;
      // The maximum of one transaction: the rest goes into another.
      if (auto done = t->commit(); !done) return done;
      t.reset();
      t = std::make_unique<transaction>(c);
      up_to = floor_of(c);
      room = erase_rows_max;
    }
    remember(c, id, column_nr(events_to));
    remove_bare_alarm(c, id);
  }
  return t->commit();
}

result<void> session::prune(std::span<const prune_request> requests) {
  if (requests.empty()) return {};
  return with_connection("prune", [&](connection& c) { return erase(c, requests); });
}

result<std::size_t> session::prune_held_back(std::size_t max) {
  return with_connection("prune", [&](connection& c) -> result<std::size_t> {
    std::vector<prune_request> due;
    {
      const read_transaction snapshot{c};
      c.sql.held_back.integer(1, floor_of(c).position).integer(2, column_nr(max));
      reading scope{c.sql.held_back};
      while (c.sql.held_back.step()) {
        auto id = persistence_id::parse(c.sql.held_back.bytes(0));
        if (!id) return fail(errc::corrupt, where_.name + ": " + id.error().message);
        due.push_back({*std::move(id), 0, static_cast<sequence_nr>(c.sql.held_back.integer(1))});
      }
    }
    if (due.empty()) return 0;
    if (auto done = erase(c, due); !done) return fail(std::move(done.error()));
    return due.size();
  });
}

// -- registered readers --------------------------------------------------------------------------

template <class Work>
result<void> session::within_transaction(std::string_view doing, Work&& work) {
  if (failed_) return fail(*failed_);
  if (unfinished()) {
    wrote_ = true;
    const turn_scope turn{*connection_};
    return attempt(where_.name, doing, [&] { return work(*connection_); });
  }
  return with_connection(doing, [&](connection& c) -> result<void> {
    transaction t{c};
    if (auto done = work(c); !done) return done;
    return t.commit();
  });
}

result<void> session::save_reader(const stored_reader& reader) {
  if (auto why = fault_of_reader(reader.name)) return fail(*std::move(why));
  return within_transaction("save a reader's position", [&](connection& c) -> result<void> {
    if (auto why = foreign(reader.at, 1, c.epoch, where_.name)) return fail(*std::move(why));
    c.sql.save_reader.text(1, reader.name).integer(2, column_nr(reader.at.major));
    c.sql.save_reader.integer(3, micros(reader.time)).run();
    return {};
  });
}

result<void> session::forget_reader(std::string_view name) {
  return within_transaction("forget a reader", [&](connection& c) -> result<void> {
    c.sql.forget_reader.text(1, name).run();
    return {};
  });
}

result<std::vector<stored_reader>> session::readers() {
  return with_connection("list readers", [&](connection& c) -> result<std::vector<stored_reader>> {
    std::vector<stored_reader> found;
    auto& row = c.sql.list_readers;
    reading scope{row};
    while (row.step()) {
      auto& made = found.emplace_back();
      made.name = row.bytes(0);
      if (const auto at = row.integer(1); at > 0) {
        made.at = {.epoch = c.epoch, .major = static_cast<std::uint64_t>(at)};
      }
      made.time = from_micros(row.integer(2));
    }
    return found;
  });
}

}}}  // namespace nexus::v0::sqlite
