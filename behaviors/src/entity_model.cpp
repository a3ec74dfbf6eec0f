#include "nexus/detail/entity_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>

#include "messages.hpp"
#include "nexus/codec.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 { namespace detail {

entity_call::entity_call() noexcept : call{number(message_kind::command)} {}

error too_many_events(std::size_t count, const decision_limits& limits) {
  return {errc::too_large,
          fmt::format("one command persists {} events, at most {} are allowed: {}", count,
                      limits.events_max,
                      limits.by_journal ? "the journal's limit for one append"
                                        : "raise entity_options::events_per_command_max, or "
                                          "persist them with several commands")};
}

error too_many_bytes(std::size_t bytes, const decision_limits& limits) {
  return {
      errc::too_large,
      fmt::format("one command persists events of {} bytes or more, at most {} are allowed: the "
                  "journal stores no more in one append",
                  bytes, limits.events_bytes_max)};
}

std::string_view encode_metadata(const call_header& command, const metadata_fields& fields) {
  thread_local std::string out;
  out.clear();
  byte_sink sink{out};
  msgpack::packer<byte_sink> packer{sink};
  auto pack_id = [&](std::string_view name, const ulid& id) {
    if (id.empty()) return;
    packer.pack_str(static_cast<std::uint32_t>(name.size()));
    packer.pack_str_body(name.data(), static_cast<std::uint32_t>(name.size()));
    packer.pack_bin(static_cast<std::uint32_t>(id.bytes.size()));
    packer.pack_bin_body(reinterpret_cast<const char*>(id.bytes.data()),
                         static_cast<std::uint32_t>(id.bytes.size()));
  };
  auto pack_text = [&](std::string_view name, const std::string& text) {
    if (text.empty()) return;
    packer.pack(name);
    packer.pack(text);
  };
  const bool traced = !command.traceparent.empty() || !command.tracestate.empty();
  if (!command.command_id.empty() && command.correlation_id.empty() &&
      command.causation_id.empty() && !traced && fields.empty()) {
    // By far the most frequent case: a map of one pair, written directly.
    constexpr std::string_view head{
        "\x81\xaa"
        "command_id\xc4\x10",
        14};
    out.assign(head);
    out.append(reinterpret_cast<const char*>(command.command_id.bytes.data()), 16);
    return out;
  }
  packer.pack_map(static_cast<std::uint32_t>(!command.command_id.empty()) +
                  static_cast<std::uint32_t>(!command.correlation_id.empty()) +
                  static_cast<std::uint32_t>(!command.causation_id.empty()) +
                  static_cast<std::uint32_t>(!command.traceparent.empty()) +
                  static_cast<std::uint32_t>(!command.tracestate.empty()) +
                  static_cast<std::uint32_t>(!fields.empty()));
  pack_id("command_id", command.command_id);
  pack_id("correlation_id", command.correlation_id);
  pack_id("causation_id", command.causation_id);
  pack_text("traceparent", command.traceparent);
  pack_text("tracestate", command.tracestate);
  if (!fields.empty()) {
    packer.pack(std::string_view{"fields"});
    // If a name is given twice, the last value counts.
    const auto repeated = [&](auto field) {
      return std::any_of(std::next(field), fields.end(),
                         [&](const auto& later) { return later.first == field->first; });
    };
    std::uint32_t count = 0;
    for (auto at = fields.begin(); at != fields.end(); ++at) count += repeated(at) ? 0 : 1;
    packer.pack_map(count);
    for (auto at = fields.begin(); at != fields.end(); ++at) {
      if (repeated(at)) continue;
      packer.pack(at->first);
      packer.pack(at->second);
    }
  }
  return out;
}

std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "not a std::exception";
  }
}

error threw(errc code, std::string_view entity_type, std::string_view id, std::string_view where) {
  return {code, fmt::format("{}|{}: {} threw: {}", entity_type, id, where, what_was_thrown())};
}

}}}
