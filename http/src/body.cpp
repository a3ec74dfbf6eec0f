#include "body.hpp"

#include <fmt/format.h>

#include "text.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

constexpr std::size_t chunk_line_max = 1'024;
constexpr std::size_t trailers_max = 64;

response too_large(std::size_t max) {
  return response::problem(413, "too_large",
                           fmt::format("a request's body has at most {} bytes", max));
}

// Takes a token, or a quoted string; false if there is none.
bool take_word(std::string_view& from, bool may_be_quoted) {
  if (may_be_quoted && from.starts_with('"')) {
    for (std::size_t i = 1; i < from.size(); ++i) {
      if (from[i] == '\\') {
        ++i;
      } else if (from[i] == '"') {
        from.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }
  std::size_t size = 0;
  while (size < from.size() && is_token(from.substr(size, 1))) ++size;
  from.remove_prefix(size);
  return size != 0;
}

// RFC 9112, 7.1.1: any number of `;name` or `;name=value`. They are skipped, but must be valid: a
// proxy might see another line end.
bool are_extensions(std::string_view text) {
  const auto skip_blanks = [&] {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  };
  while (!text.empty()) {
    skip_blanks();
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_blanks();
    if (!take_word(text, false)) return false;
    auto behind = text;
    behind.remove_prefix(std::min(behind.find_first_not_of(" \t"), behind.size()));
    if (!behind.starts_with('=')) continue;
    text = behind.substr(1);
    skip_blanks();
    if (!take_word(text, true)) return false;
  }
  return true;
}

std::optional<std::uint64_t> chunk_size(std::string_view line) {
  const auto digits = line.substr(0, line.find_first_of("; \t"));
  if (!are_extensions(line.substr(digits.size()))) return std::nullopt;
  return number(digits, 16);
}

// Skipped, after the last chunk.
std::optional<response> read_trailers(connection& from) {
  std::string line;
  for (std::size_t n = 0; n <= trailers_max; ++n) {
    const auto got = from.read_line(chunk_line_max, line);
    if (got == input::too_long) break;
    if (got != input::good) return not_read(got, "the end of the body's chunks");
    if (line.empty()) return std::nullopt;
    if (!is_header(line)) return malformed("a line after the body's chunks is not a header");
  }
  return response::problem(431, "too_large", "there are too many bytes after the body's chunks");
}

// RFC 9112, 7.1.
std::optional<response> read_chunks(connection& from, std::size_t max, std::string& to) {
  std::string line;
  for (;;) {
    auto got = from.read_line(chunk_line_max, line);
    if (got == input::too_long) return malformed("a chunk's first line is too long");
    if (got != input::good) return not_read(got, "a chunk of the body");
    const auto size = chunk_size(line);
    if (!size) return malformed("a chunk's first line is not its size");
    if (*size == 0) return read_trailers(from);
    if (*size > max - to.size()) return too_large(max);
    got = from.read_exactly(*size, to);
    if (got == input::good) got = from.read_line(0, line);
    if (got == input::too_long) return malformed("a chunk of the body is longer than its size");
    if (got != input::good) return not_read(got, "a chunk of the body");
  }
}

bool waits_for_word(const head& of, std::string_view expected) {
  return of.is_1_1 && same_name(expected, "100-continue");
}

}  // namespace

std::optional<response> read_body(connection& from, const head& of, std::size_t max,
                                  std::string& to) {
  const auto expected = of.all("Expect");
  if (expected && of.is_1_1 && !waits_for_word(of, *expected)) {
    return response::problem(417, "expectation_failed",
                             "the only known expectation is 100-continue");
  }
  if (!of.in_chunks && of.length.value_or(0) == 0) return std::nullopt;
  if (const auto coded = of.all("Content-Encoding"); coded && !same_name(*coded, "identity")) {
    return response::problem(415, "unsupported", "a body must come without Content-Encoding");
  }
  if (of.length.value_or(0) > max) return too_large(max);
  if (expected && waits_for_word(of, *expected) && !from.write("HTTP/1.1 100 Continue\r\n\r\n")) {
    return not_read(input::ended, "the body");
  }
  if (of.in_chunks) return read_chunks(from, max, to);
  const auto got = from.read_exactly(*of.length, to);
  if (got == input::good) return std::nullopt;
  return not_read(got, "the body");
}

}}}  // namespace nexus::v0::http
