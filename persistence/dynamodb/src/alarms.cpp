// Which alarms are due: by strand and type, in the order of time and id.
#include <fmt/format.h>

#include <algorithm>

#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

/// A place behind all alarms that are due at this time: bytes of no id.
std::string behind(timestamp until) { return in_order(until) + "\xF4\x8F\xBF\xBF"; }

result<stored_alarm> alarm_in(const json& item, std::string_view journal) {
  constexpr std::size_t digits = 16;
  const auto place = text_in(item, "s").value_or("");
  const auto writer = ulid::parse(text_in(item, "w").value_or(""));
  std::size_t read = 0;
  std::uint64_t micros = 0;
  for (; read < digits && read < place.size(); ++read) {
    const auto digit = std::string_view{"0123456789abcdef"}.find(place[read]);
    if (digit == std::string_view::npos) break;
    micros = micros << 4U | digit;
  }
  const auto name = place.substr(std::min(digits, place.size()));
  auto id = persistence_id::parse(name);
  if (!id || read != digits) return fail(corrupt_alarm(journal, name, "s"));
  if (!writer) return fail(corrupt_alarm(journal, name, "w"));
  const auto due = static_cast<std::int64_t>(micros ^ (std::uint64_t{1} << 63U));
  return stored_alarm{*std::move(id), timestamp{std::chrono::microseconds{due}}, *writer};
}

}  // namespace

result<std::vector<stored_alarm>> dynamodb_session::due(std::uint32_t of, const due_filter& which,
                                                        std::size_t max) {
  if (auto why = stopped()) return fail(*std::move(why));
  std::vector<stored_alarm> found;
  if (of >= core_->strands || max == 0) return found;
  for (const auto type : nexus::types_of(which)) {
    item_range range{.p = alarms_of(of, type), .to = behind(which.until)};
    if (which.after != nullptr) range.from = in_order(which.after->due) + which.after->id.str();
    std::size_t taken = 0;
    while (taken < max) {
      range.limit = std::min<std::size_t>(max - taken, 999) + 1;
      auto some = table_.items(range);
      if (!some) return fail(std::move(some.error()));
      for (const auto& one : some->items) {
        auto alarm = alarm_in(one, core_->name);
        if (!alarm && which.on_corrupt == nullptr) return fail(std::move(alarm.error()));
        if (!alarm) {
          (*which.on_corrupt)(alarm.error());
          continue;
        }
        if (which.after != nullptr && !listed_before(*which.after, *alarm)) continue;
        if (taken == max) break;
        found.push_back(*std::move(alarm));
        ++taken;
      }
      if (some->next.is_null()) break;
      range.after = std::move(some->next);
    }
  }
  std::ranges::sort(found, listed_before);
  if (found.size() > max)
    found.erase(found.begin() + static_cast<std::ptrdiff_t>(max), found.end());
  return found;
}

result<std::vector<due_type>> dynamodb_session::due_types(std::uint32_t of, timestamp until,
                                                          std::uint64_t count_max) {
  if (auto why = stopped()) return fail(*std::move(why));
  std::vector<due_type> found;
  if (of >= core_->strands) return found;
  auto types = table_.all_items({.p = types_of(listing::alarms, of)});
  if (!types) return fail(std::move(types.error()));
  std::vector<request> all;
  std::vector<item_range> ranges;
  for (const auto& one : *types) {
    auto& range = ranges.emplace_back(item_range{
        .p = alarms_of(of, text_in(one, "s").value_or("")), .to = behind(until), .only = "s, w"});
    range.limit =
        static_cast<std::size_t>(std::clamp<std::uint64_t>(count_max, 1, std::uint64_t{10'000}));
    all.push_back(table_.query(range));
  }
  auto got = table_.ask_all(all);
  if (!got) return fail(std::move(got.error()));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    auto some = page_of(std::move((*got)[i]));
    if (some.items.empty()) continue;
    auto first = alarm_in(some.items[0], core_->name);
    due_type made{text_in((*types)[i], "s").value_or(""), 0, first ? first->due : timestamp::min()};
    for (;;) {
      made.count = std::min<std::uint64_t>(made.count + some.items.size(), count_max);
      if (some.next.is_null() || made.count == count_max) break;
      ranges[i].after = std::move(some.next);
      auto next = table_.items(ranges[i]);
      if (!next) return fail(std::move(next.error()));
      some = *std::move(next);
    }
    found.push_back(std::move(made));
  }
  return found;
}

}}}  // namespace nexus::v0::dynamodb
