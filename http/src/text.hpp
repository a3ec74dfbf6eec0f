// Predicates for text in requests and responses.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nexus { inline namespace v0 { namespace http {

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Compares names of headers, and tokens in them, ignoring case.
[[nodiscard]] inline bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

[[nodiscard]] constexpr bool is_letter_or_digit(char c) noexcept {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

[[nodiscard]] constexpr bool is_one_of(char c, std::string_view all) noexcept {
  return all.find(c) != std::string_view::npos;
}

/// True for NUL, line ends and other control characters, but not for a tab.
[[nodiscard]] constexpr bool is_control(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

/// RFC 9110, 5.6.2: methods and header names are tokens.
[[nodiscard]] inline bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
  });
}

/// `text` without blanks and tabs around it.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  const auto end = text.find_last_not_of(" \t");
  return end == std::string_view::npos ? std::string_view{} : text.substr(begin, end + 1 - begin);
}

/// The whole `text` as a number without sign.
[[nodiscard]] inline std::optional<std::uint64_t> number(std::string_view text,
                                                         int base = 10) noexcept {
  std::uint64_t made = 0;
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), made, base);
  if (why != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return made;
}

}}}  // namespace nexus::v0::http
