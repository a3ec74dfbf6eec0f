// The rows of an entity in its tables: read as an image, and changed from one image to the next.
//
// An entity has a row, its root, and may own rows of other tables, whose foreign keys are the
// root's key. All of them change together, guarded by the root: by its version, or else by the old
// values of the columns that are written.
//
// Threads: those of the session. Nothing here begins or ends a transaction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nexus/detail/row_image.hpp"
#include "nexus/detail/table.hpp"
#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// A table whose rows belong to an entity.
struct owned_table {
  std::shared_ptr<table> of;
  std::vector<std::size_t> parent;  ///< the columns that hold the root's key, in its order
};

/// The tables of a kind of entity.
struct entity_tables {
  std::shared_ptr<table> root;
  std::vector<owned_table> owned{};

  /// Resolves names; the error says which one is wrong, and in which table.
  [[nodiscard]] result<void> finish() const;
};

/// From one image to the next; none: there is no row.
struct row_change {
  std::span<const sql_value> key;
  const row_image* before = nullptr;
  const row_image* after = nullptr;
  std::int64_t version = 0;  ///< that the row must have, if it has one
  std::int64_t next = 0;     ///< that it gets
};

/// The rows as they are; none: there is no row with this key.
[[nodiscard]] result<std::optional<row_image>> read_rows(session& on, const entity_tables& of,
                                                         std::span<const sql_value> key);

/// Up to `max` keys past `after` (empty: from the first one), in their order.
[[nodiscard]] result<std::vector<std::vector<sql_value>>> read_keys(
    session& on, const table& of, std::span<const sql_value> after, std::size_t max);

/// Owned rows are inserted after the root and deleted before it. False: another writer was first,
/// and the caller takes back what was written. A row that is there already is such a case, too.
[[nodiscard]] result<bool> write_rows(session& on, const entity_tables& of, const row_change& what);

}}}  // namespace nexus::v0::detail
