#include "text.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "nexus/detail/utf8.hpp"

namespace nexus { inline namespace v0 {

namespace {

constexpr std::uint32_t last = 0x10'ffff;
constexpr std::uint32_t first_surrogate = 0xd800;  // surrogates are in no UTF-8
constexpr std::uint32_t past_surrogates = 0xe000;

// Of the code point that begins at `at`.
std::uint32_t code_point(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const auto size = text.size() - at;
  std::uint32_t value = size == 1 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  return value;
}

std::string encoded(std::uint32_t c) {
  auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  auto next = [&](unsigned shift) { return byte(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), next(0)};
  if (c < 0x1'0000) return {byte(0xe0 | c >> 12), next(6), next(0)};
  return {byte(0xf0 | c >> 18), next(12), next(6), next(0)};
}

}  // namespace

bool is_utf8(std::string_view text) { return detail::valid_utf8(text); }

// UTF-8 texts are ordered as their code points are.
std::string past_all_with(std::string_view prefix) {
  while (!prefix.empty()) {
    auto at = prefix.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(prefix[at]) & 0xc0) == 0x80) --at;
    auto c = code_point(prefix, at);
    prefix.remove_suffix(prefix.size() - at);
    if (c == last) continue;
    ++c;
    if (c == first_surrogate) c = past_surrogates;
    return std::string{prefix} + encoded(c);
  }
  return {};
}

// The longest beginning of `bytes` that is such a text, and the first code point past the rest.
std::string first_past(std::string_view bytes) {
  std::size_t valid = 0;
  for (std::size_t size = 1; size <= 4 && valid + size <= bytes.size(); ++size) {
    if (bytes[valid] == '\0' || !is_utf8(bytes.substr(valid, size))) continue;
    valid += size;
    size = 0;
  }
  const auto begin = bytes.substr(0, valid);
  const auto rest = bytes.substr(valid);
  std::uint32_t found = 1;
  for (auto end = last + 1; found < end;) {
    const auto middle = found + (end - found) / 2;
    encoded(middle) <= rest ? found = middle + 1 : end = middle;
  }
  if (found > last) return past_all_with(begin);
  const bool surrogate = first_surrogate <= found && found < past_surrogates;
  return std::string{begin} + encoded(surrogate ? past_surrogates : found);
}

std::string shown(std::string_view text) {
  constexpr std::size_t shown_max = 40;
  std::string out;
  for (unsigned char c : text.substr(0, shown_max)) {
    if (c < 0x20 || c >= 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else {
      out += static_cast<char>(c);
    }
  }
  if (text.size() > shown_max) out += "…";
  return out;
}

}}  // namespace nexus::v0
