// The schema manager for PostgreSQL, and what opening a journal does about its tables.
//
// Threads: one at a time, with a connection of one's own. Throws: trouble, from functions that take a
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

/// The way from version `from` to the next one.
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

/// What `open` does: makes, migrates or only looks, as the address says; and refuses tables that are
/// not what they should be, or that this user may not write.
[[nodiscard]] result<void> prepare_tables(connection& c, const address& where);

[[nodiscard]] std::unique_ptr<schema> make_schema(address where);

}  // namespace nexus::inline v0::postgres
