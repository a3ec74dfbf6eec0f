// The index of tags: an item for each tag and batch says which items have events with that tag. It
// is in the transaction of the batch, so a tag that is read has its events.
//
//   t#STRAND#TAG   N   places = { id, first number, number of events, place of the first event }
//   t#STRAND#      N   the same of the requests with more tags than a transaction takes: a reader
//                      of any tag looks there, too
//
// A batch may be in both lists.
//
// Threads: any. Throws: nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packing.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// A packed item of a request, for one of its tags; of the empty tag if the request has too many.
struct tagged_item {
  std::string tag;
  sequence_nr first = 0;
  std::uint64_t count = 0;
};

/// Of `items`, which have the events from number `first` on; at most `tags_max` different tags.
[[nodiscard]] std::vector<tagged_item> tagged_items(std::span<const event_view> events,
                                                    sequence_nr first,
                                                    std::span<const packed_events> items,
                                                    std::size_t tags_max);

/// An upper bound of the bytes that the index takes for these items.
[[nodiscard]] std::size_t index_bytes(std::span<const tagged_item> all);

struct tagged_place {
  log_entry entry;
  std::uint64_t i = 0;  ///< of the first event in its batch
};
void pack_place(std::string& into, std::string_view id, sequence_nr first, std::uint64_t count,
                std::uint64_t i);
/// None: damaged.
[[nodiscard]] std::optional<std::vector<tagged_place>> unpack_places(std::string_view bytes);

/// Whether a batch, whose log item has these packed tags, has an item for the tag; for the empty
/// tag, whether a request of the batch has too many tags.
[[nodiscard]] bool has_tag(std::string_view tags, std::string_view tag);

}}}  // namespace nexus::v0::dynamodb
