// The tables of a journal: printed, checked, created, migrated and dropped.
//
//   auto tables = nexus::open_schema("sqlite:bank.db?indexes=type");
//   if (tables) std::cout << (*tables)->ddl();
//
// Threads: one at a time; calls block. Several processes may run the same call at once: one does
// the work, the others find it done. Throws: nothing.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

struct schema_status {
  unsigned found = 0;  ///< version in the database; 0: no tables of a journal
  unsigned known = 1;  ///< version of this Nexus
  /// One line per difference, which names the thing; empty: everything is as `create` makes it.
  std::vector<std::string> differences;
};

class schema {
 public:
  virtual ~schema() = default;
  schema() = default;
  schema(const schema&) = delete;
  schema& operator=(const schema&) = delete;

  /// All statements, commented, with the names and indexes that the address chooses. Running them
  /// by hand creates exactly what create() makes, including the version's row. Does not connect.
  [[nodiscard]] virtual std::string ddl() const = 0;

  /// Compares the existing tables with the expected ones. Only reads. A foreign database, or one of
  /// another version, is reported as a difference. Fails only if the database cannot be read.
  [[nodiscard]] virtual result<schema_status> check() = 0;

  /// Creates the tables, or the chosen indexes that existing tables lack; all or nothing. Fails
  /// with `foreign_schema`, `newer_schema` or `older_schema`.
  [[nodiscard]] virtual result<void> create() = 0;

  /// Migrates the tables to the current version: every step and the version's row in one
  /// transaction, under a lock that other processes wait for. Returns the version found; 0: none,
  /// so it created the tables. Fails with `foreign_schema` or `newer_schema`.
  [[nodiscard]] virtual result<unsigned> migrate() = 0;

  /// Drops Nexus's tables with their content, and nothing else; does nothing if there are none.
  /// Fails with `foreign_schema` or `newer_schema`, whose tables this Nexus does not know.
  [[nodiscard]] virtual result<void> drop() = 0;
};

struct backend;

/// The tables of the journal at `address`, by the backend for its scheme. Fails with
/// `invalid_argument` if that backend has no tables, such as `memory:`.
[[nodiscard]] result<std::unique_ptr<schema>> open_schema(std::string_view address,
                                                          std::span<const backend> backends);

}}  // namespace nexus::v0
