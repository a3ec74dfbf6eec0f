#include "rows.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

// One look-up per column: the value's accessors take no lock and need no index.
bool read_number(const statement& row, int column, std::int64_t min, std::int64_t& into) {
  auto* value = row.value(column);
  if (sqlite3_value_type(value) != SQLITE_INTEGER) return false;
  into = sqlite3_value_int64(value);
  return into >= min;
}

bool read_version(const statement& row, int column, std::uint32_t& into) {
  std::int64_t value = 0;
  if (!read_number(row, column, 0, value)) return false;
  into = static_cast<std::uint32_t>(value);
  return value <= std::numeric_limits<std::uint32_t>::max();
}

bool read_bytes(const statement& row, int column, int type, std::string_view& into) {
  auto* value = row.value(column);
  if (sqlite3_value_type(value) != type) return false;
  // In this order: the size is that of the bytes returned by the call before it.
  const void* data = sqlite3_value_blob(value);
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
  into = {data == nullptr ? "" : static_cast<const char*>(data), size};
  return true;
}

}  // namespace

std::string_view writer_column::text(const ulid& writer) {
  if (text_.empty() || writer != writer_) {
    writer_ = writer;
    text_ = writer.to_string();
  }
  return text_;
}

bool writer_column::parse(std::string_view text, ulid& into) {
  if (text_.empty() || text != text_) {
    auto parsed = ulid::parse(text);
    if (!parsed) return false;
    writer_ = *parsed;
    text_ = text;
  }
  into = writer_;
  return true;
}

std::string_view read_row(const statement& row, writer_column& writers, std::uint64_t epoch,
                          record_view& into) {
  std::int64_t number = 0;
  std::int64_t at = 0;
  std::int64_t time = 0;
  std::string_view writer;
  auto& event = into.event;
  if (!read_number(row, 0, 1, number)) return "sequence_nr";
  if (!read_number(row, 1, 1, at)) return "position";
  if (!read_bytes(row, 2, SQLITE_TEXT, writer) || !writers.parse(writer, into.writer)) {
    return "writer_id";
  }
  if (!read_bytes(row, 3, SQLITE_TEXT, event.type)) return "event_type";
  if (!read_version(row, 4, event.schema_version)) return "schema_version";
  if (!read_bytes(row, 5, SQLITE_TEXT, event.codec)) return "codec";
  if (!read_bytes(row, 6, SQLITE_BLOB, event.data)) return "event_data";
  if (!read_bytes(row, 7, SQLITE_BLOB, event.metadata)) return "metadata";
  if (!read_number(row, 8, std::numeric_limits<std::int64_t>::min(), time)) return "timestamp";
  into.number = static_cast<sequence_nr>(number);
  into.at = {.epoch = epoch, .major = static_cast<std::uint64_t>(at)};
  event.time = from_micros(time);
  return {};
}

std::string_view read_payload(const statement& row, record_view& into) {
  std::int64_t number = 0;
  auto& event = into.event;
  if (!read_number(row, 0, 1, number)) return "sequence_nr";
  if (!read_bytes(row, 1, SQLITE_TEXT, event.type)) return "event_type";
  if (!read_version(row, 2, event.schema_version)) return "schema_version";
  if (!read_bytes(row, 3, SQLITE_TEXT, event.codec)) return "codec";
  if (!read_bytes(row, 4, SQLITE_BLOB, event.data)) return "event_data";
  into.number = static_cast<sequence_nr>(number);
  return {};
}

std::string_view read_row(const statement& row, writer_column& writers, stored_snapshot& into) {
  std::int64_t number = 0;
  std::int64_t time = 0;
  std::string_view type;
  std::string_view codec;
  std::string_view data;
  std::string_view writer;
  if (!read_number(row, 0, 0, number)) return "sequence_nr";
  if (!read_bytes(row, 1, SQLITE_TEXT, type)) return "state_type";
  if (!read_version(row, 2, into.schema_version)) return "schema_version";
  if (!read_bytes(row, 3, SQLITE_TEXT, codec)) return "codec";
  if (!read_bytes(row, 4, SQLITE_BLOB, data)) return "state_data";
  if (!read_bytes(row, 5, SQLITE_TEXT, writer) || !writers.parse(writer, into.writer)) {
    return "writer_id";
  }
  if (!read_number(row, 6, std::numeric_limits<std::int64_t>::min(), time)) return "timestamp";
  into.number = static_cast<sequence_nr>(number);
  into.type = type;
  into.codec = codec;
  into.data = data;
  into.time = from_micros(time);
  return {};
}

std::string_view read_row(const statement& row, writer_column& writers, stored_state& into) {
  std::int64_t version = 0;
  std::int64_t time = 0;
  std::string_view type;
  std::string_view codec;
  std::string_view data;
  std::string_view writer;
  if (!read_number(row, 0, 1, version)) return "version";
  if (!read_bytes(row, 1, SQLITE_TEXT, type)) return "state_type";
  if (!read_version(row, 2, into.schema_version)) return "schema_version";
  if (!read_bytes(row, 3, SQLITE_TEXT, codec)) return "codec";
  into.erased = sqlite3_value_type(row.value(4)) == SQLITE_NULL;
  if (!into.erased && !read_bytes(row, 4, SQLITE_BLOB, data)) return "state_data";
  if (!read_bytes(row, 5, SQLITE_TEXT, writer) || !writers.parse(writer, into.writer)) {
    return "writer_id";
  }
  if (!read_number(row, 6, std::numeric_limits<std::int64_t>::min(), time)) return "timestamp";
  into.version = static_cast<sequence_nr>(version);
  into.type = type;
  into.codec = codec;
  into.data = data;
  into.time = from_micros(time);
  return {};
}

bool tag_cursor::read(record_view& record) {
  record.event.tags = {};
  const auto at = static_cast<std::int64_t>(record.at.major);
  const bool descends = at <= std::exchange(last_, at);
  if (descends || next_ < at) {
    rows_.reset();
    rows_.integer(1, at);
    step();
  }
  if (next_ != at) return true;
  tags_.clear();
  for (; next_ == at; step()) {
    std::string_view tag;
    if (!read_bytes(rows_, 1, SQLITE_TEXT, tag)) return false;
    tags_.emplace_back(tag);
  }
  views_.assign(tags_.begin(), tags_.end());
  record.event.tags = views_;
  return true;
}

}}}  // namespace nexus::v0::sqlite
