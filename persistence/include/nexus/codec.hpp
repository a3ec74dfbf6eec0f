// Values to bytes and back: msgpack, with the fields that MSGPACK_DEFINE_MAP names.
//
// Strict where money is at stake: a field that the type has and the bytes lack is an error, unless it
// is a std::optional; so is a field of another type, a number that the field's type cannot hold
// exactly, a key or an element that a map or set holds twice, and anything behind the value. Unknown
// fields are ignored. A type without fields needs no macro and is an empty map.
//
// Fields may be numbers (integers of up to 64 bits, float, double), strings, bytes, mapped types,
// standard containers of them, std::optional, std::unique_ptr and shared_ptr (nil or a value),
// std::variant (stored as index and value: alternatives keep their places), enums and durations (as
// numbers), time points of seconds to nanoseconds (as msgpack's timestamp). What comes back is equal,
// to the bit: -0.0 and NaN too. What cannot be told apart when it is read does not compile: an
// optional or pointer directly inside another one. Nor do views, raw pointers and C arrays.
//
// A value nests at most `nesting_max` (64) maps and arrays in one another, its own map included: a
// struct, container, tuple and std::variant are one each. Deeper ones are neither written nor read.
//
// Threads: any. Failures: `corrupt`, naming the field. Throws: `encode` of a value that nests too deep,
// or whose own adaptor writes what cannot be read back, encode_error; else only when memory runs out.
//
// MSGPACK_DEFINE_MAP generates `msgpack_pack(packer)`, which shows every field's name and reference
// to whatever packer it is given. Passing a visitor as that packer makes it the reflection.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "nexus/detail/read_value.hpp"
#include "nexus/detail/write_value.hpp"
#include "nexus/result.hpp"

namespace nexus::inline v0 {

/// Why a value was not encoded: `too_large` if it nests too deep, else `invalid_argument`.
class encode_error : public std::runtime_error {
 public:
  encode_error(errc c, const std::string& why) : std::runtime_error{why}, code{c} {}
  errc code;
};

namespace detail {

/// Parses bytes into msgpack objects and hands them to `use(const msgpack::object&)`.
/// Claims beyond what `bytes` can hold are refused before anything is allocated for them.
result<void> with_unpacked(std::string_view bytes, void* context,
                           void (*use)(void* context, const msgpack::object&));

}

/// Appends `value` as msgpack to `out`. After a throw `out` ends somewhere within the value.
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

/// How many bytes `encode` would append, without writing them; also of a value that it would refuse.
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
