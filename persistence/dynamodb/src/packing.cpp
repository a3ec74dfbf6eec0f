#include "packing.hpp"

#include <algorithm>

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

void put(std::string& into, std::uint64_t n) {
  for (; n > 127; n >>= 7U) into += static_cast<char>((n & 127U) | 128U);
  into += static_cast<char>(n);
}

void put(std::string& into, std::string_view text) {
  put(into, text.size());
  into += text;
}

void put(std::string& into, timestamp time) {
  put(into, static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

bool take(std::string_view& from, std::uint64_t& n) {
  n = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (from.empty()) return false;
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    n |= std::uint64_t{byte & 127U} << shift;
    if (byte < 128) return true;
  }
  return false;
}

bool take(std::string_view& from, std::string_view& text) {
  std::uint64_t size = 0;
  if (!take(from, size) || size > from.size()) return false;
  text = from.substr(0, size);
  from.remove_prefix(size);
  return true;
}

bool take(std::string_view& from, std::uint32_t& n) {
  std::uint64_t wide = 0;
  if (!take(from, wide) || wide > UINT32_MAX) return false;
  n = static_cast<std::uint32_t>(wide);
  return true;
}

bool take(std::string_view& from, timestamp& time) {
  std::uint64_t micros = 0;
  if (!take(from, micros)) return false;
  time = timestamp{std::chrono::microseconds{static_cast<std::int64_t>(micros)}};
  return true;
}

std::string packed(const event_view& event) {
  std::string made;
  put(made, event.type);
  put(made, std::uint64_t{event.schema_version});
  put(made, event.codec);
  put(made, event.data);
  put(made, event.metadata);
  put(made, event.time);
  const auto tags = sorted_tags(event.tags);
  put(made, tags.size());
  for (const auto& tag : tags) put(made, tag);
  return made;
}

}  // namespace

void put_number(std::string& into, std::uint64_t n) { put(into, n); }
void put_text(std::string& into, std::string_view text) { put(into, text); }
bool take_number(std::string_view& from, std::uint64_t& n) { return take(from, n); }
bool take_text(std::string_view& from, std::string_view& text) { return take(from, text); }

std::optional<std::vector<packed_events>> pack(std::span<const event_view> events,
                                               sequence_nr first, std::size_t bytes_max) {
  constexpr std::size_t length_bytes = 4;
  std::vector<packed_events> items;
  for (const auto& event : events) {
    const auto bytes = packed(event);
    const auto more = bytes.size() + length_bytes;
    if (more > bytes_max) return std::nullopt;
    if (items.empty() || items.back().bytes.size() + more > bytes_max) {
      items.push_back({.first = first, .count = 0, .bytes = {}});
    }
    put(items.back().bytes, bytes);
    ++items.back().count;
    ++first;
  }
  return items;
}

std::optional<event_view> event_reader::next() {
  std::string_view from;
  event_view made;
  std::uint64_t tags = 0;
  if (!take(rest_, from)) {
    rest_ = {};
    return std::nullopt;
  }
  if (!take(from, made.type) || !take(from, made.schema_version) || !take(from, made.codec) ||
      !take(from, made.data) || !take(from, made.metadata) || !take(from, made.time) ||
      !take(from, tags) || tags > event_view::tags_max) {
    return std::nullopt;
  }
  tags_.clear();
  for (std::string_view tag; tags > 0; --tags) {
    if (!take(from, tag)) return std::nullopt;
    tags_.push_back(tag);
  }
  if (!from.empty()) return std::nullopt;
  made.tags = tags_;
  return made;
}

bool event_reader::skip() {
  std::string_view over;
  const bool done = take(rest_, over);
  if (!done) rest_ = {};
  return done;
}

void pack_entry(std::string& into, std::string_view id, sequence_nr first, std::uint64_t count) {
  put(into, id);
  put(into, first);
  put(into, count);
}

std::optional<std::vector<log_entry>> unpack_entries(std::string_view bytes) {
  std::vector<log_entry> entries;
  while (!bytes.empty()) {
    std::string_view id;
    log_entry one;
    if (!take(bytes, id) || !take(bytes, one.first) || !take(bytes, one.count)) return std::nullopt;
    if (one.first == 0 || one.count == 0) return std::nullopt;
    one.id = id;
    entries.push_back(std::move(one));
  }
  return entries;
}

std::string pack_value(const state_view* value, const ulid& writer, timestamp time) {
  const auto shown = value == nullptr ? state_view{.codec = {}} : *value;
  std::string made;
  put(made, std::uint64_t{value == nullptr ? 0U : 1U});
  put(made, shown.type);
  put(made, std::uint64_t{shown.schema_version});
  put(made, shown.codec);
  put(made, shown.data);
  put(made,
      std::string_view{reinterpret_cast<const char*>(writer.bytes.data()), writer.bytes.size()});
  put(made, time);
  return made;
}

std::optional<stored_state> unpack_value(std::string_view bytes) {
  stored_state made;
  std::uint64_t kind = 0;
  std::string_view type;
  std::string_view codec;
  std::string_view data;
  std::string_view writer;
  if (!take(bytes, kind) || kind > 1 || !take(bytes, type) || !take(bytes, made.schema_version) ||
      !take(bytes, codec) || !take(bytes, data) || !take(bytes, writer) ||
      writer.size() != made.writer.bytes.size() || !take(bytes, made.time) || !bytes.empty()) {
    return std::nullopt;
  }
  made.erased = kind == 0;
  made.type = type;
  made.codec = codec;
  made.data = data;
  std::ranges::copy(writer, reinterpret_cast<char*>(made.writer.bytes.data()));
  return made;
}

}}}  // namespace nexus::v0::dynamodb
