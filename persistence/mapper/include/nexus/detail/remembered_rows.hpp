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
  /// Written by an UPDATE; `version` is the new one.
  void updated(session& on, const std::string& key, row_values row,
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

  // Puts a row in, or takes it out. If the transaction is rolled back, the row before comes back, and
  // `then` is called.
  template <class F>
  void change(session& on, const std::string& key, std::optional<row_values> row, F then);

  std::unordered_map<std::string, row_values> rows_;
  std::unordered_map<std::string, undone> undone_;
  std::vector<std::string>* new_keys_ = nullptr;
};

}}}  // namespace nexus::v0::detail
