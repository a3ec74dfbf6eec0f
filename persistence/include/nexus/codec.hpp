// Values to bytes and back: msgpack, with the fields that MSGPACK_DEFINE_MAP names.
//
// Strict where money is at stake: a field that the type has and the bytes lack is an error, unless it
// is a std::optional; so is a field of another type, and anything behind the value. Unknown fields
// are ignored. A type without fields needs no macro and is an empty map.
//
// Threads: any. Failures: `corrupt`, naming the field. Throws: only when memory runs out.
//
// MSGPACK_DEFINE_MAP generates `msgpack_pack(packer)`, which shows every field's name and reference
// to whatever packer it is given. Passing a visitor as that packer makes it the reflection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <msgpack.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "nexus/result.hpp"

namespace nexus::inline v0 {
namespace detail {

struct any_packer {
  void pack_map(std::uint32_t);
  template <class T>
  void pack(const T&);
};

/// A class whose fields MSGPACK_DEFINE_MAP named.
template <class T>
concept mapped = std::is_class_v<T> && requires(const T& value, any_packer& packer) {
  value.msgpack_pack(packer);
};

struct byte_sink {
  std::string& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};

struct byte_counter {
  std::size_t size = 0;
  void write(const char*, std::size_t n) { size += n; }
};

template <class Sink, class T>
void pack_value(Sink& sink, const T& value) {
  msgpack::packer<Sink> packer{sink};
  if constexpr (std::is_empty_v<T> && !mapped<T>) {
    packer.pack_map(0);
  } else {
    packer.pack(value);
  }
}

/// Throws msgpack::type_error with the name of the field in question.
struct field_error : msgpack::type_error {
  explicit field_error(std::string w) : what_{std::move(w)} {}
  const char* what() const noexcept override { return what_.c_str(); }
  std::string what_;
};

template <class T>
void assign(T& value, const msgpack::object& from);

/// The packer that assigns: gets name and field in turn from the generated msgpack_pack.
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
      read(const_cast<T&>(field));  // ours: `decode` handed out a mutable object
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
    try {
      if (value != nullptr) {
        assign(field, *value);
      } else if constexpr (requires {
                             field.reset();
                             field.has_value();
                           }) {
        field.reset();
      } else {
        throw field_error{"is missing"};
      }
    } catch (const field_error& e) {
      throw field_error{"field \"" + std::string{name_} + "\" " + e.what()};
    } catch (const msgpack::type_error&) {
      throw field_error{"field \"" + std::string{name_} + "\" has another type"};
    }
  }

  // Writers keep the order of the declaration, so the next pair is nearly always the one.
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

template <class T>
struct assigner {
  static void run(T& value, const msgpack::object& from) {
    if constexpr (mapped<T>) {
      field_reader reader{from};
      value.msgpack_pack(reader);
    } else if constexpr (std::is_empty_v<T>) {
      if (from.type != msgpack::type::MAP) throw field_error{"is not a map"};
    } else {
      from.convert(value);
    }
  }
};

// Containers of mapped types would fall back to msgpack's own, lenient reading: walk them here.
template <class T>
struct assigner<std::optional<T>> {
  static void run(std::optional<T>& value, const msgpack::object& from) {
    if (from.is_nil()) return value.reset();
    assign(value.emplace(), from);
  }
};

template <class T, class A>
struct assigner<std::vector<T, A>> {
  static void run(std::vector<T, A>& value, const msgpack::object& from) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      from.convert(value);
    } else {
      if (from.type != msgpack::type::ARRAY) throw field_error{"is not an array"};
      value.clear();
      value.reserve(from.via.array.size);
      for (std::uint32_t i = 0; i < from.via.array.size; ++i) {
        assign(value.emplace_back(), from.via.array.ptr[i]);
      }
    }
  }
};

template <class Map>
void assign_map(Map& value, const msgpack::object& from) {
  if (from.type != msgpack::type::MAP) throw field_error{"is not a map"};
  value.clear();
  for (std::uint32_t i = 0; i < from.via.map.size; ++i) {
    typename Map::key_type key;
    assign(key, from.via.map.ptr[i].key);
    assign(value[std::move(key)], from.via.map.ptr[i].val);
  }
}

template <class K, class V, class C, class A>
struct assigner<std::map<K, V, C, A>> {
  static void run(std::map<K, V, C, A>& m, const msgpack::object& from) { assign_map(m, from); }
};

template <class K, class V, class H, class E, class A>
struct assigner<std::unordered_map<K, V, H, E, A>> {
  static void run(std::unordered_map<K, V, H, E, A>& m, const msgpack::object& from) {
    assign_map(m, from);
  }
};

template <class T>
void assign(T& value, const msgpack::object& from) {
  assigner<T>::run(value, from);
}

/// Parses bytes into msgpack objects and hands them to `use(const msgpack::object&)`.
/// Claims beyond what `bytes` can hold are refused before anything is allocated for them.
result<void> with_unpacked(std::string_view bytes, void* context,
                           void (*use)(void* context, const msgpack::object&));

}

/// Appends `value` as msgpack to `out`.
template <class T>
void encode(const T& value, std::string& out) {
  detail::byte_sink sink{out};
  detail::pack_value(sink, value);
}

template <class T>
[[nodiscard]] std::string encode(const T& value) {
  std::string out;
  encode(value, out);
  return out;
}

/// How many bytes `encode` would append, without writing them.
template <class T>
[[nodiscard]] std::size_t encoded_size(const T& value) {
  detail::byte_counter counter;
  detail::pack_value(counter, value);
  return counter.size;
}

/// Reads a whole value; on failure `value` is unspecified.
template <class T>
[[nodiscard]] result<void> decode(std::string_view bytes, T& value) {
  return detail::with_unpacked(bytes, &value, [](void* to, const msgpack::object& from) {
    detail::assign(*static_cast<T*>(to), from);
  });
}

}  // namespace nexus::inline v0
