// The tables of a journal in PostgreSQL as data; DDL and checks are made from it. And the steps
// that lead to them from older versions.
//
// Threads: constants.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/schema_choices.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

inline constexpr unsigned schema_version = 3;

/// A step from version `from` to the next one.
struct migration {
  unsigned from = 0;
  std::string sql;
};

/// The steps of this Nexus, up to `schema_version`.
[[nodiscard]] std::span<const migration> migrations();

/// A number that names a numbering of positions, as SQL.
inline constexpr std::string_view new_epoch =
    "(('x' || substr(md5(random()::text || clock_timestamp()::text), 1, 15))::bit(60)::bigint | 1)";

struct column {
  std::string_view name;
  std::string_view type;  ///< as format_type() returns it; texts are all COLLATE "C"
  bool required = true;
  std::string_view meaning;
};

struct table {
  std::string_view name;  ///< with the default prefix
  std::span<const column> columns;
  std::string_view primary_key;  ///< columns, as in "a, b"
  std::string_view options;      ///< storage parameters
};

struct index {
  std::string_view name;
  std::string_view table;
  std::string_view columns;
  bool unique = false;
};

[[nodiscard]] std::span<const table> tables() noexcept;

/// The indexes of every journal, and those that the address chose.
[[nodiscard]] std::vector<index> indexes(const schema_choices& chosen);

/// Whether there is the index of `indexes=states`, as SQL.
inline constexpr std::string_view changes_are_indexed =
    "EXISTS (SELECT FROM pg_class WHERE relkind = 'i' AND "
    "relname = 'nexus_durable_state_by_position' AND relnamespace = "
    "(SELECT oid FROM pg_namespace WHERE nspname = current_schema()))";

inline constexpr std::string_view erased_function = "nexus_event_erased";
inline constexpr std::string_view erased_trigger = "nexus_event_erased";
[[nodiscard]] std::string erased_body(const schema_choices& chosen);

/// All statements, in order, without a transaction around them; an empty `schema` means the
/// connection's current one.
[[nodiscard]] std::string ddl(const schema_choices& chosen, std::string_view schema);

/// CREATE INDEX IF NOT EXISTS …;
[[nodiscard]] std::string ddl(const index& made, const schema_choices& chosen);

}}}  // namespace nexus::v0::postgres
