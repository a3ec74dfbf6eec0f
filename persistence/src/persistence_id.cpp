#include "nexus/persistence_id.hpp"

#include <fmt/format.h>

namespace nexus::inline v0 {
namespace {

// Well-formed UTF-8 by the table in the Unicode standard (3.9, table 3-7): no overlong forms, no
// surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    unsigned char lead = at(i);
    std::size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || lead > 0xf4 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      unsigned low = 0x80;
      unsigned high = 0xbf;
      if (k == 1) {
        if (lead == 0xe0) low = 0xa0;
        if (lead == 0xed) high = 0x9f;
        if (lead == 0xf0) low = 0x90;
        if (lead == 0xf4) high = 0x8f;
      }
      if (at(i + k) < low || at(i + k) > high) return false;
    }
    i += length;
  }
  return true;
}

// The id as it can stand in a message: printable, cut short.
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

}  // namespace

result<persistence_id> persistence_id::make(std::string_view type, std::string_view id) {
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_id,
                fmt::format("persistence id \"{}|{}\": {}", shown(type), shown(id), why));
  };
  if (type.empty()) return bad("the type is empty");
  if (id.empty()) return bad("the id is empty");
  if (type.find('|') != std::string_view::npos) return bad("the type contains '|'");
  std::string text;
  text.reserve(type.size() + 1 + id.size());
  text.append(type).append(1, '|').append(id);
  if (text.size() > bytes_max) {
    return bad(fmt::format("{} bytes, at most {} are allowed", text.size(), bytes_max));
  }
  if (text.find('\0') != std::string::npos) return bad("contains a NUL byte");
  if (!is_utf8(text)) return bad("is not valid UTF-8");
  return persistence_id{std::move(text)};
}

result<persistence_id> persistence_id::parse(std::string_view text) {
  auto bar = text.find('|');
  if (bar == std::string_view::npos) {
    return fail(errc::invalid_id,
                fmt::format("persistence id \"{}\": no '|' after the type", shown(text)));
  }
  return make(text.substr(0, bar), text.substr(bar + 1));
}

std::uint32_t persistence_id::slice() const noexcept {
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char c : text_) hash = (hash ^ c) * 1099511628211u;
  return static_cast<std::uint32_t>(hash % slices);
}

}  // namespace nexus::inline v0
