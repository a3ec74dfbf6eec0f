// The schema manager for PostgreSQL, and the part of `open` that concerns tables.
//
// Threads: one at a time, each with its own connection. Throws: trouble, from functions that take a
// connection.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "address.hpp"
#include "connection.hpp"
#include "layout.hpp"
#include "nexus/schema.hpp"

namespace nexus::inline v0::postgres {

/// A step from version `from` to the next one.
struct migration {
  unsigned from = 0;
  std::string_view sql;
};

/// The version of the tables, 0 if there are none. Fails with `foreign_schema`.
[[nodiscard]] result<unsigned> found_version(connection& c, const address& where);

/// schema::create and schema::migrate.
[[nodiscard]] result<void> create_tables(connection& c, const address& where);
[[nodiscard]] result<unsigned> migrate_tables(connection& c, const address& where,
                                              std::span<const migration> steps, unsigned target);
[[nodiscard]] result<unsigned> migrate_tables(connection& c, const address& where);

/// The part of `open` for tables: creates, migrates or only checks, as the address says. Refuses
/// tables that differ from the expected ones, or that this user may not write.
[[nodiscard]] result<void> prepare_tables(connection& c, const address& where);

[[nodiscard]] std::unique_ptr<schema> make_schema(address where);

}  // namespace nexus::inline v0::postgres
