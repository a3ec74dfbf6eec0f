#include "nexus/store_result.hpp"

namespace nexus { inline namespace v0 {

std::string_view to_string(stored_as what) noexcept {
  static constexpr std::string_view names[]{"inserted", "updated",   "unchanged", "removed",
                                            "restored", "cancelled", "failed",    "undone"};
  return names[static_cast<std::size_t>(what)];
}

}}  // namespace nexus::v0
