// W3C trace context: https://www.w3.org/TR/trace-context/
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace nexus { inline namespace v0 { namespace http {

struct trace_context {
  std::string traceparent;
  std::string tracestate;

  [[nodiscard]] std::string_view trace_id() const {
    return std::string_view{traceparent}.substr(3, 32);
  }
};

using random_numbers = std::function<std::uint64_t()>;

/// The incoming trace context if it is valid; otherwise a new trace.
[[nodiscard]] trace_context read_trace(std::optional<std::string_view> traceparent,
                                       std::optional<std::string_view> tracestate,
                                       const random_numbers& random);

/// The traceparent of the same trace with a new parent id.
[[nodiscard]] std::string under_new_parent(const trace_context& of, const random_numbers& random);

}}}
