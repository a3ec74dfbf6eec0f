// The rows that a mapper has loaded or stored, as the database has them: what `store` compares with.
//
// A change within a transaction is undone with it. What such a change had set on an entity is known
// afterwards by the entity's address, since the entity itself may be gone by then. Of a row that was
// loaded within it, only the key is known afterwards.
//
// Threads: those of its session. Bounds: `rows_max` rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "nexus/detail/row_cells.hpp"
#include "nexus/detail/row_index.hpp"
#include "nexus/detail/table.hpp"
#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class remembered_rows : public std::enable_shared_from_this<remembered_rows> {
 public:
  static constexpr std::size_t rows_max = 1'000'000;

  /// What was written of an entity: the version that it got, and had before.
  struct written {
    const void* entity = nullptr;  ///< null: nothing was set on it
    std::optional<std::int64_t> version{}, before{};
  };

  /// A column that is none may have any value.
  /// Empty: the row is not remembered.
  [[nodiscard]] row_view find(const std::string& key) const;
  [[nodiscard]] bool has(const std::string& key) const { return at(key) != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

  /// Read from the database, into an entity that is somewhere else by now. The caller puts the
  /// values in; the cells have none.
  [[nodiscard]] row_cells loaded(session& on, std::string key, std::size_t columns);

  /// Written by an INSERT; `entity` is where its key was set, if the database made the key. The
  /// values are taken out of `row`.
  void inserted(session& on, const std::string& key, row_values& row, const void* entity);
  /// These columns of `row` were written by an UPDATE, and no others; their values are taken out.
  void updated(session& on, const std::string& key, row_values& row,
               std::span<const std::size_t> columns, const written& of);
  void removed(session& on, const std::string& key);

  void forget(const std::string& key);
  void clear();

  /// Keys of rows that are loaded from now on, and were not remembered. Null: no longer.
  void note_new_rows_in(std::vector<std::string>* keys) noexcept { new_keys_ = keys; }

  /// Whether this entity has its key from an INSERT that was rolled back.
  [[nodiscard]] bool was_undone(const std::string& key, const void* entity) const;
  /// Whether a copy of such an entity has this key, and no row that is remembered.
  [[nodiscard]] bool may_be_undone(const std::string& key) const;
  /// The version that this entity had before an UPDATE that was rolled back gave it `version`.
  [[nodiscard]] std::optional<std::int64_t> version_before(const void* entity,
                                                           std::int64_t version) const;

 private:
  struct remembered {
    row_cells row{};
    std::uint64_t loaded_in = 0;  // the part of a transaction; 0: none, or not loaded
  };
  // A change within a transaction, and what was there before.
  struct change {
    explicit change(const std::string& of_row) : key{of_row} {}

    std::string key;
    std::unique_ptr<row_values> before{};
    std::uint64_t loaded_in = 0;  // the same of `before`
    bool of_columns = false;      // in place of `before`:
    std::size_t columns = 0;      // that were written; they are the last of all cells
    bool inserted = false;        // `of.entity` got its key
    written of{};
  };
  struct cell {
    cell(std::size_t at, std::optional<sql_value>& was) : column{at} { move_cell(before, was); }

    std::size_t column;
    std::optional<sql_value> before;
  };
  struct changes {
    std::vector<change> rows;
    std::vector<cell> cells;  // of all changes of columns
  };

  static void take(remembered& from, change& to);
  // A new change, if a transaction is open.
  change* note(session& on, const std::string& key);
  // The changes of the open transaction, with an entry in the session's undo log.
  changes& begin_part(session& on);
  void take_back(changes& all, std::size_t from, std::uint64_t part);
  void undo(change& what, std::vector<cell>& cells);

  using entry = row_index<remembered>::entry;

  // Null: there is none.
  entry* at(const std::string& key) const;
  void erase(entry& row);

  row_index<remembered> rows_;
  mutable entry* last_found_ = nullptr;  // of `rows_`; looked at first
  cell_blocks cells_;
  std::unordered_map<std::string, std::vector<const void*>> undone_inserts_;
  std::map<const void*, written> undone_versions_;
  std::vector<std::string>* new_keys_ = nullptr;
  std::weak_ptr<changes> pending_;  // owned by the entries of the session's undo log
  changes* newest_ = nullptr;       // the same; valid while the newest entry is of this
  std::uint64_t part_ = 0;          // of a transaction: what one entry takes back
};

}}}  // namespace nexus::v0::detail
