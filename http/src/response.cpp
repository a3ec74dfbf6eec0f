#include "nexus/http/response.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

std::string dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

response response::json(const nlohmann::json& value, int status) {
  return {.status = status, .body = dumped(value), .content_type = "application/json"};
}

response response::text(std::string body, int status) {
  return {.status = status, .body = std::move(body), .content_type = "text/plain; charset=utf-8"};
}

response response::problem(int status, std::string_view title, std::string_view detail) {
  const nlohmann::json value{{"status", status}, {"title", title}, {"detail", detail}};
  return {.status = status, .body = dumped(value), .content_type = "application/problem+json"};
}

int status_of(errc code, int rejected) noexcept {
  switch (code) {
    case errc::invalid_argument:
    case errc::invalid_id:
    case errc::foreign_position:
      return 400;
    case errc::rejected:
      return rejected;
    case errc::not_found:
      return 404;
    case errc::unhandled:
    case errc::conflict:
    case errc::constraint_violated:
    case errc::held_back:
      return 409;
    case errc::history_erased:
      return 410;
    case errc::too_large:
      return 413;
    case errc::overloaded:
      return 429;
    case errc::pool_exhausted:
    case errc::pool_closed:
    case errc::stopped:
    case errc::unavailable:
    case errc::serialization_failed:
      return 503;
    case errc::timeout:
    case errc::outcome_unknown:
      return 504;
    default:
      return 500;
  }
}

}}}  // namespace nexus::v0::http
