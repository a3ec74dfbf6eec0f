#include "target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "text.hpp"

namespace nexus::inline v0::http {
namespace {

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
                    fmt::format("two hexadecimal digits must follow each % of \"{}\"", text));
      }
      made += static_cast<char>(*byte);
      i += 2;
    }
  }
  return made;
}

// Calls `f` with what stands between separators, as long as it answers no error.
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

}  // namespace

result<target> parse_target(std::string_view text) {
  if (const auto scheme = text.find("://"); !text.starts_with('/') && scheme != text.npos) {
    text.remove_prefix(std::min(text.find('/', scheme + 3), text.size()));
    if (text.empty()) text = "/";
  }
  if (!text.starts_with('/')) {
    return fail(errc::invalid_argument, fmt::format("the path \"{}\" begins with no slash", text));
  }
  target made;
  const auto question = std::min(text.find('?'), text.size());
  made.path = text.substr(0, question);
  auto parts = each(std::string_view{made.path}.substr(1), '/', [&](std::string_view part) {
    return decoded(part, false).map([&](std::string&& p) { made.parts.push_back(std::move(p)); });
  });
  if (!parts) return fail(std::move(parts.error()));
  auto queries = read_query(text.substr(std::min(question + 1, text.size())), made.queries);
  if (!queries) return fail(std::move(queries.error()));
  return made;
}

}  // namespace nexus::inline v0::http
