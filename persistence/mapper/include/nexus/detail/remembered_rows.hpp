// The rows that a mapper has loaded or stored, as the database has them: what `store` compares with.
//
// A change within a transaction is undone with it. Keys and versions that such a change had put on
// an entity are recognised afterwards, since the entity itself may be gone by then.
//
// Threads: those of its session. Bounds: `rows_max` rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "nexus/detail/table.hpp"
#include "nexus/session.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class remembered_rows : public std::enable_shared_from_this<remembered_rows> {
 public:
  static constexpr std::size_t rows_max = 1'000'000;

  [[nodiscard]] const row_values* find(const std::string& key) const;
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

  /// Read from the database: what was undone before no longer counts.
  void loaded(std::string key, row_values row);

  /// Written by an INSERT; `entity` is where its key was set, if the database made the key.
  void inserted(session& on, const std::string& key, row_values row, const void* entity);
  /// `columns` were written by an UPDATE, and no others; `version` is the new one.
  void updated(session& on, const std::string& key, row_values columns,
               std::optional<std::int64_t> version);
  void removed(session& on, const std::string& key);

  void forget(const std::string& key) { rows_.erase(key); }
  void clear();

  /// Keys of rows that are loaded from now on, and were not remembered. Null: no longer.
  void note_new_rows_in(std::vector<std::string>* keys) noexcept { new_keys_ = keys; }

  /// Whether any change was rolled back.
  [[nodiscard]] bool has_undone() const noexcept { return !undone_.empty(); }
  /// Whether this entity has its key from an INSERT that was rolled back.
  [[nodiscard]] bool was_undone(const std::string& key, const void* entity) const;
  /// Whether this version was written by an UPDATE that was rolled back.
  [[nodiscard]] bool was_undone(const std::string& key, std::int64_t version) const;

 private:
  struct undone {
    std::set<const void*> entities;
    std::set<std::int64_t> versions;
  };

  // A change within a transaction, and what was there before.
  struct change {
    std::string key;
    std::optional<row_values> before{};
    bool of_columns = false;                // `before` has only the columns that were written
    const void* entity = nullptr;           // got its key by an INSERT
    std::optional<std::int64_t> version{};  // written by an UPDATE
  };
  using changes = std::vector<change>;

  // Puts a row in, or takes it out.
  void put(session& on, change what, std::optional<row_values> row);
  void note(session& on, change what);
  void take_back(changes& all, std::size_t from);

  std::unordered_map<std::string, row_values> rows_;
  std::unordered_map<std::string, undone> undone_;
  std::vector<std::string>* new_keys_ = nullptr;
  std::weak_ptr<changes> pending_;  // owned by the entries of the session's undo log
};

}}}  // namespace nexus::v0::detail
