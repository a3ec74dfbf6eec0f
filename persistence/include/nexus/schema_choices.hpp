// The parameters of an address that choose a journal's tables, the same for every SQL database:
//
//   table_prefix=nexus_              the prefix of the name of each table, index and trigger
//   indexes=none                     or type, time, or type,time: indexes beyond those of the keys
//   tables=create|migrate|existing   what opening does with the tables
//
// For authors of backends. Threads: a value. Failures: `invalid_argument`, naming the parameter.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexus/result.hpp"
#include "nexus/uri.hpp"

namespace nexus { inline namespace v0 {

struct schema_choices {
  enum class opening : std::uint8_t {
    create,   ///< as schema::create: another version is refused
    migrate,  ///< as schema::migrate
    existing  ///< makes nothing: missing tables, or another version's, are refused
  };

  /// For uri::only.
  static constexpr std::array<std::string_view, 3> parameters{"table_prefix", "indexes", "tables"};
  static constexpr std::string_view default_prefix = "nexus_";

  std::string prefix{default_prefix};  ///< [a-z_][a-z0-9_]{0,29}: needs no quotes, leaves room
  bool index_type = false;             ///< events by (event_type, position)
  bool index_time = false;             ///< events by (timestamp)
  opening tables = opening::create;

  [[nodiscard]] static result<schema_choices> from(const uri& where);

  /// `sql` with the chosen prefix in place of "nexus_" in every name.
  [[nodiscard]] std::string named(std::string_view sql) const;
};

/// Why the tables of the journal `name` are not used: `newer_schema` or `older_schema`, with a line
/// that says what to do. `found` differs from `known`.
[[nodiscard]] error other_version(std::string_view name, unsigned found, unsigned known);

/// The error for tables that are not a journal's: `foreign_schema`.
[[nodiscard]] error not_a_journal(std::string_view name, std::string_view why);

/// The error for a journal whose tables do not exist but should: `unavailable`, with what to do.
[[nodiscard]] error no_tables(std::string_view name);

}}  // namespace nexus::v0
