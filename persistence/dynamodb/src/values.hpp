// Attribute values of DynamoDB's JSON, and the keys of the journal's items.
//
//   json key = key_of(head_of(id));           // {"p": {"S": "i#account|ann"}, "s": {"S": "!"}}
//   auto highest = number_in(item, "h");
//
// docs/dynamodb.md has the table of all items.
//
// Threads: any. Throws: nothing.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "answer.hpp"
#include "nexus/journal_values.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// None: not base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

[[nodiscard]] inline json text_value(std::string_view text) {
  json made;
  made["S"] = text;
  return made;
}
template <class N>
[[nodiscard]] json number_value(N number) {
  json made;
  made["N"] = fmt::format("{}", number);
  return made;
}
[[nodiscard]] inline json bytes_value(std::string_view bytes) {
  json made;
  made["B"] = to_base64(bytes);
  return made;
}

/// An attribute of the item; none if it is missing or of another type.
[[nodiscard]] std::optional<std::string> text_in(const json& item, const char* name);
[[nodiscard]] std::optional<std::uint64_t> number_in(const json& item, const char* name);
[[nodiscard]] std::optional<std::int64_t> signed_in(const json& item, const char* name);
[[nodiscard]] std::optional<std::string> bytes_in(const json& item, const char* name);
/// The number of a log's item, or of a page's end in a log: that in `s`. 0 if there is none.
[[nodiscard]] std::uint64_t number_of_log(const json& item);

/// The key of an item: the partition and the place in it.
struct item_key {
  std::string p;
  std::string s;
};
[[nodiscard]] inline json key_of(const item_key& key) {
  json made;
  made["p"] = text_value(key.p);
  made["s"] = text_value(key.s);
  return made;
}

/// In the order of the numbers.
[[nodiscard]] inline std::string in_order(std::uint64_t n) { return fmt::format("{:020}", n); }
[[nodiscard]] inline std::string in_order(timestamp t) {
  const auto micros = static_cast<std::uint64_t>(t.time_since_epoch().count());
  return fmt::format("{:016x}", micros ^ (std::uint64_t{1} << 63U));
}

constexpr std::string_view head_place = "!";

// All that is of one id.
[[nodiscard]] inline std::string of_id(const persistence_id& id) { return "i#" + id.str(); }
[[nodiscard]] inline item_key head_of(const persistence_id& id) {
  return {of_id(id), std::string{head_place}};
}
[[nodiscard]] inline std::string events_from(sequence_nr first) { return "e" + in_order(first); }
[[nodiscard]] inline std::string snapshot_at(sequence_nr number) { return "s" + in_order(number); }

// All that is of one strand.
[[nodiscard]] inline std::string log_of(std::uint32_t strand) {
  return fmt::format("l#{}", strand);
}
/// The log of the changes of states.
[[nodiscard]] inline std::string changes_of(std::uint32_t strand) {
  return fmt::format("c#{}", strand);
}
/// The partition that lists the events with a tag. The partition of the empty tag lists the events
/// of requests with too many tags.
[[nodiscard]] inline std::string tagged(std::uint32_t strand, std::string_view tag) {
  return fmt::format("t#{}#{}", strand, tag);
}
[[nodiscard]] inline std::string strand_part(std::uint32_t strand) {
  return fmt::format("k#{}", strand);
}
[[nodiscard]] inline item_key mark_of(std::uint32_t strand) {
  return {strand_part(strand), std::string{head_place}};
}
[[nodiscard]] inline item_key reader_of(std::uint32_t strand, std::string_view name) {
  return {strand_part(strand), fmt::format("r#{}", name)};
}
/// Of all strands together: it is read each time a reader goes on, and mostly empty.
constexpr std::string_view prune_part = "w";
[[nodiscard]] inline item_key left_to_prune(const persistence_id& id) {
  return {std::string{prune_part}, id.str()};
}
[[nodiscard]] inline std::string alarms_of(std::uint32_t strand, std::string_view type) {
  return fmt::format("u#{}#{}", strand, type);
}
[[nodiscard]] inline item_key alarm_at(std::uint32_t strand, const persistence_id& id,
                                       timestamp due) {
  return {alarms_of(strand, id.type()), in_order(due) + id.str()};
}

/// Lists of ids, one for each kind, strand and type, and the lists of their types.
enum class listing : std::uint8_t { events, states, alarms };
[[nodiscard]] inline std::string_view name_of(listing which) {
  return which == listing::events ? "r" : which == listing::states ? "rs" : "u";
}
[[nodiscard]] inline std::string list_of(listing which, std::uint32_t strand,
                                         std::string_view type) {
  return fmt::format("{}#{}#{}", name_of(which), strand, type);
}
/// Of alarms per strand, of ids for all strands.
[[nodiscard]] inline std::string types_of(listing which, std::uint32_t strand) {
  return which == listing::alarms ? fmt::format("ut#{}", strand)
                                  : fmt::format("{}t", name_of(which));
}

}}}  // namespace nexus::v0::dynamodb
