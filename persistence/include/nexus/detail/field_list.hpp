// What MSGPACK_DEFINE_MAP passes its names and fields to, in the place of msgpack-c's define_map.
//
// msgpack-c keeps them in a std::tuple and walks it by recursive templates, which take much of the
// time and memory that a program with many stored types costs to compile. Bytes and conversions are
// the same. Structs that are defined before this header is included use define_map.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>

#include "nexus/detail/msgpack.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// The value of `name` in a map whose keys are strings; null if there is none.
[[nodiscard]] const msgpack::object* value_of(const msgpack::object_map& map,
                                              std::string_view name) noexcept;
/// Throws msgpack::type_error unless `from` is a map whose keys are strings.
void check_string_keys(const msgpack::object& from);

/// Converts the values of a map to fields as msgpack-c does: a missing field stays unchanged.
class field_converter {
 public:
  explicit field_converter(const msgpack::object& from) : map_{from.via.map} {
    check_string_keys(from);
  }

  template <class T>
  void pack(T& name_or_field) {
    is_named_ = !is_named_;
    if (is_named_) {
      if constexpr (std::is_convertible_v<T&, std::string_view>) name_ = name_or_field;
    } else if constexpr (!(std::is_array_v<T> && std::is_const_v<T>)) {  // no literal: a field
      if (const auto* value = value_of(map_, name_)) {
        msgpack::v1::type::convert_helper(*value, name_or_field);
      }
    }
  }

 private:
  const msgpack::object_map& map_;
  std::string_view name_;
  bool is_named_ = false;  // the next call passes a field
};

/// References to names and fields, in turn.
template <class... T>
class field_list {
 public:
  explicit field_list(T&... each) noexcept
      : each_{const_cast<std::remove_const_t<T>*>(std::addressof(each))...} {}

  template <class Packer>
  void msgpack_pack(Packer& to) const {
    to.pack_map(sizeof...(T) / 2);
    pack_each(to);
  }

  void msgpack_unpack(const msgpack::object& from) const {
    field_converter fields{from};
    pack_each(fields);
  }

  template <class Object>
  void msgpack_object(Object* to, msgpack::zone& zone) const {
    std::size_t i = 0;
    msgpack::type::define_map<T...>{*static_cast<T*>(each_[i++])...}.msgpack_object(to, zone);
  }

 private:
  template <class Packer>
  void pack_each(Packer& to) const {
    std::size_t i = 0;
    (to.pack(*static_cast<T*>(each_[i++])), ...);
  }

  std::array<void*, sizeof...(T)> each_;
};

}}}

// Found by the macro's call, as the more specialised overload.
namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace type {
  template <std::size_t N, class Field, class... More>
  nexus::detail::field_list<const char[N], Field, More...> make_define_map(const char (&name)[N],
                                                                           Field& field,
                                                                           More&... more) {
    return nexus::detail::field_list<const char[N], Field, More...>{name, field, more...};
  }
  }
}
}
