// What is stored with an event beside its payload: which command led to it, and fields of one's own.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "nexus/result.hpp"
#include "nexus/ulid.hpp"

namespace nexus::inline v0 {

struct event_metadata {
  ulid command_id{};          ///< the command that persisted the event; empty: `on_recovered`
  ulid correlation_id{};      ///< the conversation it belongs to; empty: it began one
  ulid causation_id{};        ///< the command that caused it; empty: it came from outside
  std::string traceparent{};  ///< W3C trace context
  std::string tracestate{};
  std::map<std::string, std::string> fields{};  ///< from `with_metadata`
};

/// Reads `event_view::metadata`; nothing is no metadata. Fails with `corrupt`.
[[nodiscard]] result<event_metadata> decode_metadata(std::string_view bytes);

}  // namespace nexus::inline v0
