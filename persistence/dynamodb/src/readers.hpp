// The readers of a strand and the mark of what was erased of it.
//
// Threads: values.
#pragma once

#include <algorithm>
#include <vector>

#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

struct dynamodb_session::strand_state {
  position erased{};          ///< the highest position of an erased event; major is 0 if none is
  std::uint64_t version = 0;  ///< bumped when a reader comes or goes back, and by each erasure
  std::vector<stored_reader> readers{};

  /// The one that has read least; null: none is registered.
  [[nodiscard]] const stored_reader* slowest() const {
    const auto behind = [](const auto& a, const auto& b) { return a.at < b.at; };
    const auto found = std::ranges::min_element(readers, behind);
    return found == readers.end() ? nullptr : &*found;
  }
};

}}}  // namespace nexus::v0::dynamodb
