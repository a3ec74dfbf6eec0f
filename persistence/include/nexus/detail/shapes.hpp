// The kinds of stored types, for the codec, fingerprints and builders.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/detail/msgpack.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct any_packer {
  void pack_map(std::uint32_t);
  template <class T>
  void pack(const T&);
};

/// A class with MSGPACK_DEFINE_MAP.
template <class T>
concept mapped = std::is_class_v<T> && requires(const T& value, any_packer& packer) {
  value.msgpack_pack(packer);
};

/// A class without fields: an empty map. It needs no macro.
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

/// vector, deque, list, set …: containers filled at the end. Not maps, not strings.
template <class T>
concept sequence = std::is_class_v<T> && !map_like<T> && !std::is_convertible_v<T, std::string> &&
                   requires(T & s, typename T::value_type v) {
  s.insert(s.end(), std::move(v));
  s.clear();
  s.size();
};

/// Bytes: std::vector<unsigned char> and similar types.
template <class T>
concept byte_element =
    std::is_same_v<T, char> || std::is_same_v<T, unsigned char> || std::is_same_v<T, std::byte>;

/// Types that msgpack reads and writes as a whole: bytes as binary, and flags.
template <class T>
inline constexpr bool packed_whole = false;
template <byte_element T, class A>
inline constexpr bool packed_whole<std::vector<T, A>> = true;
template <byte_element T, std::size_t N>
inline constexpr bool packed_whole<std::array<T, N>> = true;
template <class A>
inline constexpr bool packed_whole<std::vector<bool, A>> = true;

/// A single msgpack value without parts.
template <class T>
concept scalar = std::is_integral_v<T> || std::is_same_v<T, std::byte> ||
    std::is_convertible_v<const T&, std::string_view>;

/// An owning pointer: written as nil or as its value.
template <class T>
inline constexpr bool is_owner = false;
template <class T>
inline constexpr bool is_owner<std::unique_ptr<T>> = true;
template <class T>
inline constexpr bool is_owner<std::shared_ptr<T>> = true;

/// Types that may be written as nil. An optional cannot hold them, since nil stands for an empty
/// optional.
template <class T>
inline constexpr bool may_be_nil =
    is_optional<T> || is_owner<T> || std::is_same_v<T, msgpack::type::nil_t> ||
    std::is_same_v<T, msgpack::object>;

/// Names made by MSGPACK_DEFINE_MAP; the compiler cannot distinguish them from fields of this type.
template <class T>
inline constexpr bool literal =
    std::is_array_v<T>&& std::is_convertible_v<const T&, std::string_view>;
#define NEXUS_FIELD_IS_A_LITERAL "a field is a C array of characters: use std::string"

/// Types that would point into the bytes they were read from, or to another object.
template <class T>
inline constexpr bool only_refers =
    std::is_pointer_v<T> || std::is_same_v<T, std::string_view> ||
    std::is_same_v<T, msgpack::type::raw_ref> || std::is_same_v<T, msgpack::object>;
template <class T>
inline constexpr bool only_refers<std::reference_wrapper<T>> = true;

/// Standard containers that msgpack-c alone would read leniently, or that nothing reads.
template <class T>
inline constexpr bool unsupported_container = std::is_array_v<T>;
template <class T, class A>
inline constexpr bool unsupported_container<std::forward_list<T, A>> = true;
template <class K, class V, class L, class A>
inline constexpr bool unsupported_container<std::multimap<K, V, L, A>> = true;
template <class K, class V, class H, class E, class A>
inline constexpr bool unsupported_container<std::unordered_multimap<K, V, H, E, A>> = true;

/// Types with an adaptor of the user's, or with one of msgpack's that is unknown here.
template <class T>
concept foreign =
    !mapped<T> && !fieldless<T> && !std::is_enum_v<T> && !std::is_arithmetic_v<T> &&
    !is_duration<T> && !is_time_point<T> && !may_be_nil<T> && !scalar<T> && !packed_whole<T> &&
    !is_variant<T> && !is_tuple<T> && !map_like<T> && !sequence<T> && !is_array<T>;

/// A template with a mapped type as argument: msgpack alone would read it leniently.
template <class T>
inline constexpr bool holds_mapped = false;
template <template <class...> class C, class... T>
inline constexpr bool holds_mapped<C<T...>> = (mapped<T> || ...);

template <class T>
inline constexpr bool is_instance = false;
template <template <class...> class C, class... T>
inline constexpr bool is_instance<C<T...>> = true;

/// A plain struct that is no map: its adaptor, if there is one, is written for exactly this type.
template <class T>
concept without_macro = std::is_class_v<T> && std::is_aggregate_v<T> && !is_instance<T> &&
                        foreign<T> && !requires(T & value, const msgpack::object& from) {
  value.msgpack_unpack(from);
};

/// Types that msgpack-c cannot convert. Newer versions know variants.
#if __has_include(<msgpack/v1/adaptor/cpp17/variant.hpp>)
template <class T>
inline constexpr bool variant_unknown = false;
#else
template <class T>
inline constexpr bool variant_unknown = is_variant<T>;
#endif
template <class T>
concept unknown_to_msgpack =
    (std::is_enum_v<T> && !std::is_same_v<T, std::byte>) || is_duration<T> ||
    variant_unknown<T> || std::is_same_v<T, long double> ||
    (fieldless<T> && !is_array<T> && !is_tuple<T>);

}}}
