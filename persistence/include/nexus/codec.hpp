// Values to bytes and back: msgpack, with the fields that MSGPACK_DEFINE_MAP names.
//
// Decoding is strict. Errors are: a field of the type that is missing in the bytes, unless it is a
// std::optional; a field of another type; a number that the field's type cannot hold exactly; a
// repeated key of a map or element of a set; bytes behind the value. Unknown fields are ignored. A
// type without fields needs no macro and is an empty map.
//
// Fields may be numbers (integers of up to 64 bits, float, double), strings, bytes, mapped types,
// standard containers of them, std::optional, std::unique_ptr and shared_ptr (nil or a value),
// std::variant (stored as index and value: alternatives keep their places), enums and durations (as
// numbers), time points of seconds to nanoseconds (as msgpack's timestamp). Values come back equal
// to the bit, -0.0 and NaN included. Types that are ambiguous when read do not compile: an optional
// or pointer directly inside another one. Views, raw pointers and C arrays do not compile either.
//
// A value nests at most `nesting_max` (64) maps and arrays, its own map included: a struct,
// container, tuple and std::variant count one each. Deeper values are neither written nor read.
//
// Threads: any. Failures: `corrupt`, naming the field. Throws: `encode` throws encode_error for a
// value that nests too deep, or whose own adaptor writes bytes that cannot be read back; otherwise
// only when memory runs out.
//
// MSGPACK_DEFINE_MAP generates `msgpack_pack(packer)`, which passes every field's name and
// reference to the packer. A visitor in place of the packer makes it the reflection.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "nexus/detail/read_value.hpp"
#include "nexus/detail/write_value.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// Why a value was not encoded: `too_large` if it nests too deep, else `invalid_argument`.
class encode_error : public std::runtime_error {
 public:
  encode_error(errc c, const std::string& why) : std::runtime_error{why}, code{c} {}
  errc code;
};

namespace detail {

/// Parses bytes into msgpack objects and passes them to `use(const msgpack::object&)`. Sizes beyond
/// what `bytes` can hold are refused before any allocation.
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

/// The number of bytes `encode` would append, without writing; also for values that it would
/// refuse.
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

}}  // namespace nexus::v0
