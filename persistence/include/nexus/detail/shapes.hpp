// What kind of value a stored type is: how the codec, fingerprints and builders tell types apart.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace nexus::inline v0::detail {

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

/// A class without fields, which needs no macro: an empty map.
template <class T>
concept fieldless = std::is_class_v<T> && std::is_empty_v<T> && !mapped<T>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;

template <class T>
inline constexpr bool is_time_point = false;
template <class C, class D>
inline constexpr bool is_time_point<std::chrono::time_point<C, D>> = true;

/// A pair or tuple: an array of fixed length with elements of several types.
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

template <class T>
concept map_like = requires(T& m, typename T::key_type k, typename T::mapped_type) {
  m[k];
  m.clear();
  m.size();
};

/// vector, deque, list, set …: what is filled from its end. Maps and strings are not.
template <class T>
concept sequence = std::is_class_v<T> && !map_like<T> && !std::is_convertible_v<T, std::string> &&
                   requires(T & s, typename T::value_type v) {
  s.insert(s.end(), std::move(v));
  s.clear();
  s.size();
};

/// An element whose containers are read and written as a whole by msgpack itself, bytes as binary.
template <class T>
concept plain_element =
    std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, std::byte>;

/// Bytes: std::vector<unsigned char> and its like.
template <class T>
concept byte_element =
    std::is_same_v<T, char> || std::is_same_v<T, unsigned char> || std::is_same_v<T, std::byte>;

/// A template of which an argument is mapped: msgpack alone would read it leniently.
template <class T>
inline constexpr bool holds_mapped = false;
template <template <class...> class C, class... T>
inline constexpr bool holds_mapped<C<T...>> = (mapped<T> || ...);

/// What msgpack-c has no conversion for. Newer ones know variants.
#if __has_include(<msgpack/v1/adaptor/cpp17/variant.hpp>)
template <class T>
inline constexpr bool variant_unknown = false;
#else
template <class T>
inline constexpr bool variant_unknown = is_variant<T>;
#endif
template <class T>
concept unknown_to_msgpack =
    (std::is_enum_v<T> && !std::is_same_v<T, std::byte>) || is_duration<T> || variant_unknown<T> ||
    (fieldless<T> && !is_array<T> && !is_tuple<T>);

}
