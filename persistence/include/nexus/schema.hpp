// What a journal keeps itself in: tables that are made, checked, brought up to date and dropped.
//
//   auto tables = nexus::open_schema("sqlite:bank.db?indexes=type");
//   if (tables) std::cout << (*tables)->ddl();
//
// Threads: one at a time; calls block. Several processes may do the same at once: one does it, the
// others find it done. Throws: nothing.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"

namespace nexus::inline v0 {

struct schema_status {
  unsigned found = 0;  ///< version in the database; 0: no tables of a journal
  unsigned known = 1;  ///< version of this Nexus
  /// One line each, which names the thing; empty: everything is as `create` makes it.
  std::vector<std::string> differences;
};

class schema {
 public:
  virtual ~schema() = default;
  schema() = default;
  schema(const schema&) = delete;
  schema& operator=(const schema&) = delete;

  /// Every statement, commented, with the names and indexes chosen in the address. Running them by hand
  /// gives exactly what create() makes, the version's row included. Touches no database.
  [[nodiscard]] virtual std::string ddl() const = 0;

  /// Compares what is there with what should be. Reads only, and never makes anything; a foreign or
  /// another version's database is a difference. Fails only if there is no reading it.
  [[nodiscard]] virtual result<schema_status> check() = 0;

  /// Makes the tables, or of existing ones the chosen indexes that are missing; all of it or nothing.
  /// Refuses what is `foreign_schema`, `newer_schema` or `older_schema`.
  [[nodiscard]] virtual result<void> create() = 0;

  /// Brings the tables to today's version: every step and the version's row in one transaction, under
  /// a lock that others wait for. Returns the version it found; 0: none, so it created them. Refuses
  /// what is `foreign_schema` or `newer_schema`.
  [[nodiscard]] virtual result<unsigned> migrate() = 0;

  /// Drops Nexus's tables with everything in them, and nothing else; without any it has nothing to do.
  /// Refuses what is `foreign_schema` or `newer_schema`, whose tables this Nexus does not know.
  [[nodiscard]] virtual result<void> drop() = 0;
};

struct backend;

/// The tables of the journal at `address`, by the backend among `backends` whose scheme it has. Fails
/// with `invalid_argument` if that one has no tables, as `memory:`.
[[nodiscard]] result<std::unique_ptr<schema>> open_schema(std::string_view address,
                                                          std::span<const backend> backends);

}  // namespace nexus::inline v0
