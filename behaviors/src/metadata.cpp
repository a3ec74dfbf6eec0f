#include "nexus/metadata.hpp"

#include <algorithm>
#include <optional>

#include "nexus/codec.hpp"
#include "nexus/detail/entity_model.hpp"

namespace nexus { inline namespace v0 {
namespace detail {

// Older versions stored a repeated field several times; the last one counts.
struct metadata_fields_read {
  std::map<std::string, std::string> all;

  void msgpack_unpack(const msgpack::object& /*from*/) {}  // never called; see read_value.hpp
};

template <>
struct assigner<metadata_fields_read> {
  static void run(metadata_fields_read& value, const msgpack::object& from) {
    if (from.type != msgpack::type::MAP) throw field_error{"is not a map"};
    for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
      std::string name;
      assign(name, from.via.map.ptr[i].key);
      assign(value.all[std::move(name)], from.via.map.ptr[i].val);
    }
  }
};

}

namespace {

using bytes = std::vector<char>;

struct stored_metadata {
  std::optional<bytes> command_id;
  std::optional<bytes> correlation_id;
  std::optional<bytes> causation_id;
  std::optional<std::string> traceparent;
  std::optional<std::string> tracestate;
  std::optional<detail::metadata_fields_read> fields;
  MSGPACK_DEFINE_MAP(command_id, correlation_id, causation_id, traceparent, tracestate, fields)
};

result<void> take_id(std::string_view name, const std::optional<bytes>& from, ulid& to) {
  if (!from) return {};
  if (from->size() != to.bytes.size()) {
    return fail(errc::corrupt, "metadata: " + std::string{name} + " is not of 16 bytes");
  }
  std::copy(from->begin(), from->end(), to.bytes.begin());
  return {};
}

}  // namespace

result<event_metadata> decode_metadata(std::string_view data) {
  event_metadata made;
  if (data.empty()) return made;
  stored_metadata stored;
  auto read = decode(data, stored);
  if (read) read = take_id("command_id", stored.command_id, made.command_id);
  if (read) read = take_id("correlation_id", stored.correlation_id, made.correlation_id);
  if (read) read = take_id("causation_id", stored.causation_id, made.causation_id);
  if (!read) return fail(std::move(read.error()));
  made.traceparent = stored.traceparent.value_or("");
  made.tracestate = stored.tracestate.value_or("");
  if (stored.fields) made.fields = std::move(stored.fields->all);
  return made;
}

}}  // namespace nexus::v0
