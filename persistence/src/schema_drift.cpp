#include "nexus/schema_drift.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>

namespace nexus { inline namespace v0 {
namespace {

using parts = std::map<std::string_view, const schema_part*>;

parts by_name(const std::vector<schema_part>& of) {
  parts made;
  for (const auto& one : of) made.emplace(one.name, &one);
  return made;
}

}  // namespace

std::vector<schema_difference> compare(const std::vector<schema_part>& expected,
                                       const std::vector<schema_part>& found) {
  using kind = schema_difference::kind;
  const auto there = by_name(found);
  const auto known = by_name(expected);
  std::vector<schema_difference> made;
  for (const auto& one : expected) {
    const auto at = there.find(one.name);
    if (at == there.end()) {
      if (one.name == one.table || there.contains(one.table)) {
        made.push_back({kind::missing, one.name + " is missing"});
      }
    } else if (const auto& is = *at->second; !is.fault.empty()) {
      made.push_back({kind::different, fmt::format("{} {}", one.name, is.fault)});
    } else if (is.what != one.what) {
      made.push_back(
          {kind::different, one.tells ? fmt::format("{} is {}, not {}", one.name, is.what, one.what)
                                      : one.name + " has a different text"});
    }
  }
  for (const auto& one : found) {
    if (!one.harmless && !known.contains(one.name)) {
      made.push_back({kind::extra, one.name + " is not part of a journal"});
    }
  }
  return made;
}

}}  // namespace nexus::v0
