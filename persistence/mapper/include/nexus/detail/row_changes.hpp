// The rows of an entity in its tables: read as an image, and changed from one image to the next.
//
// An entity has a row, its root, and may own rows of other tables, whose foreign keys are the
// root's key. All of them change together, guarded by the root: by its version, or else by the old
// values of the columns that are written.
//
// Threads: those of the session. Nothing here begins or ends a transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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

/// Columns of a table.
class column_set {
 public:
  static constexpr std::size_t most = 64;

  void add(std::size_t column) noexcept { bits_ |= std::uint64_t{1} << column; }
  void add(const column_set& others) noexcept { bits_ |= others.bits_; }
  [[nodiscard]] bool has(std::size_t column) const noexcept { return (bits_ >> column & 1U) != 0; }
  [[nodiscard]] bool empty() const noexcept { return bits_ == 0; }

  /// Valid as long as the set.
  [[nodiscard]] std::string_view packed() const noexcept {
    return {reinterpret_cast<const char*>(&bits_), sizeof bits_};
  }
  /// Of other bytes all columns, which may all be written.
  [[nodiscard]] static column_set unpacked(std::string_view bytes) noexcept {
    column_set made;
    made.bits_ = ~std::uint64_t{0};
    if (bytes.size() == sizeof made.bits_) std::memcpy(&made.bits_, bytes.data(), bytes.size());
    return made;
  }

 private:
  std::uint64_t bits_ = 0;
};

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

  /// Whether a change tells its columns in place of the rows before: the version guards it, and all
  /// of it is in the root.
  [[nodiscard]] bool tells_columns() const {
    return owned.empty() && root->version && root->columns.size() <= column_set::most;
  }
};

/// From some rows to the next ones.
struct row_change {
  std::span<const sql_value> key;  ///< not asked for by `updates_columns`
  /// What was there: the rows, packed, or if the tables tell columns, those that the change writes.
  /// Empty: nothing was.
  std::string_view before;
  std::string_view after;    ///< the next rows, packed; empty: there are none
  std::int64_t version = 0;  ///< that the row must have, if it has one
  std::int64_t next = 0;     ///< that it gets

  /// Whether it is an UPDATE of the root alone, which has its key in the row.
  [[nodiscard]] bool updates_columns(const entity_tables& of) const {
    return of.tells_columns() && !before.empty() && !after.empty();
  }
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
  result<bool> update_columns(const std::shared_ptr<table>& of, const row_change& what);

  session& on_;
  // Kept for their memory, and for the text of the last UPDATE, which the next one often shares:
  row_values row_{};
  std::vector<std::size_t> changed_{};
  last_text last_{};
  std::shared_ptr<const table> last_of_{};
};

}}}  // namespace nexus::v0::detail
