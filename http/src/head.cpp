#include "head.hpp"

#include <fmt/format.h>

#include <boost/beast/http/basic_parser.hpp>
#include <limits>

#include "text.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

namespace beast = boost::beast;

constexpr std::size_t method_bytes_max = 32;
constexpr std::size_t headers_max = 100;
constexpr std::string_view around_target = "  HTTP/1.1";

using problem = std::optional<response>;

// For heads only: read_body reads bodies.
class head_parser final : public beast::http::basic_parser<true> {
 public:
  head made;
  std::string target_text;

 private:
  using view = beast::string_view;
  using field = beast::http::field;
  using error_code = beast::error_code;

  static std::string text(view v) { return {v.data(), v.size()}; }

  void on_request_impl(beast::http::verb, view method, view to, int version, error_code&) override {
    made.method = text(method);
    target_text = text(to);
    made.is_1_1 = version == 11;
  }
  void on_field_impl(field, view name, view value, error_code&) override {
    made.headers.emplace_back(text(name), text(value));
  }
  void on_header_impl(error_code&) override {}

  // Never called, since the parser never gets a body. Not every version has the last one.
  void on_response_impl(int, view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}
  void on_trailer_field_impl(field, view, view, error_code&) {}  // NOLINT
};

response too_long(int status, std::string_view what, std::size_t max) {
  return response::problem(status, "too_large", fmt::format("{} has at most {}", what, max));
}

response method_unknown() {
  return response::problem(501, "not_implemented", "the method is too long");
}

problem check_host(const head& of) {
  const auto hosts = of.count("Host");
  if (hosts == 0) {
    return of.is_1_1 ? problem{malformed("a request must have the header Host")} : std::nullopt;
  }
  if (hosts > 1) return malformed("a request must have one header Host");
  const auto host = *of.all("Host");
  if (host.empty() || is_authority(host)) return std::nullopt;
  return malformed("the header Host is not a host");
}

// The last coding determines how the body ends (RFC 9112, 6.1).
problem check_codings(const head& of, std::string_view all) {
  std::size_t n = 0;
  for (bool last = false; !last; ++n) {
    const auto comma = std::min(all.find(','), all.size());
    const auto one = trimmed(all.substr(0, comma));
    last = comma == all.size();
    if (!is_token(one) || same_name(one, "chunked") != last) {
      return malformed("Transfer-Encoding must end with chunked, and name it once");
    }
    if (!last) all.remove_prefix(comma + 1);
  }
  if (!of.is_1_1) return malformed("HTTP/1.0 has no Transfer-Encoding");
  if (of.count("Content-Length") != 0) {
    return malformed("Content-Length and Transfer-Encoding contradict each other");
  }
  if (n == 1) return std::nullopt;
  return response::problem(501, "not_implemented", "the only known transfer encoding is chunked");
}

problem find_length(head& of) {
  if (const auto codings = of.all("Transfer-Encoding")) {
    of.in_chunks = true;
    return check_codings(of, *codings);
  }
  const auto lengths = of.count("Content-Length");
  if (lengths == 0) return std::nullopt;
  if (lengths > 1) return malformed("a request must have one header Content-Length");
  of.length = number(*of.all("Content-Length"));
  if (of.length) return std::nullopt;
  return malformed("Content-Length is not a number");
}

}  // namespace

std::size_t head::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      headers.begin(), headers.end(), [&](const auto& one) { return same_name(one.first, name); }));
}

std::optional<std::string> head::all(std::string_view name) const {
  std::optional<std::string> made;
  for (const auto& [n, value] : headers) {
    if (!same_name(n, name)) continue;
    made = made ? *made + ", " + value : value;
  }
  return made;
}

bool is_header(std::string_view line) noexcept {
  const auto colon = line.find(':');
  return colon != std::string_view::npos && is_token(line.substr(0, colon));
}

response malformed(std::string_view why) { return response::problem(400, "invalid_request", why); }

response not_read(input how, std::string_view what) {
  switch (how) {
    case input::late:
      return response::problem(408, "timeout", fmt::format("{} did not arrive in time", what));
    case input::malformed:
      return malformed(
          fmt::format("{} has a line that does not end with CR LF, or a control "
                      "character in it",
                      what));
    default:
      return malformed(fmt::format("{} is incomplete", what));
  }
}

tl::expected<head, response> parse_head(std::string_view text) {
  head_parser parser;
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // none would refuse every length
  beast::error_code why;
  parser.put(boost::asio::const_buffer{text.data(), text.size()}, why);
  if (why || !parser.is_header_done()) {
    return tl::unexpected{malformed(
        fmt::format("the request's first line or a header is invalid: {}", why.message()))};
  }
  auto made = std::move(parser.made);
  made.keeps_alive = made.is_1_1 && parser.keep_alive();
  if (made.method.size() > method_bytes_max) return tl::unexpected{method_unknown()};
  if (auto wrong = check_host(made)) return tl::unexpected{*std::move(wrong)};
  if (auto wrong = find_length(made)) return tl::unexpected{*std::move(wrong)};
  auto to = parse_target(parser.target_text, made.method);
  if (!to) return tl::unexpected{malformed(to.error().message)};
  made.to = *std::move(to);
  return made;
}

// Line by line, to refuse an invalid head as soon as it is seen, and to refuse folded lines, which
// the parser would join.
tl::expected<head, response> read_head(connection& from, const head_limits& limits) {
  const auto refused = [](response why) { return tl::unexpected{std::move(why)}; };
  std::string line;
  const auto first_max = limits.target_bytes_max + method_bytes_max + around_target.size();
  auto got = from.read_line(first_max, line);
  // One empty line before a request is skipped (RFC 9112, 2.2).
  if (got == input::good && line.empty()) got = from.read_line(first_max, line);
  if (got == input::ended && line.empty()) return refused({.status = 0});
  if (got == input::too_long) {
    if (line.find(' ') > method_bytes_max) return refused(method_unknown());
    return refused(too_long(414, "a request's target", limits.target_bytes_max));
  }
  if (got != input::good) return refused(not_read(got, "the request's head"));

  std::string text = line + "\r\n";
  for (std::size_t n = 0;; ++n) {
    const auto left = limits.bytes_max - std::min(text.size(), limits.bytes_max);
    got = from.read_line(left, line);
    if (got == input::too_long) {
      return refused(too_long(431, "the bytes of a request's head", limits.bytes_max));
    }
    if (got != input::good) return refused(not_read(got, "the request's head"));
    text += line;
    text += "\r\n";
    if (line.empty()) break;
    if (n == headers_max) return refused(too_long(431, "the headers of a request", headers_max));
    if (line[0] == ' ' || line[0] == '\t') return refused(malformed("a header is folded"));
    if (!is_header(line)) return refused(malformed("a line of the head is not a header"));
  }
  auto made = parse_head(text);
  if (made && made->to.bytes > limits.target_bytes_max) {
    return refused(too_long(414, "a request's target", limits.target_bytes_max));
  }
  return made;
}

}}}  // namespace nexus::v0::http
