#include "text.hpp"

#include <fmt/format.h>

#include "nexus/detail/utf8.hpp"

namespace nexus { inline namespace v0 {

bool is_utf8(std::string_view text) { return detail::valid_utf8(text); }

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
