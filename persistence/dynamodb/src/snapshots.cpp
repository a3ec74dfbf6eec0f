// Snapshots: an item per id and number.
#include <fmt/format.h>

#include <algorithm>

#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

sequence_nr number_of(const json& item) {
  const auto place = text_in(item, "s").value_or("");
  return place.empty() ? 0 : std::strtoull(place.c_str() + 1, nullptr, 10);
}

item_range range_of(const persistence_id& id, snapshot_bounds within) {
  return {.p = of_id(id),
          .from = snapshot_at(within.from),
          .to = snapshot_at(std::min(within.to, sequence_nr_max)),
          .ascending = false};
}

}  // namespace

// All or none of one transaction. More than it takes are saved in several: those before the first
// error stay, which harms nothing, since each is a state of its own.
result<void> dynamodb_session::save_snapshots(std::span<const snapshot_request> requests) {
  if (auto why = stopped()) return fail(*std::move(why));
  const auto limits = core_->limits();
  std::vector<json> items;
  std::size_t largest = 0;
  for (const auto& request : requests) {
    if (auto why = fault_of(request, limits)) return fail(*std::move(why));
    const auto& one = request.snapshot;
    const state_view value{one.type, one.schema_version, one.codec, one.data};
    const auto bytes = pack_value(&value, one.writer, one.time);
    if (bytes.size() > packed_bytes_max) {
      return fail(errc::too_large,
                  fmt::format("snapshot {} of {}: {} bytes with its type, at most {} are allowed",
                              one.number, request.id.str(), bytes.size(), packed_bytes_max));
    }
    auto item = key_of({of_id(request.id), snapshot_at(one.number)});
    item["d"] = bytes_value(bytes);
    largest = std::max(largest, bytes.size());
    // A later one of the same id and number replaces it.
    std::erase_if(
        items, [&item](const json& old) { return old["p"] == item["p"] && old["s"] == item["s"]; });
    items.push_back(std::move(item));
  }
  if (items.size() == 1) return table_.write(table_.put(std::move(items[0])));
  const auto at_once =
      std::min(core_->actions_max, transaction_bytes_max / (largest + item_overhead));
  for (std::size_t at = 0; at < items.size(); at += at_once) {
    json actions = json::array();
    for (auto i = at; i < std::min(at + at_once, items.size()); ++i) {
      actions.push_back(put_action(core_->table, std::move(items[i])));
    }
    if (auto done = table_.write(transaction(std::move(actions))); !done) return done;
  }
  return {};
}

result<std::optional<stored_snapshot>> dynamodb_session::load_snapshot(const persistence_id& id,
                                                                       snapshot_bounds within) {
  if (auto why = stopped()) return fail(*std::move(why));
  auto range = range_of(id, within);
  range.limit = 1;
  auto found = table_.items(range);
  if (!found) return fail(std::move(found.error()));
  if (found->items.empty()) return std::nullopt;
  const auto& item = found->items[0];
  auto value = unpack_value(bytes_in(item, "d").value_or(""));
  if (!value || value->erased) {
    return fail(
        corrupt_row(core_->name, stored_kind::snapshot, id, column_nr(number_of(item)), "d"));
  }
  return stored_snapshot{number_of(item),
                         std::move(value->type),
                         value->schema_version,
                         std::move(value->codec),
                         std::move(value->data),
                         value->writer,
                         value->time};
}

result<std::vector<sequence_nr>> dynamodb_session::snapshot_numbers(const persistence_id& id,
                                                                    snapshot_bounds within,
                                                                    std::size_t max) {
  if (auto why = stopped()) return fail(*std::move(why));
  std::vector<sequence_nr> numbers;
  auto range = range_of(id, within);
  range.only = "s";
  while (numbers.size() < max) {
    range.limit = std::min<std::size_t>(max - numbers.size(), 1'000);
    auto some = table_.items(range);
    if (!some) return fail(std::move(some.error()));
    for (const auto& one : some->items) numbers.push_back(number_of(one));
    if (some->next.is_null()) break;
    range.after = std::move(some->next);
  }
  return numbers;
}

result<void> dynamodb_session::erase_snapshots(const persistence_id& id, snapshot_bounds within) {
  auto numbers = snapshot_numbers(id, within, std::numeric_limits<std::size_t>::max());
  if (!numbers) return fail(std::move(numbers.error()));
  std::vector<item_key> keys;
  for (const auto number : *numbers) keys.push_back({of_id(id), snapshot_at(number)});
  if (auto done = table_.remove_all(keys); !done) return done;
  return remove_bare_alarm(id);
}

}}}  // namespace nexus::v0::dynamodb
