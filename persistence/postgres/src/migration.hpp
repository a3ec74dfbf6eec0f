// The check that a database has a journal; makes its tables, migrates them to the current version,
// drops them; and the part of `open` that concerns tables.
//
// Threads: the connection's. Throws: trouble.
#pragma once

#include <span>

#include "address.hpp"
#include "connection.hpp"
#include "layout.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

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

/// Refuses tables that were restored from another server and not renumbered since, with
/// `foreign_schema`. The tables must be complete.
[[nodiscard]] result<void> refuse_restored(connection& c, const address& where);

/// schema::drop.
[[nodiscard]] result<void> drop_tables(connection& c, const address& where);

/// The name of the journal's numbering of positions.
[[nodiscard]] std::uint64_t epoch_of(connection& c, const address& where);

}}}  // namespace nexus::v0::postgres
