// The metadata stored with an event: ids of the command that persisted it, and user fields.
//
// Threads: plain values; `decode_metadata` may be called from any.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

namespace nexus { inline namespace v0 {

struct event_metadata {
  ulid command_id{};          ///< the command that persisted the event; empty: `on_recovered`
  ulid correlation_id{};      ///< the conversation; empty: the command started one
  ulid causation_id{};        ///< the command that caused the command; empty: it came from outside
  std::string traceparent{};  ///< W3C trace context
  std::string tracestate{};
  std::map<std::string, std::string> fields{};  ///< from `with_metadata`
};

/// Reads `event_view::metadata`; empty bytes are empty metadata. Fails with `corrupt`.
[[nodiscard]] result<event_metadata> decode_metadata(std::string_view bytes);

}}  // namespace nexus::v0
