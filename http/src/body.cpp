#include "body.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace nexus::inline v0::http {
namespace {

constexpr std::size_t chunk_line_max = 1'024;
constexpr std::size_t trailers_max = 64;

response wrong(std::string_view why) { return response::problem(400, "invalid_request", why); }

response too_large(std::size_t max) {
  return response::problem(413, "too_large",
                           fmt::format("a request's body has at most {} bytes", max));
}

// RFC 9112, 7.1; extensions and trailers are passed over.
std::optional<response> read_chunks(connection& from, std::size_t max, std::string& to) {
  std::string line;
  for (;;) {
    if (!from.read_line(chunk_line_max, line)) return wrong("the body's chunks are incomplete");
    auto digits = std::string_view{line}.substr(0, line.find_first_of("; \t"));
    const auto size = number(digits, 16);
    if (!size) return wrong("a chunk of the body has no size");
    if (*size == 0) break;
    if (*size > max - to.size()) return too_large(max);
    if (!from.read_exactly(*size, to) || !from.read_line(2, line)) {
      return wrong("the body's chunks are incomplete");
    }
  }
  for (std::size_t i = 0; i < trailers_max && from.read_line(chunk_line_max, line); ++i) {
    if (line.empty()) return std::nullopt;
  }
  return wrong("the body's chunks do not end");
}

// Several that differ would be understood differently by a proxy.
std::optional<std::uint64_t> length_of(const httplib::Request& of) {
  const auto [begin, end] = of.headers.equal_range("Content-Length");
  for (auto other = begin; other != end; ++other) {
    if (other->second != begin->second) return std::nullopt;
  }
  return number(begin->second);
}

}  // namespace

std::optional<response> read_body(connection& from, const httplib::Request& of, std::size_t max,
                                  std::string& to) {
  const auto codings = of.get_header_value_count("Transfer-Encoding");
  const bool has_length = of.has_header("Content-Length");
  if (codings != 0 && has_length) {
    return wrong("Content-Length and Transfer-Encoding contradict each other");
  }
  if (codings == 0 && !has_length) return std::nullopt;
  if (of.has_header("Content-Encoding") &&
      !same_name(of.get_header_value("Content-Encoding"), "identity")) {
    return response::problem(415, "unsupported", "a body must come without Content-Encoding");
  }
  if (codings != 0) {
    if (codings != 1 || !same_name(of.get_header_value("Transfer-Encoding"), "chunked")) {
      return response::problem(501, "not_implemented",
                               "of transfer encodings only chunked is known");
    }
    return read_chunks(from, max, to);
  }
  const auto length = length_of(of);
  if (!length) return wrong("Content-Length is no number");
  if (*length > max) return too_large(max);
  if (!from.read_exactly(*length, to)) return wrong("the body is incomplete");
  return std::nullopt;
}

bool says_too_large(const httplib::Request& of, std::size_t max) {
  return of.has_header("Content-Length") && length_of(of).value_or(0) > max;
}

}  // namespace nexus::inline v0::http
