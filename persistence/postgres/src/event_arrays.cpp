#include "event_arrays.hpp"

#include "nexus/journal_checks.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// An element of an array in text form, behind its bracket or comma and before a comma.
void append_quoted(std::string_view element, std::string& out) {
  out += out.empty() ? "{\"" : "\"";
  for (const char c : element) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += "\",";
}

}  // namespace

void event_arrays::chunk::clear() {
  for (auto* one : {&ids, &numbers, &positions, &types, &versions, &codecs, &data, &metadata,
                    &writers, &times, &slices, &tag_lists}) {
    one->clear();
  }
  bytes = 0;
}

parameters event_arrays::chunk::bound() {
  parameters made;
  for (auto* one : {&ids, &numbers, &positions, &types, &versions, &codecs, &data, &metadata,
                    &writers, &times, &slices, &tag_lists}) {
    made.all(*one);
  }
  return made;
}

void event_arrays::clear() {
  if (chunks_.size() > 1) {
    chunks_.clear();  // such a large batch is rare, and its memory too large to keep
    chunks_.resize(1);
  } else {
    chunks_.front().clear();
  }
  for (auto* one : {&ids, &expected, &tags, &tag_positions}) one->clear();
  position_ = 0;
}

std::int64_t event_arrays::add(const append_request& request) {
  ids.bytes(request.id.str());
  expected.int8(column_nr(request.expected));
  if (writer_text_.empty() || request.writer != last_writer_) {
    last_writer_ = request.writer;
    writer_text_ = request.writer.to_string();
  }
  auto number = request.expected;
  for (const auto& event : request.events) {
    if (chunks_.back().bytes >= chunk_bytes_max) chunks_.emplace_back();
    add(chunks_.back(), request, event, ++number);
  }
  return position_;
}

void event_arrays::add(chunk& to, const append_request& request, const event_view& event,
                       sequence_nr number) {
  ++position_;
  to.ids.bytes(request.id.str());
  to.numbers.int8(column_nr(number));
  to.positions.int8(position_);
  to.types.bytes(event.type);
  to.versions.int8(event.schema_version);
  to.codecs.bytes(event.codec);
  to.data.bytes(event.data);
  to.metadata.bytes(event.metadata);
  to.writers.bytes(writer_text_);
  to.times.time(event.time);
  to.slices.int4(static_cast<std::int32_t>(request.id.slice()));
  to.bytes += event.data.size() + event.metadata.size() + event.type.size() + 256;
  if (event.tags.empty()) return to.tag_lists.null();
  tag_list_.clear();
  for (auto tag : sorted_tags(event.tags)) {
    tags.bytes(tag);
    tag_positions.int8(position_);
    append_quoted(tag, tag_list_);
  }
  tag_list_.back() = '}';
  to.tag_lists.bytes(tag_list_);
  to.bytes += tag_list_.size();
}

}}}  // namespace nexus::v0::postgres
