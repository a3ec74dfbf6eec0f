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
item_key cells_at(const projection_version& of, std::uint32_t strand) {
  return {partition(of), fmt::format("c{:05}", strand)};
}
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

item_range failures_of(const projection_version& of) {
  return {.p = partition(of), .from = "f", .to = "g"};
}

}  // namespace

error dynamodb_projections::corrupt(const projection_version& of, std::string_view what) const {
  return {errc::corrupt, fmt::format("dynamodb: {}: projection \"{}\" version {}: {} is corrupt",
                                     table_.name(), of.name, of.version, what)};
}

result<void> dynamodb_projections::change(const projection_version& of, std::uint32_t strand,
                                          const std::function<bool(all_cells&)>& change) {
  constexpr int rivals_max = 100;
  const auto key = cells_at(of, strand);
  for (int rivals = 0; rivals < rivals_max; ++rivals) {
    auto item = table_.item(key);
    if (!item) return fail(std::move(item.error()));
    const auto revision = number_in(*item, "r").value_or(0);
    auto cells = item->is_null() ? all_cells{} : unpack_cells(bytes_in(*item, "d").value_or("?"));
    if (!cells) return fail(corrupt(of, fmt::format("the cells of strand {}", strand)));
    if (!change(*cells)) return {};
    auto made = key_of(key);
    made["r"] = number_value(revision + 1);
    made["d"] = bytes_value(pack_cells(*cells));
    auto put = table_.put(std::move(made));
    if (revision == 0) {
      put.body["ConditionExpression"] = "attribute_not_exists(r)";
    } else {
      put.body["ConditionExpression"] = "r = :r";
      put.body["ExpressionAttributeValues"][":r"] = number_value(revision);
    }
    auto done = table_.by().call(put.operation, put.body);
    if (done) return {};
    if (done.error().what != kind::condition) return fail(table_.told(done.error()));
    std::this_thread::sleep_for(std::chrono::milliseconds{rivals % 8});
  }
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
  std::map<std::uint32_t, all_cells> by_strand;
  for (const auto& one : cells)
    by_strand[one.cell / cells_per_strand].push_back({one.cell, one.at});
  for (auto& [strand, added] : by_strand) {
    const auto& more = added;
    auto done = change(of, strand, [&more](all_cells& all) {
      const auto before = all.size();
      for (const auto& one : more) {
        if (std::ranges::find(all, one.cell, &projection_cell::cell) == all.end()) {
          all.push_back(one);
        }
      }
      std::ranges::sort(all, {}, &projection_cell::cell);
      return all.size() > before;
    });
    if (!done) return done;
  }
  return {};
}

result<std::vector<projection_cell>> dynamodb_projections::cells(const projection_version& of) {
  auto items = table_.all_items({.p = partition(of), .from = "c", .to = "d"});
  if (!items) return fail(std::move(items.error()));
  all_cells all;
  for (const auto& one : *items) {
    auto some = unpack_cells(bytes_in(one, "d").value_or("?"));
    if (!some) return fail(corrupt(of, text_in(one, "s").value_or("")));
    std::ranges::move(*some, std::back_inserter(all));
  }
  return all;
}

result<std::uint64_t> dynamodb_projections::advance(const projection_version& of,
                                                    std::string_view owner,
                                                    const projection_move& move) {
  std::uint64_t moved = 0;
  for (auto strand = move.first / cells_per_strand; strand <= move.last / cells_per_strand;
       ++strand) {
    std::uint64_t here = 0;
    auto done = change(of, strand, [&](all_cells& all) {
      here = 0;
      for (auto& one : all) {
        if (one.cell < move.first || one.cell > move.last || one.owner != owner ||
            one.at != move.from) {
          continue;
        }
        one.at = move.to;
        ++one.lease;
        ++here;
      }
      return here > 0;
    });
    if (!done) return fail(std::move(done.error()));
    moved += here;
  }
  return moved;
}

result<bool> dynamodb_projections::give(const projection_version& of, const projection_cell& seen,
                                        std::string_view owner) {
  bool given = false;
  auto done = change(of, seen.cell / cells_per_strand,
                     [&](all_cells& all) { return given = give_in(all, seen, owner); });
  if (!done) return fail(std::move(done.error()));
  return given;
}

result<void> dynamodb_projections::give_all(const projection_version& of,
                                            std::span<const projection_cell> seen,
                                            std::string_view owner) {
  std::map<std::uint32_t, all_cells> by_strand;
  for (const auto& one : seen) by_strand[one.cell / cells_per_strand].push_back(one);
  for (const auto& [strand, some] : by_strand) {
    const auto& of_strand = some;
    auto done = change(of, strand, [&of_strand, owner](all_cells& all) {
      bool any = false;
      for (const auto& one : of_strand) any = give_in(all, one, owner) || any;
      return any;
    });
    if (!done) return done;
  }
  return {};
}

result<bool> dynamodb_projections::want(const projection_version& of, std::uint32_t cell,
                                        std::string_view owner, std::string_view who) {
  bool noted = false;
  auto done = change(of, cell / cells_per_strand, [&](all_cells& all) {
    const auto found = std::ranges::find(all, cell, &projection_cell::cell);
    noted = found != all.end() && found->owner == owner && found->wanted_by.empty();
    if (noted) found->wanted_by = who;
    return noted;
  });
  if (!done) return fail(std::move(done.error()));
  return noted;
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
  for (const auto& one : *items) {
    const auto place = text_in(one, "s").value_or("c");
    const auto strand = static_cast<std::uint32_t>(std::strtoul(place.c_str() + 1, nullptr, 10));
    auto done = change(of, strand, [&](all_cells& all) {
      for (auto& cell : all) {
        if (strand < at.size()) cell.at = at[strand];
        cell.owner.clear();
        cell.wanted_by.clear();
        ++cell.lease;
      }
      return true;
    });
    if (!done) return done;
  }
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
  auto one = table_.remove(failure_at(of, id, number));
  one.body["ReturnValues"] = "ALL_OLD";
  auto done = table_.by().call(one.operation, one.body);
  if (!done) return fail(table_.told(done.error()));
  return done->contains("Attributes");
}

result<void> dynamodb_projections::forget(const projection_version& of) {
  auto all = table_.all_items({.p = partition(of), .only = "s"});
  if (!all) return fail(std::move(all.error()));
  std::vector<item_key> keys{version_at(of)};
  for (const auto& one : *all) keys.push_back({partition(of), text_in(one, "s").value_or("")});
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
