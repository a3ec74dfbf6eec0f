#include "tags.hpp"

#include <set>
#include <utility>

namespace nexus { inline namespace v0 { namespace dynamodb {

std::vector<tagged_item> tagged_items(std::span<const event_view> events, sequence_nr first,
                                      std::span<const packed_events> items, std::size_t tags_max) {
  constexpr std::size_t places_max = 1'000;  // their bytes fit beside those of the events
  std::vector<tagged_item> all;
  std::vector<tagged_item> of_many;  // the same items, if the tags are too many
  std::set<std::string_view> different;
  for (const auto& item : items) {
    std::set<std::string_view> here;
    for (const auto& event : events.subspan(item.first - first, item.count)) {
      here.insert(event.tags.begin(), event.tags.end());
    }
    for (const auto tag : here) all.push_back({std::string{tag}, item.first, item.count});
    if (!here.empty()) of_many.push_back({{}, item.first, item.count});
    different.merge(here);
  }
  return different.size() <= tags_max && all.size() <= places_max ? all : of_many;
}

std::size_t index_bytes(std::span<const tagged_item> all) {
  // A key and a packed tag in the log; a place with an id of 255 bytes and three numbers.
  constexpr std::size_t each = 1'024;
  return all.size() * each;
}

void pack_place(std::string& into, std::string_view id, sequence_nr first, std::uint64_t count,
                std::uint64_t i) {
  put_text(into, id);
  put_number(into, first);
  put_number(into, count);
  put_number(into, i);
}

std::optional<std::vector<tagged_place>> unpack_places(std::string_view bytes) {
  std::vector<tagged_place> all;
  while (!bytes.empty()) {
    std::string_view id;
    tagged_place one;
    if (!take_text(bytes, id) || !take_number(bytes, one.entry.first) ||
        !take_number(bytes, one.entry.count) || !take_number(bytes, one.i)) {
      return std::nullopt;
    }
    if (one.entry.first == 0 || one.entry.count == 0 || one.i == 0) return std::nullopt;
    one.entry.id = id;
    all.push_back(std::move(one));
  }
  return all;
}

bool has_tag(std::string_view tags, std::string_view tag) {
  std::string_view one;
  while (take_text(tags, one)) {
    if (one == tag) return true;
  }
  return false;
}

}}}  // namespace nexus::v0::dynamodb
