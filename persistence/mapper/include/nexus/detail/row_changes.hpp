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
#include <string_view>
#include <vector>

#include "nexus/detail/row_image.hpp"
#include "nexus/detail/row_mapper.hpp"
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

/// From some rows to the next ones, packed; empty: there are none.
struct row_change {
  std::span<const sql_value> key;
  std::string_view before, after;
  std::int64_t version = 0;  ///< that the row must have, if it has one
  std::int64_t next = 0;     ///< that it gets
};

/// The rows as they are, packed.
struct rows_read {
  std::string bytes{};
  std::optional<std::int64_t> version{};  ///< of the root; none: it has none, or no integer
};

/// None: there is no row with this key.
[[nodiscard]] result<std::optional<rows_read>> read_rows(session& on, const entity_tables& of,
                                                         std::span<const sql_value> key);

/// Up to `max` keys past `after` (empty: from the first one), in their order.
[[nodiscard]] result<std::vector<std::vector<sql_value>>> read_keys(
    session& on, const table& of, std::span<const sql_value> after, std::size_t max);

/// Writes changes on a session.
class row_changer {
 public:
  explicit row_changer(session& on) : on_{on} {}

  /// Owned rows are inserted after the root and deleted before it. False: another writer was first,
  /// and the caller takes back what was written. A row that is there already is such a case, too.
  [[nodiscard]] result<bool> write(const entity_tables& of, const row_change& what);

 private:
  // Most changes are those of a root that has a version, and what they do is known without images.
  bool takes_changes(const entity_tables& of, const row_change& what);
  result<bool> update_root(const std::shared_ptr<table>& of, const row_change& what);

  session& on_;
  // Kept for their memory, and for the text of the last UPDATE, which the next one often shares:
  row_values row_{};
  std::vector<std::size_t> changed_{};
  last_text last_{};
  std::shared_ptr<const table> last_of_{};
};

}}}  // namespace nexus::v0::detail
