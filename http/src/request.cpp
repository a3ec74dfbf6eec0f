#include "nexus/http/request.hpp"

#include <algorithm>
#include <stdexcept>

#include "json_reading.hpp"
#include "text.hpp"

namespace nexus { inline namespace v0 { namespace http {
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

std::string_view request::param(std::string_view name) const {
  if (const auto found = first(params, name)) return *found;
  throw std::out_of_range{"the route has no parameter {" + std::string{name} + "}"};
}

result<nlohmann::json> request::parse_json() const {
  auto parsed = read_json(body);
  if (!parsed) return fail(wrong_json(parsed.error()));
  return *std::move(parsed);
}

std::string request::what_was_lost(const nlohmann::json& sent, const nlohmann::json& read) {
  return first_difference(sent, read);
}

// Removes nlohmann's prefix "[json.exception.parse_error.101] ".
error request::wrong_json(std::string_view why) {
  if (const auto end = why.find("] "); why.starts_with('[') && end != std::string_view::npos) {
    why.remove_prefix(end + 2);
  }
  return {errc::invalid_argument, "the body is not the expected JSON: " + std::string{why}};
}

}}}  // namespace nexus::v0::http
