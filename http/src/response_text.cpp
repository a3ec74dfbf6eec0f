#include "response_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "text.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

// RFC 9110, 15. Clients read the number.
constexpr std::array<std::pair<int, std::string_view>, 44> reasons{
    {{200, "OK"},
     {201, "Created"},
     {202, "Accepted"},
     {203, "Non-Authoritative Information"},
     {204, "No Content"},
     {205, "Reset Content"},
     {206, "Partial Content"},
     {300, "Multiple Choices"},
     {301, "Moved Permanently"},
     {302, "Found"},
     {303, "See Other"},
     {304, "Not Modified"},
     {307, "Temporary Redirect"},
     {308, "Permanent Redirect"},
     {400, "Bad Request"},
     {401, "Unauthorized"},
     {402, "Payment Required"},
     {403, "Forbidden"},
     {404, "Not Found"},
     {405, "Method Not Allowed"},
     {406, "Not Acceptable"},
     {407, "Proxy Authentication Required"},
     {408, "Request Timeout"},
     {409, "Conflict"},
     {410, "Gone"},
     {411, "Length Required"},
     {412, "Precondition Failed"},
     {413, "Content Too Large"},
     {414, "URI Too Long"},
     {415, "Unsupported Media Type"},
     {416, "Range Not Satisfiable"},
     {417, "Expectation Failed"},
     {421, "Misdirected Request"},
     {422, "Unprocessable Content"},
     {426, "Upgrade Required"},
     {428, "Precondition Required"},
     {429, "Too Many Requests"},
     {431, "Request Header Fields Too Large"},
     {500, "Internal Server Error"},
     {501, "Not Implemented"},
     {502, "Bad Gateway"},
     {503, "Service Unavailable"},
     {504, "Gateway Timeout"},
     {505, "HTTP Version Not Supported"}}};

std::string_view reason_of(int status) {
  const auto* found = std::find_if(reasons.begin(), reasons.end(),
                                   [&](const auto& one) { return one.first == status; });
  return found == reasons.end() ? std::string_view{} : found->second;
}

bool is_servers_own(std::string_view name) {
  constexpr std::array<std::string_view, 6> own{"Connection", "Content-Length",    "Keep-Alive",
                                                "Trailer",    "Transfer-Encoding", "Upgrade"};
  return std::any_of(own.begin(), own.end(), [&](auto one) { return same_name(one, name); });
}

bool is_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), is_control) && trimmed(text) == text;
}

bool has_no_body(int status) { return status == 204 || status == 304; }

}  // namespace

std::string why_unsendable(const response& made) {
  if (made.status < 200 || made.status > 599) {
    return fmt::format("the response's status is {}, not from 200 to 599", made.status);
  }
  if (!is_value(made.content_type))
    return "the response's content type contains a line end or control character";
  for (const auto& [name, value] : made.headers) {
    if (!is_token(name)) return "a header of the response has a name that is not a token";
    if (!is_value(value)) {
      return fmt::format("the response's header {} contains a line end or control character", name);
    }
    if (is_servers_own(name)) {
      return fmt::format("the response's header {} may be set by the server alone", name);
    }
  }
  return {};
}

std::string to_text(const response& made, bool is_head, bool closes) {
  std::string text;
  text.reserve(256 + (is_head ? 0 : made.body.size()));
  const auto to = std::back_inserter(text);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\n", made.status, reason_of(made.status));
  for (const auto& [name, value] : made.headers) fmt::format_to(to, "{}: {}\r\n", name, value);
  if (!made.content_type.empty() && !has_no_body(made.status)) {
    fmt::format_to(to, "Content-Type: {}\r\n", made.content_type);
  }
  if (!has_no_body(made.status)) fmt::format_to(to, "Content-Length: {}\r\n", made.body.size());
  if (closes) text += "Connection: close\r\n";
  text += "\r\n";
  if (!is_head && !has_no_body(made.status)) text += made.body;
  return text;
}

}}}  // namespace nexus::v0::http
