#include "errors.hpp"

#include <fmt/format.h>

#include <array>

namespace nexus::inline v0::postgres {
namespace {

errc code_of(const trouble& why) noexcept {
  struct meaning {
    std::string_view state;  // the whole of it, or its class
    errc code;
  };
  // https://www.postgresql.org/docs/15/errcodes-appendix.html
  constexpr std::array<meaning, 7> known{
      {{"42P01", errc::foreign_schema},    // undefined_table
       {"42703", errc::foreign_schema},    // undefined_column
       {"42P10", errc::foreign_schema},    // no such key to conflict with
       {"3D000", errc::invalid_argument},  // no such database
       {"XX", errc::corrupt},
       {"22", errc::invalid_argument},
       {"54", errc::too_large}}};
  for (const auto& [state, code] : known) {
    if (why.is(state) || why.of_class(state)) return code;
  }
  return errc::unavailable;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string out;
  std::string_view between;
  for (char c : text) {
    if (c == '\n' || c == '\r') {
      between = "; ";
    } else if (c == ' ' || c == '\t') {
      if (between.empty()) between = " ";
    } else {
      if (!out.empty()) out += between;
      between = {};
      out += c;
    }
  }
  return out;
}

error describe(const trouble& why, std::string_view name, std::string_view doing) {
  const auto state =
      why.sqlstate().empty() ? std::string{} : fmt::format(" (SQLSTATE {})", why.sqlstate());
  return {code_of(why), fmt::format("{}: cannot {}: {}{}", name, doing, why.what(), state)};
}

}  // namespace nexus::inline v0::postgres
