// How a database is recognised as a journal's; making its tables, leading them to today's version,
// dropping them, and what opening a journal does about them.
//
// Threads: the connection's. Throws: trouble.
#pragma once

#include <span>

#include "address.hpp"
#include "connection.hpp"
#include "layout.hpp"
#include "nexus/result.hpp"

namespace nexus::inline v0::postgres {

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

/// schema::drop.
[[nodiscard]] result<void> drop_tables(connection& c, const address& where);

}  // namespace nexus::inline v0::postgres
