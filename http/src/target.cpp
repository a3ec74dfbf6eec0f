#include "target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "text.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

constexpr std::size_t shown_max = 200;

// Characters that RFC 3986 allows, and those that browsers leave unencoded anyway.
bool may_stand_in_a_target(char c) noexcept {
  return c > ' ' && c < 0x7f && !is_one_of(c, "\"#<>\\");
}

result<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string made;
  made.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      made += ' ';
    } else if (text[i] != '%') {
      made += text[i];
    } else {
      const auto digits = text.substr(i + 1, 2);
      const auto byte = digits.size() == 2 ? number(digits, 16) : std::nullopt;
      if (!byte) {
        return fail(errc::invalid_argument,
                    fmt::format("two hexadecimal digits must follow each % of \"{}\"",
                                text.substr(0, shown_max)));
      }
      if (*byte == 0) {
        return fail(errc::invalid_argument, "a path or query cannot contain a NUL character");
      }
      made += static_cast<char>(*byte);
      i += 2;
    }
  }
  return made;
}

// Calls `f` with each part between separators, until it returns an error.
template <class F>
result<void> each(std::string_view text, char separator, F f) {
  for (;;) {
    const auto end = std::min(text.find(separator), text.size());
    if (auto done = f(text.substr(0, end)); !done) return done;
    if (end == text.size()) return {};
    text.remove_prefix(end + 1);
  }
}

result<void> read_query(std::string_view text, name_values& to) {
  if (text.empty()) return {};
  return each(text, '&', [&](std::string_view one) -> result<void> {
    if (one.empty()) return {};
    const auto equals = std::min(one.find('='), one.size());
    auto name = decoded(one.substr(0, equals), true);
    if (!name) return fail(std::move(name.error()));
    auto value = decoded(one.substr(std::min(equals + 1, one.size())), true);
    if (!value) return fail(std::move(value.error()));
    to.emplace_back(*std::move(name), *std::move(value));
    return {};
  });
}

// The part of a URL after the host; text that begins with a slash is unchanged.
std::optional<std::string_view> without_authority(std::string_view text) {
  if (text.starts_with('/')) return text;
  const auto colon = std::min(text.find(':'), text.size());
  const auto scheme = text.substr(0, colon);
  if (!same_name(scheme, "http") && !same_name(scheme, "https")) return std::nullopt;
  text.remove_prefix(colon);
  if (!text.starts_with("://")) return std::nullopt;
  text.remove_prefix(3);
  const auto end = std::min(text.find_first_of("/?"), text.size());
  if (!is_authority(text.substr(0, end))) return std::nullopt;
  return text.substr(end);
}

}  // namespace

result<target> parse_target(std::string_view text, std::string_view method) {
  target made;
  made.bytes = text.size();
  if (text == "*" && method == "OPTIONS") {
    made.path = std::string{text};  // GCC 12 warns of overlap if it is assigned
    return made;
  }
  if (!std::all_of(text.begin(), text.end(), may_stand_in_a_target)) {
    return fail(errc::invalid_argument, "the path or query has characters that must be encoded");
  }
  if (const auto path = without_authority(text)) {
    text = *path;
  } else {
    return fail(errc::invalid_argument,
                fmt::format("\"{}\" is neither a path nor an http URL", text.substr(0, shown_max)));
  }
  const auto question = std::min(text.find('?'), text.size());
  made.path = question == 0 ? "/" : text.substr(0, question);
  auto parts = each(std::string_view{made.path}.substr(1), '/', [&](std::string_view part) {
    return decoded(part, false).map([&](std::string&& p) { made.parts.push_back(std::move(p)); });
  });
  if (!parts) return fail(std::move(parts.error()));
  auto queries = read_query(text.substr(std::min(question + 1, text.size())), made.queries);
  if (!queries) return fail(std::move(queries.error()));
  return made;
}

bool is_authority(std::string_view text) noexcept {
  const auto rest = text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0;
  const auto host = text.substr(0, std::min(text.find(':', rest), text.size()));
  const auto port = text.substr(std::min(host.size() + 1, text.size()));
  if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  if (host.starts_with('[')) {
    const auto inside = host.substr(1, host.size() - 2);
    return host.ends_with(']') && !inside.empty() &&
           std::all_of(inside.begin(), inside.end(), [](char c) {
             return is_letter_or_digit(c) || is_one_of(c, ":.-_~!$&'()*+,;=");
           });
  }
  return !host.empty() && decoded(host, false) && std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter_or_digit(c) || is_one_of(c, "-._~!$&'()*+,;=%");
  });
}

}}}  // namespace nexus::v0::http
