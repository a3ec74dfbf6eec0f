// The fields of a struct by name: MSGPACK_DEFINE_MAP's msgpack_pack with a visitor as its packer.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "nexus/detail/shapes.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Passes names and fields in turn to `use(std::string_view name, const auto& field)`.
template <class Use>
class field_visitor {
 public:
  explicit field_visitor(Use& use) : use_{use} {}

  void pack_map(std::uint32_t) {}

  template <class T>
  void pack(const T& name_or_field) {
    if (is_named_) {
      is_named_ = false;
      if constexpr (!literal<T>) use_(name_, name_or_field);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      name_ = std::string_view{name_or_field};
      is_named_ = true;
    }
  }

 private:
  Use& use_;
  std::string_view name_;
  bool is_named_ = false;
};

template <class Model, class Use>
void visit_fields(const Model& model, Use use) {
  field_visitor<Use> visitor{use};
  model.msgpack_pack(visitor);
}

}}}
