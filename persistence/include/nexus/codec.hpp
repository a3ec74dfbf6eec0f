// Values to bytes and back: msgpack, with the fields that MSGPACK_DEFINE_MAP names.
//
// Strict where money is at stake: a field that the type has and the bytes lack is an error, unless it
// is a std::optional; so is a field of another type, and anything behind the value. Unknown fields
// are ignored. A type without fields needs no macro and is an empty map.
//
// Fields may be numbers, strings, bytes, mapped types, standard containers of them, std::optional,
// std::variant (stored as index and value: alternatives keep their places), enums and durations (as
// numbers), time points (as msgpack's timestamp).
//
// Threads: any. Failures: `corrupt`, naming the field. Throws: only when memory runs out.
//
// MSGPACK_DEFINE_MAP generates `msgpack_pack(packer)`, which shows every field's name and reference
// to whatever packer it is given. Passing a visitor as that packer makes it the reflection.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "nexus/detail/read_value.hpp"
#include "nexus/detail/write_value.hpp"
#include "nexus/result.hpp"

namespace nexus::inline v0 {
namespace detail {

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
