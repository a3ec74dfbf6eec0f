// Small questions about text in requests.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nexus::inline v0::http {

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Names of headers, and words in them, are equal in whatever case.
[[nodiscard]] inline bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

/// All of `text` as a number without sign.
[[nodiscard]] inline std::optional<std::uint64_t> number(std::string_view text,
                                                         int base = 10) noexcept {
  std::uint64_t made = 0;
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), made, base);
  if (why != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return made;
}

}
