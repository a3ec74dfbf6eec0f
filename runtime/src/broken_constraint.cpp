#include "nexus/broken_constraint.hpp"

namespace nexus { inline namespace v0 {

std::string_view to_string(constraint_kind kind) noexcept {
  switch (kind) {
    case constraint_kind::unique:
      return "unique";
    case constraint_kind::foreign_key:
      return "foreign_key";
    case constraint_kind::not_null:
      return "not_null";
    case constraint_kind::check:
      return "check";
    case constraint_kind::exclusion:
      return "exclusion";
    case constraint_kind::other:
      return "other";
  }
  return "unknown";
}

namespace detail {

const broken_constraint* maybe_broken::copy(const broken_constraint& what) {
  return new broken_constraint{what};
}
void maybe_broken::destroy(const broken_constraint* what) noexcept { delete what; }

}

}}  // namespace nexus::v0
