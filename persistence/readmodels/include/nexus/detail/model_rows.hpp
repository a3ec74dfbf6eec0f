// A repository without the type of its models: storage, index, cache, and the errors of rows.
//
// Threads: those of its source.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/criteria.hpp"
#include "nexus/detail/model_fields.hpp"
#include "nexus/detail/snapshot_cache.hpp"
#include "nexus/document_source.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// A class of models, as far as a row tells.
struct model_class {
  std::string type;       ///< its type_name
  std::string full_name;  ///< of the class, in C++
  std::uint32_t schema_version = 1;
  std::string codec;
  std::span<const field_description> fields;
};

/// Reads a row; false: pass no more. Its errors say what was expected.
using row_reader = std::function<result<bool>(const document_view&)>;

class model_rows {
 public:
  model_rows(document_source from, std::string name, model_class of,
             std::vector<std::string> indexed, std::shared_ptr<snapshot_cache> seen);

  /// Why nothing can be done: an invalid name, class or index.
  [[nodiscard]] const std::optional<error>& fault() const noexcept { return fault_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const model_class& model() const noexcept { return model_; }
  [[nodiscard]] std::span<const std::string> indexed() const noexcept { return indexed_; }

  /// The row is written unless it holds the value already.
  result<void> save(const document_write& row) const;
  result<bool> remove(const std::string& id) const;
  result<std::size_t> remove_all() const;
  result<std::size_t> reindex(const document_indexer& values_of) const;

  result<void> get(std::span<const std::string> ids, consistency wanted,
                   const row_reader& reader) const;
  result<void> all(consistency wanted, const row_reader& reader) const;
  /// Passes the rows that may match, by an index if one can be used.
  result<void> some(const criteria& wanted, bool by_index, consistency how,
                    const row_reader& reader) const;

  /// From now on.
  void read_from(document_source other) { from_ = std::move(other); }

  /// Runs `use` with the storage.
  result<void> with(const std::function<result<void>(document_storage&)>& use) const;

 private:
  result<std::optional<std::vector<std::string>>> ids_by_index(const criteria& wanted,
                                                               consistency how) const;
  error of_row(const document_storage& in, const document_view& row, const error& why) const;
  bool is_unchanged(const document_view& stored, const document_view& wanted) const;

  document_source from_;
  std::string name_;
  model_class model_;
  std::vector<std::string> indexed_;
  std::shared_ptr<snapshot_cache> cache_;
  std::optional<snapshot_cache::part> seen_;
  std::optional<error> fault_;
  mutable std::atomic<bool> warned_ = false;
};

/// A list of ids among criteria, and the rest.
struct split_criteria {
  std::optional<std::vector<std::string>> ids{};  ///< in the requested order, without repeats
  criteria rest{};
};

/// `invalid_argument` or `invalid_id` for criteria on `id` that name no ids.
[[nodiscard]] result<split_criteria> split(std::string_view model, const criteria& wanted);

/// What a row must be: its type and version are this class's, as far as they can be read.
[[nodiscard]] std::optional<error> fault_of_row(const model_class& of, const document_view& row);
[[nodiscard]] error not_decoded(const model_class& of, const error& why);
[[nodiscard]] error other_id_inside(std::string_view stored, std::string_view inside);
[[nodiscard]] error not_encoded(const model_class& of, std::string_view name, std::string_view id,
                                const error& why);

}}}  // namespace nexus::v0::detail
