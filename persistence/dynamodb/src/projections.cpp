#include "projections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "nexus/clock.hpp"
#include "packing.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

using kind = fault::kind;

/// Sorts before what an id or a name may go on with.
constexpr char separator = '\x01';

std::string partition(const projection_version& of) {
  return fmt::format("p#{}#{}", of.version, of.name);
}
item_key about(const projection_version& of) { return {partition(of), std::string{head_place}}; }
item_key failure_at(const projection_version& of, const persistence_id& id, sequence_nr number) {
  return {partition(of), fmt::format("f{}{}{}", id.str(), separator, in_order(number))};
}
item_key version_at(const projection_version& of) {
  const timestamp as_time{std::chrono::microseconds{of.version}};  // in order, also below 0
  return {"pt", fmt::format("{}{}{}", of.name, separator, in_order(as_time))};
}

std::string pack_cells(const std::vector<projection_cell>& cells) {
  std::string made;
  for (const auto& one : cells) {
    put_number(made, one.cell);
    put_text(made, to_string(one.at));
    put_text(made, one.owner);
    put_number(made, static_cast<std::uint64_t>(one.lease));
    put_text(made, one.wanted_by);
  }
  return made;
}

std::optional<std::vector<projection_cell>> unpack_cells(std::string_view bytes) {
  std::vector<projection_cell> cells;
  while (!bytes.empty()) {
    std::uint64_t number = 0;
    std::uint64_t lease = 0;
    std::string_view at;
    std::string_view owner;
    std::string_view wanted;
    if (!take_number(bytes, number) || !take_text(bytes, at) || !take_text(bytes, owner) ||
        !take_number(bytes, lease) || !take_text(bytes, wanted)) {
      return std::nullopt;
    }
    auto place = position::parse(at);
    if (!place || number > UINT32_MAX) return std::nullopt;
    cells.push_back({static_cast<std::uint32_t>(number), *place, std::string{owner},
                     static_cast<std::int64_t>(lease), std::string{wanted}});
  }
  return cells;
}

bool give_in(std::vector<projection_cell>& all, const projection_cell& seen,
             std::string_view owner) {
  const auto found = std::ranges::find(all, seen.cell, &projection_cell::cell);
  if (found == all.end() || found->owner != seen.owner || found->lease != seen.lease) return false;
  found->owner = owner;
  found->wanted_by.clear();
  ++found->lease;
  return true;
}

bool want_in(std::vector<projection_cell>& all, std::uint32_t cell, std::string_view owner,
             std::string_view who) {
  const auto found = std::ranges::find(all, cell, &projection_cell::cell);
  if (found == all.end() || found->owner != owner || !found->wanted_by.empty()) return false;
  found->wanted_by = who;
  return true;
}

std::optional<projection_failure> failure_in(const json& item) {
  constexpr std::size_t digits = 20;
  const auto place = text_in(item, "s").value_or("");
  if (place.size() < digits + 2) return std::nullopt;
  auto id = persistence_id::parse(std::string_view{place}.substr(1, place.size() - digits - 2));
  auto at = position::parse(text_in(item, "at").value_or(""));
  const auto time = signed_in(item, "t");
  if (!id || !at || !time) return std::nullopt;
  return projection_failure{*std::move(id),
                            std::strtoull(place.c_str() + place.size() - digits, nullptr, 10),
                            *at,
                            text_in(item, "type").value_or(""),
                            text_in(item, "error").value_or(""),
                            static_cast<std::uint32_t>(number_in(item, "tries").value_or(0)),
                            timestamp{std::chrono::microseconds{*time}}};
}

std::int64_t micros_now() { return wall_clock{}.now().time_since_epoch().count(); }

std::map<std::uint32_t, std::vector<projection_cell>> in_strands(
    std::span<const projection_cell> cells) {
  std::map<std::uint32_t, std::vector<projection_cell>> made;
  for (const auto& one : cells) made[one.cell / cells_per_strand].push_back(one);
  return made;
}

std::vector<std::uint32_t> names_of(
    const std::map<std::uint32_t, std::vector<projection_cell>>& strands) {
  std::vector<std::uint32_t> made;
  for (const auto& [strand, cells] : strands) made.push_back(strand);
  return made;
}

item_range failures_of(const projection_version& of) {
  return {.p = partition(of), .from = "f", .to = "g"};
}

}  // namespace

item_key cells_at(const projection_version& of, std::uint32_t strand) {
  return {partition(of), fmt::format("c{:05}", strand)};
}

error dynamodb_projections::corrupt(const projection_version& of, std::string_view what) const {
  return {errc::corrupt, fmt::format("dynamodb: {}: projection \"{}\" version {}: {} is corrupt",
                                     table_.name(), of.name, of.version, what)};
}

result<strand_cells> dynamodb_projections::cells_in(const projection_version& of,
                                                    std::uint32_t strand, const json& item) const {
  if (item.is_null()) return strand_cells{};
  auto cells = unpack_cells(bytes_in(item, "d").value_or("?"));
  if (!cells) return fail(corrupt(of, fmt::format("the cells of strand {}", strand)));
  return strand_cells{number_in(item, "r").value_or(0), *std::move(cells)};
}

request dynamodb_projections::put_cells(const projection_version& of, std::uint32_t strand,
                                        const strand_cells& cells) const {
  auto made = key_of(cells_at(of, strand));
  made["r"] = number_value(cells.revision + 1);
  made["d"] = bytes_value(pack_cells(cells.all));
  auto put = table_.put(std::move(made));
  if (cells.revision == 0) {
    put.body["ConditionExpression"] = "attribute_not_exists(r)";
  } else {
    put.body["ConditionExpression"] = "r = :r";
    put.body["ExpressionAttributeValues"][":r"] = number_value(cells.revision);
  }
  return put;
}

result<strand_cells> dynamodb_projections::known_cells(const projection_version& of,
                                                       std::uint32_t strand) {
  const auto key = cells_at(of, strand);
  if (auto known = core_.cells.of(key.p + key.s)) return *std::move(known);
  auto item = table_.item(key);
  if (!item) return fail(std::move(item.error()));
  return cells_in(of, strand, *item);
}

result<std::map<std::uint32_t, strand_cells>> dynamodb_projections::cells_of(
    const projection_version& of, strands which) {
  std::vector<request> reads;
  for (const auto strand : which) reads.push_back(table_.get(cells_at(of, strand)));
  auto items = table_.ask_all(reads);
  if (!items) return fail(std::move(items.error()));
  std::map<std::uint32_t, strand_cells> all;
  for (std::size_t i = 0; i < which.size(); ++i) {
    auto cells = cells_in(of, which[i], item_of(std::move((*items)[i])));
    if (!cells) return fail(std::move(cells.error()));
    all.emplace(which[i], *std::move(cells));
  }
  return all;
}

result<void> dynamodb_projections::change(
    const projection_version& of, strands which,
    const std::function<bool(std::uint32_t, all_cells&)>& change, bool hints) {
  constexpr int rivals_max = 100;
  std::vector<std::uint32_t> open{which.begin(), which.end()};
  std::map<std::uint32_t, strand_cells> changed;
  const auto write = [&]() -> result<void> {
    std::vector<request> writes;
    for (const auto& [strand, cells] : changed) writes.push_back(put_cells(of, strand, cells));
    const auto answers = table_.by().call_many(writes);
    std::size_t i = 0;
    for (auto& [strand, cells] : changed) {
      const auto& answer = answers[i++];
      const auto key = cells_at(of, strand);
      if (answer) {
        ++cells.revision;
        core_.cells.saw(key.p + key.s, cells);
      } else if (answer.error().what == kind::condition) {
        open.push_back(strand);
      } else {
        return fail(table_.told(answer.error()));
      }
    }
    changed.clear();
    return {};
  };
  if (hints) {
    std::vector<std::uint32_t> unknown;
    for (const auto strand : open) {
      const auto key = cells_at(of, strand);
      auto known = core_.cells.of(key.p + key.s);
      if (known && change(strand, known->all)) {
        changed.emplace(strand, *std::move(known));
      } else {
        unknown.push_back(strand);
      }
    }
    open = std::move(unknown);
    if (auto done = write(); !done) return done;
  }
  for (int rivals = 0; rivals < rivals_max && !open.empty(); ++rivals) {
    auto stored = cells_of(of, open);
    if (!stored) return fail(std::move(stored.error()));
    open.clear();
    for (auto& [strand, cells] : *stored) {
      if (change(strand, cells.all)) changed.emplace(strand, std::move(cells));
    }
    if (auto done = write(); !done) return done;
    if (!open.empty()) std::this_thread::sleep_for(std::chrono::milliseconds{rivals % 8});
  }
  if (open.empty()) return {};
  return fail(errc::unavailable,
              fmt::format("dynamodb: {}: projection \"{}\": others change its cells all the time",
                          table_.name(), of.name));
}

result<std::string> dynamodb_projections::declare(const projection_version& of,
                                                  std::string_view reads) {
  json body;
  body["TableName"] = table_.name();
  body["Key"] = key_of(about(of));
  body["UpdateExpression"] = "SET r = if_not_exists(r, :reads)";
  body["ExpressionAttributeValues"][":reads"] = text_value(reads);
  body["ReturnValues"] = "ALL_NEW";
  auto got = table_.by().call("UpdateItem", body);
  if (!got) return fail(table_.told(got.error()));
  return text_in(got->value("Attributes", json::object()), "r").value_or(std::string{reads});
}

result<void> dynamodb_projections::add(const projection_version& of,
                                       std::span<const projection_cell> cells) {
  auto known = key_of(version_at(of));
  known["name"] = text_value(of.name);
  known["version"] = number_value(of.version);
  if (auto done = table_.write(table_.put(std::move(known))); !done) return done;
  const auto by_strand = in_strands(cells);
  return change(of, names_of(by_strand), [&by_strand](std::uint32_t strand, all_cells& all) {
    const auto before = all.size();
    for (const auto& one : by_strand.at(strand)) {
      if (std::ranges::find(all, one.cell, &projection_cell::cell) == all.end()) {
        all.push_back({one.cell, one.at});
      }
    }
    std::ranges::sort(all, {}, &projection_cell::cell);
    return all.size() > before;
  });
}

result<std::vector<projection_cell>> dynamodb_projections::cells(const projection_version& of) {
  auto items = table_.all_items({.p = partition(of), .from = "c", .to = "d"});
  if (!items) return fail(std::move(items.error()));
  all_cells all;
  for (const auto& one : *items) {
    auto some = unpack_cells(bytes_in(one, "d").value_or("?"));
    const auto place = text_in(one, "s").value_or("");
    if (!some) return fail(corrupt(of, place));
    core_.cells.saw(partition(of) + place, {number_in(one, "r").value_or(0), *some});
    std::ranges::move(*some, std::back_inserter(all));
  }
  return all;
}

result<std::uint64_t> dynamodb_projections::advance(const projection_version& of,
                                                    std::string_view owner,
                                                    const projection_move& move) {
  auto moved = advance_all(of, owner, {&move, 1});
  if (!moved) return fail(std::move(moved.error()));
  return moved->front();
}

result<bool> dynamodb_projections::give(const projection_version& of, const projection_cell& seen,
                                        std::string_view owner) {
  bool given = false;
  const auto strand = seen.cell / cells_per_strand;
  auto done = change(of, {&strand, 1}, [&](std::uint32_t, all_cells& all) {
    return given = give_in(all, seen, owner);
  });
  if (!done) return fail(std::move(done.error()));
  return given;
}

result<void> dynamodb_projections::give_all(const projection_version& of,
                                            std::span<const projection_cell> seen,
                                            std::string_view owner) {
  const auto by_strand = in_strands(seen);
  return change(of, names_of(by_strand), [&](std::uint32_t strand, all_cells& all) {
    bool any = false;
    for (const auto& one : by_strand.at(strand)) any = give_in(all, one, owner) || any;
    return any;
  });
}

result<bool> dynamodb_projections::want(const projection_version& of, std::uint32_t cell,
                                        std::string_view owner, std::string_view who) {
  bool noted = false;
  const auto strand = cell / cells_per_strand;
  auto done = change(of, {&strand, 1}, [&](std::uint32_t, all_cells& all) {
    return noted = want_in(all, cell, owner, who);
  });
  if (!done) return fail(std::move(done.error()));
  return noted;
}

result<void> dynamodb_projections::want_all(const projection_version& of,
                                            std::span<const projection_cell> seen,
                                            std::string_view who) {
  const auto by_strand = in_strands(seen);
  return change(of, names_of(by_strand), [&](std::uint32_t strand, all_cells& all) {
    bool any = false;
    for (const auto& one : by_strand.at(strand)) {
      any = want_in(all, one.cell, one.owner, who) || any;
    }
    return any;
  });
}

result<void> dynamodb_projections::end_others(const projection_version&, std::uint32_t,
                                              std::uint32_t) {
  if (!table_.by().interrupted()) return {};
  return fail(errc::pool_closed, "dynamodb: the session was interrupted");
}

result<void> dynamodb_projections::restart(const projection_version& of,
                                           std::span<const position> at) {
  auto items = table_.all_items({.p = partition(of), .from = "c", .to = "d", .only = "s"});
  if (!items) return fail(std::move(items.error()));
  std::vector<std::uint32_t> of_cells;
  for (const auto& one : *items) {
    const auto place = text_in(one, "s").value_or("c");
    of_cells.push_back(static_cast<std::uint32_t>(std::strtoul(place.c_str() + 1, nullptr, 10)));
  }
  auto done = change(of, of_cells, [&](std::uint32_t strand, all_cells& all) {
    for (auto& cell : all) {
      if (strand < at.size()) cell.at = at[strand];
      cell.owner.clear();
      cell.wanted_by.clear();
      ++cell.lease;
    }
    return true;
  });
  if (!done) return done;
  auto failed = table_.all_items(failures_of(of));
  if (!failed) return fail(std::move(failed.error()));
  std::vector<item_key> again;
  for (const auto& item : *failed) {
    const auto one = failure_in(item);
    if (!one || one->at.strand >= at.size() || one->at <= at[one->at.strand]) continue;
    again.push_back(failure_at(of, one->of, one->number));
  }
  return table_.remove_all(again);
}

result<bool> dynamodb_projections::paused(const projection_version& of) {
  auto item = table_.item(about(of));
  if (!item) return fail(std::move(item.error()));
  return number_in(*item, "q").value_or(0) == 1;
}

result<void> dynamodb_projections::pause(const projection_version& of, bool paused) {
  json body;
  body["TableName"] = table_.name();
  body["Key"] = key_of(about(of));
  body["UpdateExpression"] = "SET q = :q";
  body["ExpressionAttributeValues"][":q"] = number_value(paused ? 1 : 0);
  return table_.write({"UpdateItem", std::move(body)});
}

result<void> dynamodb_projections::add_failure(const projection_version& of,
                                               const projection_failure& failure) {
  auto item = key_of(failure_at(of, failure.of, failure.number));
  item["at"] = text_value(to_string(failure.at));
  item["type"] = text_value(failure.event_type);
  item["error"] = text_value(failure.error);
  item["tries"] = number_value(failure.attempts);
  item["t"] = number_value(micros_now());
  if (held_.on()) {
    held_.others.push_back(put_action(table_.name(), std::move(item)));
    return {};
  }
  return table_.write(table_.put(std::move(item)));
}

result<bool> dynamodb_projections::update_failure(const projection_version& of,
                                                  const projection_failure& failure) {
  json body;
  body["TableName"] = table_.name();
  body["Key"] = key_of(failure_at(of, failure.of, failure.number));
  body["UpdateExpression"] = "SET #error = :error, tries = :tries, t = :t";
  body["ExpressionAttributeNames"]["#error"] = "error";  // a reserved word
  body["ConditionExpression"] = "attribute_exists(p)";
  auto& values = body["ExpressionAttributeValues"];
  values[":error"] = text_value(failure.error);
  values[":tries"] = number_value(failure.attempts);
  values[":t"] = number_value(micros_now());
  auto done = table_.by().call("UpdateItem", body);
  if (done) return true;
  if (done.error().what == kind::condition) return false;
  return fail(table_.told(done.error()));
}

result<std::vector<projection_failure>> dynamodb_projections::failures(const projection_version& of,
                                                                       std::size_t max) {
  std::vector<projection_failure> found;
  auto range = failures_of(of);
  while (found.size() < max) {
    range.limit = std::min<std::size_t>(max - found.size(), 1'000);
    auto some = table_.items(range);
    if (!some) return fail(std::move(some.error()));
    for (const auto& item : some->items) {
      auto one = failure_in(item);
      if (!one) return fail(corrupt(of, "a failure"));
      found.push_back(*std::move(one));
    }
    if (some->next.is_null()) break;
    range.after = std::move(some->next);
  }
  return found;
}

result<std::uint64_t> dynamodb_projections::count_failures(const projection_version& of) {
  auto range = failures_of(of);
  range.only = "s";
  auto all = table_.all_items(range);
  if (!all) return fail(std::move(all.error()));
  return all->size();
}

result<bool> dynamodb_projections::remove_failure(const projection_version& of,
                                                  const persistence_id& id, sequence_nr number) {
  const auto key = failure_at(of, id, number);
  if (held_.on()) {
    auto item = table_.item(key);
    if (!item) return fail(std::move(item.error()));
    if (item->is_null()) return false;
    auto removal = delete_action(table_.name(), key);
    removal["Delete"]["ConditionExpression"] = "attribute_exists(p)";
    held_.others.push_back(std::move(removal));
    return true;
  }
  auto one = table_.remove(key);
  one.body["ReturnValues"] = "ALL_OLD";
  auto done = table_.by().call(one.operation, one.body);
  if (!done) return fail(table_.told(done.error()));
  return done->contains("Attributes");
}

result<void> dynamodb_projections::forget(const projection_version& of) {
  auto all = table_.all_items({.p = partition(of), .only = "s"});
  if (!all) return fail(std::move(all.error()));
  std::vector<item_key> keys{version_at(of)};
  for (const auto& one : *all) {
    keys.push_back({partition(of), text_in(one, "s").value_or("")});
    core_.cells.forget(keys.back().p + keys.back().s);
  }
  return table_.remove_all(keys);
}

result<std::vector<projection_version>> dynamodb_projections::versions() {
  auto all = table_.all_items({.p = "pt"});
  if (!all) return fail(std::move(all.error()));
  std::vector<projection_version> found;
  for (const auto& one : *all) {
    found.push_back({text_in(one, "name").value_or(""), signed_in(one, "version").value_or(0)});
  }
  return found;
}

}}}  // namespace nexus::v0::dynamodb
