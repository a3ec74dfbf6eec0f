#include "nexus/detail/row_key.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

std::string escaped(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '/') {
      made += "%2F";
    } else if (c == '%') {
      made += "%25";
    } else {
      made += c;
    }
  }
  return made;
}

// None: no text is escaped like this.
std::optional<std::string> unescaped(std::string_view part) {
  std::string made;
  while (!part.empty()) {
    if (part.starts_with("%2F") || part.starts_with("%25")) {
      made += part[2] == 'F' ? '/' : '%';
      part.remove_prefix(3);
    } else if (part.front() == '%') {
      return std::nullopt;
    } else {
      made += part.front();
      part.remove_prefix(1);
    }
  }
  return made;
}

std::optional<sql_value> value_of(value_kind kind, std::string_view part, bool is_whole) {
  if (kind == value_kind::text) {
    if (is_whole) return sql_value{std::string{part}};
    auto text = unescaped(part);
    if (!text) return std::nullopt;
    return sql_value{*std::move(text)};
  }
  std::int64_t number = 0;
  const auto [end, bad] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (bad != std::errc{} || end != part.data() + part.size()) return std::nullopt;
  const auto digits = part.substr(part.front() == '-' ? 1 : 0);
  if (digits.front() == '0' && part.size() > 1) return std::nullopt;  // "007", "-0"
  return sql_value{number};
}

}  // namespace

std::string id_of_key(std::span<const sql_value> key) {
  std::string made;
  for (const auto& value : key) {
    if (&value != key.data()) made += '/';
    if (const auto* text = std::get_if<std::string>(&value)) {
      made += key.size() == 1 ? *text : escaped(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      made += std::to_string(*number);
    }
  }
  return made;
}

result<std::vector<sql_value>> key_of_id(const table& of, std::string_view id) {
  std::vector<sql_value> made;
  if (auto done = read_key(of, id, made); !done) return fail(std::move(done.error()));
  return made;
}

bool is_key(const sql_value& value, std::string_view id) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text == id;
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) return false;
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *number).ptr;
  return std::string_view{digits.data(), static_cast<std::size_t>(end - digits.data())} == id;
}

result<void> read_key(const table& of, std::string_view id, std::vector<sql_value>& to) {
  const auto bad = [&](std::string_view why) {
    return fail(errc::invalid_id, fmt::format("table {}: \"{}\" is no key: {}", of.name, id, why));
  };
  const bool is_whole = of.key.size() == 1;
  to.clear();
  to.reserve(of.key.size());
  auto rest = id;
  for (std::size_t i = 0; i < of.key.size(); ++i) {
    const bool is_last = i + 1 == of.key.size();
    const auto end = is_last ? rest.size() : rest.find('/');
    if (end == std::string_view::npos) {
      return bad(fmt::format("it has {} parts, the key {}", i + 1, of.key.size()));
    }
    auto value = value_of(of.columns[of.key[i]].kind, rest.substr(0, end), is_whole);
    if (!value || (!is_whole && is_last && rest.find('/') != std::string_view::npos)) {
      return bad(
          fmt::format("{} is {} in its only form", of.place(of.key[i]),
                      of.columns[of.key[i]].kind == value_kind::text ? "a text" : "an integer"));
    }
    to.push_back(*std::move(value));
    if (!is_last) rest.remove_prefix(end + 1);
  }
  return {};
}

result<void> keys_are_ids(const table& of) {
  for (const auto at : of.key) {
    const auto kind = of.columns[at].kind;
    if (kind == value_kind::integer || kind == value_kind::text) continue;
    return fail(errc::invalid_argument,
                fmt::format("{}: a key of entities is integers and texts", of.place(at)));
  }
  return {};
}

}}}  // namespace nexus::v0::detail
