// The tables of a journal: their shape, and what is said in the meta item.
//
// Threads: any; calls block until a table is active. Throws: nothing. Failures: `foreign_schema`,
// `newer_schema`, `invalid_argument` if the journal has other strands than the URI says,
// `unavailable`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "address.hpp"
#include "client.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

struct journal_meta {
  /// A journal with indexes has the newer version: a program that does not know indexes would
  /// append without them, so it must refuse the journal.
  static constexpr unsigned version_without_indexes = 1;
  static constexpr unsigned version_now = 2;
  [[nodiscard]] static unsigned version_of(const chosen_indexes& indexes) {
    return indexes == chosen_indexes{} ? version_without_indexes : version_now;
  }

  unsigned version = 0;
  std::uint32_t strands = 0;
  std::uint64_t epoch = 0;
  chosen_indexes indexes{};
};

/// The body of CreateTable.
[[nodiscard]] json journal_table(std::string_view name);

/// Waits until the table is active. `shape` is the body of CreateTable, for one that is missing.
[[nodiscard]] result<void> open_table(client& by, const std::string& name, const json& shape,
                                      bool creates);

/// How the table of this name differs from the shape; none if it does not.
[[nodiscard]] result<std::optional<std::string>> compare_table(client& by, const json& shape);
[[nodiscard]] bool is_missing(std::string_view difference);

/// What the journal's table says; none if it is empty.
[[nodiscard]] result<std::optional<journal_meta>> read_meta(client& by, const address& where);

/// Makes the table and the meta item if they are missing.
[[nodiscard]] result<journal_meta> open_tables(client& by, const address& where);

/// How many actions a transaction of this server takes.
[[nodiscard]] result<std::size_t> actions_of(client& by, const address& where);

}}}  // namespace nexus::v0::dynamodb
