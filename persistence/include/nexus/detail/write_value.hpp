// Values to msgpack. The counterpart of read_value.hpp: what one writes the other reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <msgpack.hpp>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>

#include "nexus/detail/shapes.hpp"

namespace nexus::inline v0::detail {

struct byte_sink {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

struct byte_counter {
  std::size_t size = 0;
  void write(const char*, std::size_t n) { size += n; }
};

template <class Packer, class T>
void write_value(Packer& to, const T& value);

/// The packer that passes every field on to `write_value`.
template <class Packer>
class field_writer {
 public:
  explicit field_writer(Packer& to) : to_{to} {}

  void pack_map(std::uint32_t size) { to_.pack_map(size); }

  template <class T>
  void pack(const T& name_or_field) {
    write_value(to_, name_or_field);
  }

  template <class T = Packer>
  void pack_array(std::uint32_t) {
    static_assert(!std::is_same_v<T, Packer>, "name the fields with MSGPACK_DEFINE_MAP");
  }

 private:
  Packer& to_;
};

template <class T>
struct writer {
  template <class Packer>
  static void run(Packer& to, const T& value) {
    if constexpr (mapped<T>) {
      field_writer<Packer> fields{to};
      value.msgpack_pack(fields);
    } else if constexpr (fieldless<T>) {
      to.pack_map(0);
    } else if constexpr (std::is_enum_v<T> && !std::is_same_v<T, std::byte>) {
      to.pack(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (is_duration<T>) {
      to.pack(value.count());
    } else if constexpr (is_optional<T>) {
      value ? write_value(to, *value) : void(to.pack_nil());
    } else if constexpr (is_variant<T>) {
      to.pack_array(2);
      to.pack(static_cast<std::uint64_t>(value.index()));
      std::visit([&](const auto& one) { write_value(to, one); }, value);
    } else if constexpr (is_tuple<T>) {
      to.pack_array(static_cast<std::uint32_t>(std::tuple_size_v<T>));
      std::apply([&](const auto&... one) { (write_value(to, one), ...); }, value);
    } else if constexpr (map_like<T>) {
      to.pack_map(static_cast<std::uint32_t>(value.size()));
      for (const auto& [key, one] : value) {
        write_value(to, key);
        write_value(to, one);
      }
    } else if constexpr (sequence<T> || is_array<T>) {
      write_elements(to, value);
    } else {
      static_assert(!holds_mapped<T>,
                    "a stored type is made of values, std::optional, "
                    "std::variant and the standard containers");
      to.pack(value);
    }
  }

 private:
  template <class Packer>
  static void write_elements(Packer& to, const T& value) {
    if constexpr (plain_element<typename T::value_type>) {
      to.pack(value);
    } else {
      to.pack_array(static_cast<std::uint32_t>(value.size()));
      for (const auto& one : value) write_value(to, one);
    }
  }
};

template <class Packer, class T>
void write_value(Packer& to, const T& value) {
  writer<T>::run(to, value);
}

template <class Sink, class T>
void pack_value(Sink& sink, const T& value) {
  msgpack::packer<Sink> packer{sink};
  write_value(packer, value);
}

}
