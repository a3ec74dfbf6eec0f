// What an address says about its journal's tables, in the same words for every database that has some:
//
//   table_prefix=nexus_              what the name of each table, index and trigger begins with
//   indexes=none                     or type, time, or both as type,time: beyond those of the keys
//   tables=create|migrate|existing   what opening does about them
//
// For authors of backends. Threads: a value. Failures: `invalid_argument`, naming the parameter.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "nexus/result.hpp"
#include "nexus/uri.hpp"

namespace nexus::inline v0 {

struct schema_choices {
  enum class opening : std::uint8_t {
    create,   ///< as schema::create does: another version is refused
    migrate,  ///< as schema::migrate does
    existing  ///< nothing is made: no tables, or another version's, are refused
  };

  /// For uri::only.
  static constexpr std::array<std::string_view, 3> parameters{"table_prefix", "indexes", "tables"};
  static constexpr std::string_view default_prefix = "nexus_";

  std::string prefix{default_prefix};  ///< [a-z_][a-z0-9_]{0,29}: needs no quotes, leaves room
  bool index_type = false;             ///< events by (event_type, position)
  bool index_time = false;             ///< events by (timestamp)
  opening tables = opening::create;

  [[nodiscard]] static result<schema_choices> from(const uri& where);

  /// `sql`, in which every name begins with "nexus_", with the prefix chosen instead.
  [[nodiscard]] std::string named(std::string_view sql) const;
};

/// Why the tables of the journal `name` are not used: `newer_schema` or `older_schema`, with a line that
/// says what to do. `found` is not `known`.
[[nodiscard]] error other_version(std::string_view name, unsigned found, unsigned known);

/// Why what is there is no journal's: `foreign_schema`.
[[nodiscard]] error not_a_journal(std::string_view name, std::string_view why);

/// Why a journal whose tables should exist is not opened: `unavailable`, with what to do.
[[nodiscard]] error no_tables(std::string_view name);

}  // namespace nexus::inline v0
