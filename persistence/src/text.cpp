#include "text.hpp"

#include <fmt/format.h>

namespace nexus::inline v0 {

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

}  // namespace nexus::inline v0
