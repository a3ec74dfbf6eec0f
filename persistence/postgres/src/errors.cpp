#include "errors.hpp"

#include <fmt/format.h>

#include <array>
#include <span>

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

struct meaning {
  std::string_view state;  // the whole state, or its class
  errc code;
};

// https://www.postgresql.org/docs/15/errcodes-appendix.html
constexpr std::array<meaning, 7> of_journal{
    {{"42P01", errc::foreign_schema},    // undefined_table
     {"42703", errc::foreign_schema},    // undefined_column
     {"42P10", errc::foreign_schema},    // no such key to conflict with
     {"3D000", errc::invalid_argument},  // no such database
     {"XX", errc::corrupt},
     {"22", errc::invalid_argument},
     {"54", errc::too_large}}};

constexpr std::array<meaning, 10> of_own_sql{
    {{"23", errc::constraint_violated},
     {sqlstate::serialization_failure, errc::serialization_failed},
     {sqlstate::deadlock_detected, errc::serialization_failed},
     {sqlstate::lock_not_available, errc::serialization_failed},
     {"53", errc::unavailable},   // no memory, no disk, too many connections
     {"57P", errc::unavailable},  // the server shuts down, or starts up
     {"58", errc::unavailable},   // its disk
     {"XX001", errc::corrupt},
     {"XX002", errc::corrupt},
     {"54", errc::too_large}}};

errc code_of(const trouble& why, std::span<const meaning> known, errc otherwise) noexcept {
  for (const auto& [state, code] : known) {
    if (why.sqlstate().starts_with(state)) return code;
  }
  return otherwise;
}

std::string state_of(const trouble& why) {
  return why.sqlstate().empty() ? std::string{} : fmt::format(" (SQLSTATE {})", why.sqlstate());
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
  return {code_of(why, of_journal, errc::unavailable),
          fmt::format("{}: cannot {}: {}{}", name, doing, why.what(), state_of(why))};
}

error describe_sql(const trouble& why, std::string_view name) {
  const bool of_network = why.connection_lost() && !why.is(sqlstate::not_supported);
  error made{of_network ? errc::unavailable : code_of(why, of_own_sql, errc::query_failed),
             fmt::format("{}: {}{}", name, why.what(), state_of(why))};
  if (why.broken() && made.code == errc::constraint_violated) made.broken = why.broken()->what;
  return made;
}

}}}  // namespace nexus::v0::postgres
