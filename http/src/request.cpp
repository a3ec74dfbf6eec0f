#include "nexus/http/request.hpp"

#include <algorithm>
#include <cassert>

#include "text.hpp"

namespace nexus::inline v0::http {
namespace {

std::optional<std::string_view> first(const name_values& of, std::string_view name) noexcept {
  for (const auto& [n, value] : of) {
    if (n == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> request::header(std::string_view name) const noexcept {
  for (const auto& [n, value] : headers) {
    if (same_name(n, name)) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> request::query(std::string_view name) const noexcept {
  return first(queries, name);
}

std::string_view request::param(std::string_view name) const noexcept {
  const auto found = first(params, name);
  assert(found && "the route has no such parameter");
  return found.value_or(std::string_view{});
}

result<nlohmann::json> request::parse_json() const {
  try {
    return nlohmann::json::parse(body);
  } catch (const nlohmann::json::exception& e) {
    return fail(wrong_json(e.what()));
  }
}

// nlohmann's sentences begin with "[json.exception.parse_error.101] ".
error request::wrong_json(std::string_view why) {
  if (const auto end = why.find("] "); why.starts_with('[') && end != std::string_view::npos) {
    why.remove_prefix(end + 2);
  }
  return {errc::invalid_argument, "the body is not the JSON that is expected: " + std::string{why}};
}

}  // namespace nexus::inline v0::http
