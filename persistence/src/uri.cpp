#include "nexus/uri.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace nexus { inline namespace v0 {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A path may contain a plain '%': only a '%' before two hexadecimal digits is an escape.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
        hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_secret(std::string_view key) {
  return key.find("password") != std::string_view::npos ||
         key.find("secret") != std::string_view::npos ||
         key.find("token") != std::string_view::npos;
}

// The place of `PASSWORD@` in `//user:PASSWORD@host`, even if it contains characters that end other
// authorities.
std::pair<std::size_t, std::size_t> password_in(std::string_view text) {
  constexpr auto none = std::string_view::npos;
  const auto slashes = text.find("//");
  if (slashes == none) return {none, none};
  const auto begin = slashes + 2;
  const auto host_end = std::min(text.find_first_of("/?", begin), text.size());
  auto at = text.substr(0, host_end).rfind('@');
  if (at == none || at < begin) at = text.find('@', begin);
  if (at == none) return {none, none};
  const auto colon = text.find(':', begin);
  if (colon == none || colon > at) return {none, none};
  return {colon + 1, at};
}

}  // namespace

std::string uri::shown(std::string_view text) {
  std::string out{text};
  auto query = out.find('?');
  if (const auto [begin, end] = password_in(out); begin != std::string::npos) {
    if (query != std::string::npos && query < end) query = std::string::npos;
    out.replace(begin, end - begin, "***");
    if (query != std::string::npos) query = out.find('?', begin);
  }
  while (query != std::string::npos) {
    const auto end = std::min(out.find('&', query + 1), out.size());
    const auto equals = out.find('=', query + 1);
    if (equals < end && is_secret(percent_decoded(out.substr(query + 1, equals - query - 1)))) {
      out.replace(equals + 1, end - equals - 1, "***");
    }
    query = out.find('&', query + 1);
  }
  return out;
}

result<uri> uri::parse(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("journal URI \"{}\": {}", shown(text), why));
  };
  auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return bad("no scheme; expected one like sqlite:PATH");
  }
  uri made;
  made.text = text;
  made.scheme = text.substr(0, colon);
  std::transform(made.scheme.begin(), made.scheme.end(), made.scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto rest = text.substr(colon + 1);
  auto question = rest.find('?');
  made.path = percent_decoded(rest.substr(0, question));
  if (question == std::string_view::npos) return made;
  auto query = rest.substr(question + 1);
  while (!query.empty()) {
    auto end = query.find('&');
    auto pair = query.substr(0, end);
    auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      // What looks like a parameter may be the end of a password that contains a question mark.
      if (shown(text) != text) return bad("a parameter is not key=value");
      return bad(fmt::format("parameter \"{}\" is not key=value", pair));
    }
    auto key = percent_decoded(pair.substr(0, equals));
    if (!made.parameters.emplace(key, percent_decoded(pair.substr(equals + 1))).second) {
      return bad(fmt::format("parameter \"{}\" is given twice", key));
    }
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
  }
  return made;
}

result<void> uri::only(std::span<const std::string_view> known) const {
  for (const auto& [key, value] : parameters) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return fail(errc::invalid_argument,
                  fmt::format("journal URI \"{}\": unknown parameter \"{}\"", shown(), key));
    }
  }
  return {};
}

}}  // namespace nexus::v0
