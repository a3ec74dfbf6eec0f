// Checks whether bytes are UTF-8. Usable in constant expressions, for names checked by the
// compiler.
#pragma once

#include <cstddef>
#include <string_view>

namespace nexus { inline namespace v0 { namespace detail {

/// True for valid UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing past U+10FFFF.
constexpr bool valid_utf8(std::string_view text) noexcept {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char lead = at(i);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                                             : 4;
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

}}}
