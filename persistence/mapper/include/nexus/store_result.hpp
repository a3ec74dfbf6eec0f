// What became of an entity that was to be stored or removed.
//
//   auto done = orders.store(one);
//   if (!done) return nexus::fail(done.error());
//   if (done.what == nexus::stored_as::cancelled) …   // by the listener done.cancelled_by
//
// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

enum class stored_as : std::uint8_t {
  inserted,
  updated,    ///< the changed columns were written
  unchanged,  ///< nothing differed: no statement was sent
  removed,    ///< deleted, or marked as removed
  restored,
  cancelled,  ///< a listener refused it: nothing was written
  failed,     ///< `why` says why
  undone      ///< another entity of the same call failed: nothing of this one was kept
};
[[nodiscard]] std::string_view to_string(stored_as what) noexcept;

/// Why an entity is not valid.
struct violation {
  std::string field;    ///< its name in the struct; empty: it is about several
  std::string message;  ///< e.g. "is empty"
  friend bool operator==(const violation&, const violation&) = default;
};

/// Another writer was first.
struct version_conflict {
  std::int64_t expected = 0;            ///< the version of the entity
  std::optional<std::int64_t> found{};  ///< the version of the row; none: the row is gone
  friend bool operator==(const version_conflict&, const version_conflict&) = default;
};

/// What became of one entity.
struct [[nodiscard]] store_item {
  stored_as what = stored_as::undone;
  std::string cancelled_by{};           ///< the name of the listener
  std::vector<violation> violations{};  ///< all of them
  std::optional<version_conflict> conflict{};
  std::optional<nexus::error> why{};  ///< of `failed`
  /// What `created`, `updated`, `removed`, `restored` and `stored` have thrown: the row is written.
  std::vector<std::string> thrown{};

  /// False if it failed, or was undone.
  explicit operator bool() const noexcept {
    return what != stored_as::failed && what != stored_as::undone;
  }
  /// Only if it failed.
  [[nodiscard]] const nexus::error& error() const { return why.value(); }
};

/// What became of several entities: of all, or of none.
struct [[nodiscard]] store_report {
  std::vector<store_item> items{};    ///< one per entity, in their order
  std::optional<nexus::error> why{};  ///< why none was kept

  explicit operator bool() const noexcept { return !why; }
  [[nodiscard]] const nexus::error& error() const { return why.value(); }
};

}}  // namespace nexus::v0
