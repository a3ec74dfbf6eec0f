// Erasing events, as far as registered readers have read; and the readers themselves.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// Events of an id erased by one transaction: more would delay others, and exceed the timeout.
constexpr std::int64_t erase_max = 10'000;

const parameters nothing;

}  // namespace

result<void> session::erase_to(const persistence_id& id, sequence_nr to, erasing how) {
  array one{element::text};
  array upto{element::int8};
  one.bytes(id.str());
  upto.int8(column_nr(to));
  parameters range;
  range.all(one).all(upto).int8(erase_max).int8(how == erasing::forced ? 1 : 0);
  parameters whose;
  whose.all(one);
  return with_connection("erase", [&](connection& c) -> result<void> {
    for (;;) {
      const auto answers = c.run({{core_->sql.share_readers, nothing},
                                  {core_->sql.erase_range, range},
                                  {core_->sql.hold_bare_alarms, whose},
                                  {core_->sql.erase_bare_alarms, whose}});
      const auto& erased = answers[1];
      if (erased.int8(0, 0) >= erase_max) continue;
      if (erased.is_null(0, 1)) return {};
      return fail(held_back_by(erased.bytes(0, 1), id, core_->where.name));
    }
  });
}

// An id may be in several requests; a statement takes it once, with the highest number. In order of
// the ids: calls that lock in different orders would wait for each other.
result<void> session::prune(std::span<const prune_request> requests) {
  std::map<std::string_view, std::int64_t> snapshots;
  std::map<std::string_view, std::int64_t> events;
  const auto add = [](auto& to, const prune_request& r, sequence_nr number) {
    if (number == 0) return;
    auto& highest = to[r.id.str()];
    highest = std::max(highest, column_nr(number));
  };
  for (const auto& r : requests) {
    add(snapshots, r, r.snapshots_below);
    add(events, r, r.events_to);
  }
  array of_snapshots{element::text}, below{element::int8};
  array of_events{element::text}, upto{element::int8};
  for (const auto& [id, number] : snapshots) {
    of_snapshots.bytes(id);
    below.int8(number);
  }
  for (const auto& [id, number] : events) {
    of_events.bytes(id);
    upto.int8(number);
  }
  return with_connection("erase", [&](connection& c) -> result<void> {
    if (of_snapshots.size() > 0) {
      parameters whose;
      whose.all(of_snapshots);
      c.run({{core_->sql.prune_snapshots, parameters{}.all(of_snapshots).all(below)},
             {core_->sql.hold_bare_alarms, whose},
             {core_->sql.erase_bare_alarms, whose}});
    }
    if (of_events.size() == 0) return {};
    parameters range;
    range.all(of_events).all(upto).int8(erase_max).int8(0);
    const auto ids = [&] { return std::move(parameters{}.all(of_events).all(upto)); };
    const auto done = ids();
    parameters whose;
    whose.all(of_events);
    // An id may have more events than one transaction erases; then another one follows.
    for (std::int64_t erased = erase_max; erased >= erase_max;) {
      const auto answers = c.run({{core_->sql.share_readers, nothing},
                                  {core_->sql.erase_events, range},
                                  {core_->sql.forget_held_back, done},
                                  {core_->sql.hold_back, done},
                                  {core_->sql.hold_bare_alarms, whose},
                                  {core_->sql.erase_bare_alarms, whose}});
      erased = answers[1].affected();
    }
    return {};
  });
}

result<std::size_t> session::prune_held_back(std::size_t max) {
  std::vector<prune_request> due;
  auto found = with_connection("prune", [&](connection& c) -> result<void> {
    const auto rows = c.query(core_->sql.held_back_events, parameters{}.int8(column_nr(max)));
    for (int row = 0; row < rows.size(); ++row) {
      auto id = persistence_id::parse(rows.bytes(row, 0));
      if (!id) return fail(errc::corrupt, core_->where.name + ": " + id.error().message);
      due.push_back({*std::move(id), 0, static_cast<sequence_nr>(rows.int8(row, 1))});
    }
    return {};
  });
  if (!found) return fail(std::move(found.error()));
  if (due.empty()) return 0;
  if (auto done = prune(due); !done) return fail(std::move(done.error()));
  return due.size();
}

// -- registered readers --------------------------------------------------------------------------

result<std::int64_t> session::in_own_transaction(const statement& what,
                                                 const std::vector<sql_value>& with) {
  auto done = run_sql(what.sql, with);
  if (!done) return fail(std::move(done.error()));
  return done->affected;
}

result<void> session::save_reader(const stored_reader& reader) {
  if (auto why = fault_of(reader, limits())) return fail(*std::move(why));
  if (auto why = foreign(reader.at, 1, core_->epoch, core_->where.name)) {
    return fail(*std::move(why));
  }
  const auto minor = column_nr(reader.at.minor);
  const auto micros = std::int64_t{reader.time.time_since_epoch().count()};
  const auto saved = [&]() -> result<std::int64_t> {
    if (unfinished()) {
      return in_own_transaction(core_->sql.save_reader,
                                {reader.name, std::to_string(reader.at.major), minor, micros});
    }
    return with_connection("save a reader's position", [&](connection& c) -> result<std::int64_t> {
      parameters row;
      row.text(reader.name).int8(static_cast<std::int64_t>(reader.at.major));
      row.int8(minor).int8(micros);
      return c.query(core_->sql.save_reader, row).affected();
    });
  }();
  if (!saved) return fail(error{saved.error()});
  if (*saved == 0) return fail(past_the_end(reader.at, core_->where.name));
  return {};
}

result<void> session::forget_reader(std::string_view name) {
  if (fault_of_reader(name)) return {};  // no reader has it
  if (unfinished()) {
    auto done = in_own_transaction(core_->sql.forget_reader, {std::string{name}});
    return done.map([](auto) {});
  }
  return with_connection("forget a reader", [&](connection& c) -> result<void> {
    c.query(core_->sql.forget_reader, parameters{}.text(name));
    return {};
  });
}

result<std::vector<stored_reader>> session::readers() {
  return with_connection("list readers", [&](connection& c) -> result<std::vector<stored_reader>> {
    const auto found = c.query(core_->sql.list_readers);
    std::vector<stored_reader> all;
    for (int row = 0; row < found.size(); ++row) {
      auto& made = all.emplace_back();
      made.name = found.bytes(row, 0);
      made.at = {.epoch = core_->epoch,
                 .major = static_cast<std::uint64_t>(found.int8(row, 1)),
                 .minor = static_cast<std::uint64_t>(found.int8(row, 2))};
      if (made.at.major == 0) made.at = {};
      made.time = timestamp{std::chrono::microseconds{found.int8(row, 3) + postgres_epoch_micros}};
    }
    return all;
  });
}

}}}  // namespace nexus::v0::postgres
