// How the struct of a relational behavior and the rows of an entity correspond.
//
// Threads: any, once it is complete.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/clock.hpp"
#include "nexus/detail/row_changes.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// A member of the struct that holds rows of another table.
struct owned_list {
  std::function<void(const void* root, const std::function<void(const void* row)>& use)> each;
  std::function<void*(void* root)> add;  ///< a new row at its end
  std::function<void(void* root)> clear;
};

/// What an image changes.
struct row_difference {
  bool any = false;      ///< of what the program has written
  column_set columns{};  ///< of the root, that are written; if there are not too many
};

struct row_shape {
  entity_tables tables;
  std::vector<owned_list> lists{};                       ///< in the order of `tables.owned`
  std::vector<std::vector<std::string>> foreign_keys{};  ///< names, as given
  std::function<void(void* root, std::string_view id)> create{};  ///< empty: a row must be there
  bool on_demand = false;  ///< an entity without a row stays, and looks for it again

  /// Resolves names, compares the mappings with the database, and refuses what entities cannot
  /// keep. `invalid_argument`, which names table and choice.
  [[nodiscard]] result<void> check(session& on);

  // Rows are packed here, see row_image.hpp.

  /// Puts the rows of `root`, which follow `before` (empty: none), into `to`. The keys are those of
  /// `id`, the version is `version`, and stamps are `now`. Errors do not name the entity.
  [[nodiscard]] result<row_difference> image(const void* root, std::string_view id,
                                             std::string_view before, sequence_nr version,
                                             timestamp now, std::string& to) const;

  /// Makes `root`, whose lists are empty, what the rows are. `invalid_id` if its key is not `id`:
  /// for the database both may be equal, e.g. without regard to case.
  [[nodiscard]] result<void> fill(void* root, std::string_view id, std::string_view from) const;
  /// Sets what `image` has set by itself, for `version`.
  [[nodiscard]] result<void> set_kept(void* root, std::string_view from, sequence_nr version) const;

 private:
  // Once: the entities of several systems share a shape.
  const result<void>& finish();
  result<void> resolve();
  result<void> has_key(const void* root, std::string_view id) const;
  void add_root(const void* root, image_reader& before, bool is_new, sequence_nr version,
                timestamp now, std::string_view id, std::span<const sql_value> key,
                image_writer& to, row_difference& what) const;

  // What `set_kept` sets: the version, or more.
  bool keeps_version_ = false;
  bool keeps_more_ = false;
  std::once_flag once_{};
  result<void> finished_{};
};

/// The store of relational entities beside `in`, where `type` has these rows from now on. Blocks.
[[nodiscard]] result<store> rows_beside(const store& in, std::string_view type,
                                        const std::shared_ptr<row_shape>& shape);

}}}  // namespace nexus::v0::detail
