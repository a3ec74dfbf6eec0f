// What a deferred repository has yet to write: per id the last removal or captured state.
//
// Threads: one at a time. Bounds: `pending_max` ids, `pending_bytes_max` bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "nexus/detail/encoded_model.hpp"
#include "nexus/detail/model_rows.hpp"

namespace nexus { inline namespace v0 {

/// What a flush would write: ids, each in the order in which it was first staged.
struct pending_writes {
  std::vector<std::string> removes{};
  std::vector<std::string> saves{};

  friend bool operator==(const pending_writes&, const pending_writes&) = default;
};

/// Why a flush stopped. As an `error` it has the code of the cause, and all of it in words.
struct flush_error {
  std::string operation{};   ///< "remove" or "save"
  std::string id{};          ///< of the model
  std::string table{};       ///< of the storage; empty if none was reached
  std::string repository{};  ///< its name
  std::string model{};       ///< its type_name
  std::string context{};     ///< as given to `flush`
  error cause{};

  [[nodiscard]] std::string message() const;
  operator error() const { return {cause.code, message()}; }
};

using flush_result = tl::expected<void, flush_error>;

namespace detail {

class staged_rows {
 public:
  static constexpr std::size_t pending_max = 100'000;
  static constexpr std::size_t pending_bytes_max = std::size_t{256} << 20;

  /// `overloaded` if there is no room: flush first.
  result<void> save(encoded_model row);
  result<void> remove(const std::string& id);

  struct row {
    std::uint64_t turn = 0;                // of the first staging
    std::optional<encoded_model> value{};  // none: a removal
  };
  [[nodiscard]] const row* find(std::string_view id) const;
  [[nodiscard]] const std::map<std::string, row, std::less<>>& all() const noexcept {
    return rows_;
  }

  [[nodiscard]] pending_writes pending() const;

  /// Writes removals, then saves; what is written is no longer staged, and `removed` is told of
  /// removals. Stops at the first failure.
  flush_result flush(const model_rows& to, std::string_view context,
                     const std::function<void(const std::string&)>& removed);
  void clear();

 private:
  result<void> stage(const std::string& id, std::optional<encoded_model> value);
  [[nodiscard]] std::vector<std::string> in_order(bool saves) const;

  using write_some = std::function<result<void>(document_storage&, std::span<const std::string>)>;
  // Writes the ids in parts, and a part that fails one by one.
  result<void> write(document_storage& in, std::span<const std::string> ids, const write_some& some,
                     const std::function<void(const std::string&)>& done);
  void written(const std::string& id);

  std::map<std::string, row, std::less<>> rows_;
  std::uint64_t turns_ = 0;
  std::size_t bytes_ = 0;
};

}

}}  // namespace nexus::v0
