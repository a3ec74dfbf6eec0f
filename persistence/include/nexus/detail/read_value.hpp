// Reads values from msgpack, strictly. The counterpart of write_value.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "nexus/detail/exact_read.hpp"
#include "nexus/detail/msgpack.hpp"
#include "nexus/detail/shapes.hpp"
#include "nexus/detail/storable.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class T>
void assign(T& value, const msgpack::object& from);

/// Throw field_error.
[[noreturn]] void missing_field(std::string_view name);
[[noreturn]] void misread_field(std::string_view name, const msgpack::type_error& why);

/// A packer that assigns: the generated msgpack_pack passes it names and fields in turn.
class field_reader {
 public:
  explicit field_reader(const msgpack::object& from) : map_{from.via.map} {
    if (from.type != msgpack::type::MAP) throw field_error{"is not a map"};
  }

  void pack_map(std::uint32_t) {}

  template <class T>
  void pack(const T& field) {
    if (named_) {
      named_ = false;
      if constexpr (literal<T>) {
        throw field_error{NEXUS_FIELD_IS_A_LITERAL};
      } else {
        read(const_cast<T&>(field));  // safe: `decode` passed a mutable object
      }
      return;
    }
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      name_ = field;
      named_ = true;
    }
  }

 private:
  template <class T>
  void read(T& field) {
    const auto* value = find();
    if (value == nullptr) {
      if constexpr (is_optional<T>) return field.reset();
      missing_field(name_);
    }
    try {
      assign(field, *value);
    } catch (const msgpack::type_error& e) {
      misread_field(name_, e);
    }
  }

  // Writers keep the order of the declaration, so the next pair nearly always matches.
  const msgpack::object* find() {
    for (std::uint32_t i = 0; i < map_.size; ++i) {
      const auto& pair = map_.ptr[next_++ % map_.size];
      if (pair.key.type == msgpack::type::STR &&
          std::string_view{pair.key.via.str.ptr, pair.key.via.str.size} == name_) {
        return &pair.val;
      }
    }
    return nullptr;
  }

  const msgpack::object_map& map_;
  std::string_view name_;
  std::uint32_t next_ = 0;
  bool named_ = false;
};

[[nodiscard]] inline const msgpack::object_array& array_of(const msgpack::object& from) {
  if (from.type != msgpack::type::ARRAY) throw field_error{"is not an array"};
  return from.via.array;
}

[[nodiscard]] inline const msgpack::object_array& array_of(const msgpack::object& from,
                                                           std::size_t size) {
  const auto& found = array_of(from);
  if (found.size == size) return found;
  throw field_error{"has " + std::to_string(found.size) + " elements, not " + std::to_string(size)};
}

// msgpack's own conversions are lenient, so nothing that holds other values uses them.
template <class T>
struct assigner {
  static void run(T& value, const msgpack::object& from) {
    if constexpr (!is_storable<T>()) {
      // The compiler's error names `T` and what to write.
    } else if constexpr (mapped<T>) {
      field_reader reader{from};
      value.msgpack_pack(reader);
    } else if constexpr (fieldless<T>) {
      if (from.type != msgpack::type::MAP) throw field_error{"is not a map"};
    } else if constexpr (std::is_enum_v<T> && !std::is_same_v<T, std::byte>) {
      value = static_cast<T>(from.as<std::underlying_type_t<T>>());
    } else if constexpr (std::is_floating_point_v<T>) {
      value = read_floating<T>(from);
    } else if constexpr (is_duration<T>) {
      typename T::rep count{};
      assign(count, from);
      value = T{count};
    } else if constexpr (is_time_point<T>) {
      read_time(value, from);
    } else if constexpr (is_optional<T>) {
      from.is_nil() ? value.reset() : assign(value.emplace(), from);
    } else {
      read_parts(value, from);
    }
  }

 private:
  static void read_parts(T& value, const msgpack::object& from) {
    if constexpr (is_owner<T>) {
      read_owned(value, from);
    } else if constexpr (is_variant<T>) {
      read_variant(value, array_of(from, 2));
    } else if constexpr (is_tuple<T>) {
      const auto* next = array_of(from, std::tuple_size_v<T>).ptr;
      std::apply([&](auto&... one) { (assign(one, *next++), ...); }, value);
    } else if constexpr (map_like<T>) {
      read_map(value, from);
    } else if constexpr (is_array<T>) {
      read_array(value, from);
    } else if constexpr (sequence<T> && !packed_whole<T>) {
      read_elements(value, from);
    } else {
      from.convert(value);
    }
  }

  static void read_owned(T& value, const msgpack::object& from) {
    using pointed_to = std::remove_const_t<typename T::element_type>;
    value.reset();
    if (from.is_nil()) return;
    auto made = std::make_unique<pointed_to>();
    assign(*made, from);
    value = std::move(made);
  }

  static void read_map(T& value, const msgpack::object& from) {
    if (from.type != msgpack::type::MAP) throw field_error{"is not a map"};
    value.clear();
    for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
      typename T::key_type key{};
      assign(key, from.via.map.ptr[i].key);
      assign(value[std::move(key)], from.via.map.ptr[i].val);
    }
    if (value.size() != from.via.map.size) throw field_error{"has a key twice"};
  }

  static void read_elements(T& value, const msgpack::object& from) {
    const auto& found = array_of(from);
    value.clear();
    if constexpr (requires { value.reserve(1); }) value.reserve(found.size);
    for (std::uint32_t i = 0; i < found.size; ++i) {
      if constexpr (requires { value.emplace_back(); }) {
        assign(value.emplace_back(), found.ptr[i]);
      } else {
        typename T::value_type one{};
        assign(one, found.ptr[i]);
        value.insert(value.end(), std::move(one));
      }
    }
    if (value.size() != found.size) throw field_error{"has an element twice"};
  }

  // msgpack alone would accept a shorter array and leave the rest unchanged.
  static void read_array(T& value, const msgpack::object& from) {
    if constexpr (byte_element<typename T::value_type>) {
      if (from.type != msgpack::type::BIN) throw field_error{"is not binary"};
      if (from.via.bin.size != value.size()) {
        throw field_error{"has " + std::to_string(from.via.bin.size) + " bytes, not " +
                          std::to_string(value.size())};
      }
      from.convert(value);
    } else {
      const auto& found = array_of(from, value.size());
      for (std::size_t i = 0; i < value.size(); ++i) assign(value[i], found.ptr[i]);
    }
  }

  static void read_variant(T& value, const msgpack::object_array& from) {
    const auto index = from.ptr[0].as<std::uint64_t>();
    const bool known = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return ((index == I && (assign(value.template emplace<I>(), from.ptr[1]), true)) || ...);
    }
    (std::make_index_sequence<std::variant_size_v<T>>{});
    if (!known) {
      throw field_error{"is alternative " + std::to_string(index) + " of " +
                        std::to_string(std::variant_size_v<T>)};
    }
  }
};

template <class T>
void assign(T& value, const msgpack::object& from) {
  assigner<T>::run(value, from);
}

}}}

// MSGPACK_DEFINE_MAP also generates a msgpack_unpack, which is never called here but must compile:
// these cover the types that msgpack-c cannot convert, and name a struct whose macro is missing.
namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {
  template <class T>
  struct convert<T, std::enable_if_t<nexus::detail::unknown_to_msgpack<T>>> {
    const msgpack::object& operator()(const msgpack::object& from, T& value) const {
      nexus::detail::assign(value, from);
      return from;
    }
  };
  template <class T>
  struct convert<T, std::enable_if_t<nexus::detail::without_macro<T>>> {
    const msgpack::object& operator()(const msgpack::object& from, T& /*value*/) const {
      (void)nexus::required::stored_fields_of<T>;
      return from;
    }
  };
  }
}
}
