// The bytes of packed items: events of a request, entries of the log, snapshots and states.
//
// A text is its length and its bytes, a number is a LEB128 varint. An event is a text of its own, so
// that one damaged event leaves those behind it readable:
//
//   events  = { text(event) }
//   event   = type, schema version, codec, data, metadata, time, number of tags, { tag }
//   entries = { id, first number, number of events }
//   value   = kind, type, schema version, codec, data, writer, time     kind 0: a tombstone
//
// Threads: any. Throws: nothing. Bounds: those of the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/journal_values.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

// The parts: a number and a text at the end, or at the front. False: there is none.
void put_number(std::string& into, std::uint64_t n);
void put_text(std::string& into, std::string_view text);
[[nodiscard]] bool take_number(std::string_view& from, std::uint64_t& n);
[[nodiscard]] bool take_text(std::string_view& from, std::string_view& text);

/// Some events of a request, which fit one item.
struct packed_events {
  sequence_nr first = 0;
  std::uint64_t count = 0;
  std::string bytes;
};

/// The events in as many items of at most `bytes_max` as they need; none if one event is larger.
[[nodiscard]] std::optional<std::vector<packed_events>> pack(std::span<const event_view> events,
                                                             sequence_nr first,
                                                             std::size_t bytes_max);

/// Reads the events of an item one after another.
class event_reader {
 public:
  explicit event_reader(std::string_view bytes) : rest_{bytes} {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  /// The next event; its views last until the next call. None: it is damaged; if the length of the
  /// event is damaged, those behind it are lost too.
  [[nodiscard]] std::optional<event_view> next();
  /// Passes over one.
  bool skip();

  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  std::vector<std::string_view> tags_;
};

struct log_entry {
  std::string id;
  sequence_nr first = 0;
  std::uint64_t count = 0;
};
void pack_entry(std::string& into, std::string_view id, sequence_nr first, std::uint64_t count);
/// None: damaged.
[[nodiscard]] std::optional<std::vector<log_entry>> unpack_entries(std::string_view bytes);

/// The value of a snapshot or state.
[[nodiscard]] std::string pack_value(const state_view* value, const ulid& writer, timestamp time);
/// Without its version. None: damaged.
[[nodiscard]] std::optional<stored_state> unpack_value(std::string_view bytes);

}}}  // namespace nexus::v0::dynamodb
