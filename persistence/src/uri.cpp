#include "nexus/uri.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace nexus::inline v0 {
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

}  // namespace

result<uri> uri::parse(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("journal URI \"{}\": {}", text, why));
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
                  fmt::format("journal URI \"{}\": unknown parameter \"{}\"", text, key));
    }
  }
  return {};
}

}  // namespace nexus::inline v0
