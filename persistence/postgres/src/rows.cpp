#include "rows.hpp"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "nexus/journal_checks.hpp"
#include "parameters.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

bool read_version(const rows& of, int row, int column, std::uint32_t& into) {
  const auto value = of.int8(row, column);
  into = static_cast<std::uint32_t>(value);
  return value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
}

bool read_writer(std::string_view text, ulid& into) {
  auto parsed = ulid::parse(text);
  if (parsed) into = *parsed;
  return parsed.has_value();
}

std::uint32_t word(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return __builtin_bswap32(value);
}

// The common part of snapshots and states.
template <class Stored>
std::string_view read_stored(const rows& of, int row, Stored& into) {
  if (!read_version(of, row, 2, into.schema_version)) return "schema_version";
  if (!read_writer(of.bytes(row, 5), into.writer)) return "writer_id";
  if (!read_time(of, row, 6, into.time)) return "timestamp";
  into.type = of.bytes(row, 1);
  into.codec = of.bytes(row, 3);
  into.data = of.bytes(row, 4);
  return {};
}

}  // namespace

bool read_time(const rows& of, int row, int column, timestamp& into) {
  const auto value = of.int8(row, column);
  constexpr auto max = std::numeric_limits<std::int64_t>::max();
  if (value == max || value == std::numeric_limits<std::int64_t>::min()) return false;  // infinity
  if (value > max - postgres_epoch_micros) return false;
  into = timestamp{std::chrono::microseconds{value + postgres_epoch_micros}};
  return true;
}

std::string_view record_reader::payload(int row, record_view& into) const {
  const auto number = rows_.int8(row, 0);
  if (number < 1) return "sequence_nr";
  into.number = static_cast<sequence_nr>(number);
  if (!read_version(rows_, row, 2, into.event.schema_version)) return "schema_version";
  into.event.type = rows_.bytes(row, 1);
  into.event.codec = rows_.bytes(row, 3);
  into.event.data = rows_.bytes(row, 4);
  return {};
}

std::string_view record_reader::record(int row, record_view& into) {
  if (auto bad = payload(row, into); !bad.empty()) return bad;
  const auto at = rows_.int8(row, 6);
  if (at < 1) return "position";
  into.at = {.epoch = epoch_,
             .major = static_cast<std::uint64_t>(rows_.int8(row, 5)),
             .minor = static_cast<std::uint64_t>(at)};
  if (const auto text = rows_.bytes(row, 7); text != last_writer_ || text.empty()) {
    if (!read_writer(text, writer_)) return "writer_id";
    last_writer_ = text;
  }
  into.writer = writer_;
  into.event.metadata = rows_.bytes(row, 8);
  if (!read_time(rows_, row, 9, into.event.time)) return "timestamp";
  if (!tags(row)) return "tag";
  into.event.tags = tags_;
  return {};
}

// An array of text in binary form; see parameters.hpp.
bool record_reader::tags(int row) {
  tags_.clear();
  if (rows_.is_null(row, 10)) return true;
  const auto bytes = rows_.bytes(row, 10);
  constexpr std::size_t header = 20;
  if (bytes.size() < header) return bytes.size() >= 4 && word(bytes, 0) == 0;
  auto left = word(bytes, 12);
  for (std::size_t at = header; left > 0; --left) {
    if (at + 4 > bytes.size()) return false;
    const auto size = word(bytes, at);
    at += 4;
    if (size > bytes.size() - at) return false;
    tags_.push_back(bytes.substr(at, size));
    at += size;
  }
  return true;
}

std::string_view read_row(const rows& of, int row, stored_snapshot& into) {
  const auto number = of.int8(row, 0);
  if (number < 0) return "sequence_nr";
  into.number = static_cast<sequence_nr>(number);
  return read_stored(of, row, into);
}

std::string_view read_row(const rows& of, int row, stored_state& into) {
  const auto version = of.int8(row, 0);
  if (version < 1) return "version";
  into.version = static_cast<sequence_nr>(version);
  into.erased = of.is_null(row, 4);
  return read_stored(of, row, into);
}

std::string_view read_row(const rows& of, int row, stored_alarm& into) {
  if (of.bytes(row, 3) != into.id.type()) return "entity_type";
  if (!read_time(of, row, 1, into.due)) return "due";
  if (!read_writer(of.bytes(row, 2), into.writer)) return "writer_id";
  return {};
}

}}}  // namespace nexus::v0::postgres
