// An entity's rows as bytes: its own row, and those that it owns in other tables.
//
// This is the value of a relational entity on its way between its actor, the writer and the
// database. The state machine takes it for a durable state.
//
// Threads: values. Bytes never leave the process, so their form may change with each release.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/detail/row_cells.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct row_image {
  row_values root;
  std::vector<std::vector<row_values>> owned;  ///< by table, in the order of their declaration

  friend bool operator==(const row_image&, const row_image&) = default;
};

[[nodiscard]] std::string packed(const row_image& image);
/// `corrupt` for bytes that `packed` has not made.
[[nodiscard]] result<row_image> unpacked(std::string_view bytes);

}}}  // namespace nexus::v0::detail
