#include "trace.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus { inline namespace v0 { namespace http {
namespace {

constexpr std::size_t parent_at = 36;  // 00-<32 digits>-<16 digits>-<2 digits>
constexpr std::size_t flags_at = 53;
constexpr std::size_t traceparent_size = 55;
constexpr std::size_t tracestate_max = 512;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// A later version may append fields that are unknown here; they are not passed on.
bool is_traceparent(std::string_view text) {
  if (text.size() < traceparent_size || !is_hex(text.substr(0, 2)) || text.starts_with("ff")) {
    return false;
  }
  if (text.size() > traceparent_size && (text.starts_with("00") || text[traceparent_size] != '-')) {
    return false;
  }
  return text[2] == '-' && is_id(text.substr(3, 32)) && text[parent_at - 1] == '-' &&
         is_id(text.substr(parent_at, 16)) && text[flags_at - 1] == '-' &&
         is_hex(text.substr(flags_at, 2));
}

bool is_tracestate(std::string_view text) {
  return !text.empty() && text.size() <= tracestate_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// An id must not be all zero.
std::string some_id(const random_numbers& random) {
  return fmt::format("{:016x}", std::max<std::uint64_t>(random(), 1));
}

}  // namespace

trace_context read_trace(std::optional<std::string_view> traceparent,
                         std::optional<std::string_view> tracestate, const random_numbers& random) {
  if (!traceparent || !is_traceparent(*traceparent)) {
    return {fmt::format("00-{}{}-{}-00", some_id(random), some_id(random), some_id(random)), {}};
  }
  trace_context made{fmt::format("00{}", traceparent->substr(2, traceparent_size - 2)), {}};
  if (tracestate && is_tracestate(*tracestate)) made.tracestate = *tracestate;
  return made;
}

std::string under_new_parent(const trace_context& of, const random_numbers& random) {
  auto made = of.traceparent;
  return made.replace(parent_at, 16, some_id(random));
}

}}}  // namespace nexus::v0::http
