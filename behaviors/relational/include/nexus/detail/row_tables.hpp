// The kinds of relational entities of a store: which tables hold which type.
//
// Threads: any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "nexus/detail/row_changes.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class row_tables {
 public:
  /// The tables of this type from now on, instead of what they were.
  void add(std::string_view type, std::shared_ptr<const entity_tables> tables) {
    const std::lock_guard guard{mutex_};
    by_type_[std::string{type}] = std::move(tables);
  }
  /// Null: there are none.
  [[nodiscard]] std::shared_ptr<const entity_tables> find(std::string_view type) const {
    const std::lock_guard guard{mutex_};
    const auto found = by_type_.find(type);
    return found == by_type_.end() ? nullptr : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const entity_tables>, std::less<>> by_type_;
};

}}}  // namespace nexus::v0::detail
