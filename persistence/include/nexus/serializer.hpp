// Serializers: how a behavior's events and states become bytes. The default is msgpack.
//
//   struct account {
//     using serializer = json_serializer;   // static constexpr name "json", encode, decode
//     …
//   };
//
// Every row stores the serializer's name. A behavior reads rows of its own serializer and of
// msgpack, so a running system can change from msgpack to another serializer. A change from one
// user serializer to another needs a serializer that reads both.
//
// Threads: any, several at once: a serializer is a set of static functions. Failures: typed errors
// without the name of the entity, which the caller adds.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nexus/codec.hpp"
#include "nexus/document.hpp"

namespace nexus { inline namespace v0 {
namespace detail {

struct serializer_probe {
  std::int64_t n = 0;
  MSGPACK_DEFINE_MAP(n)
};

}

/// Static functions for every mapped type T. `encode` appends. Both may throw.
///   static constexpr std::string_view name;
///   template <class T> static void encode(const T& value, std::string& out);
///   template <class T> static result<void> decode(std::string_view bytes, T& value);
///   static result<document> to_document(std::string_view bytes);   // optional, for upcasters
template <class S>
concept serializer = requires(const detail::serializer_probe& in, detail::serializer_probe& out,
                              std::string& bytes, std::string_view view) {
  { std::string_view{S::name} };
  S::encode(in, bytes);
  { S::decode(view, out) } -> std::same_as<result<void>>;
};

/// The default.
struct msgpack_serializer {
  static constexpr std::string_view name = "msgpack";

  template <class T>
  static void encode(const T& value, std::string& out) {
    v0::encode(value, out);
  }
  template <class T>
  [[nodiscard]] static result<void> decode(std::string_view bytes, T& value) {
    return v0::decode(bytes, value);
  }
  [[nodiscard]] static result<document> to_document(std::string_view bytes) {
    return document::parse(bytes);
  }
};

namespace detail {

/// The schema version that a type declares; 1 if it declares none.
template <class T>
constexpr std::uint32_t schema_version_of() {
  if constexpr (requires { T::schema_version; }) {
    static_assert(T::schema_version >= 1 && T::schema_version <= 1'000,
                  "schema versions count from 1, one by one");
    return T::schema_version;
  } else {
    return 1;
  }
}

template <class B>
struct serializer_of {
  using type = msgpack_serializer;
};
template <class B>
  requires requires { typename B::serializer; }
struct serializer_of<B> {
  using type = typename B::serializer;
  static_assert(serializer<type>, "a serializer has a name, encode and decode");
  static_assert(std::is_same_v<type, msgpack_serializer> ||
                    std::string_view{type::name} != msgpack_serializer::name,
                "the name msgpack is taken");
};

/// The codec stored with rows of `B`.
template <class B>
constexpr std::string_view serializer_name() {
  return serializer_of<B>::type::name;
}

/// Of the exception being handled.
error not_encoded(std::string_view serializer);
error decoding_threw(std::string_view serializer, const char* what);
error unknown_codec(std::string_view codec, std::string_view own);
error not_upcast(std::string_view codec, std::uint32_t known);
error after_upcast(std::uint32_t known, const error& why);

/// Appends `value` to `out` with the serializer of `B`. Fails with `too_large` if the value nests
/// too deep, `invalid_argument` if it could not be read back, `decide_failed` if the serializer
/// throws.
template <class B, class T>
[[nodiscard]] result<void> encode_with(const T& value, std::string& out) {
  using own = typename serializer_of<B>::type;
  try {
    own::encode(value, out);
    return {};
  } catch (...) {
    return fail(not_encoded(own::name));
  }
}

template <class T, std::uint32_t N>
concept upcasts_from = requires(document& d) { T::upcast(from_version<N>{}, d); };

/// Whether `T` upcasts from any version before its current one. (GCC's undefined behaviour
/// sanitizer compares no pointer to a function in a constant expression, so the steps below do not
/// tell.)
template <class T>
inline constexpr bool has_upcast_step = []<std::size_t... I>(std::index_sequence<I...>) {
  return (upcasts_from<T, I + 1> || ...);
}(std::make_index_sequence<schema_version_of<T>() - 1>{});

/// From version n to n + 1.
using upcast_step = result<void> (*)(document&);

template <class T, std::uint32_t N>
constexpr upcast_step upcast_step_of() {
  if constexpr (upcasts_from<T, N>) {
    return [](document& d) -> result<void> {
      if constexpr (std::is_void_v<decltype(T::upcast(from_version<N>{}, d))>) {
        T::upcast(from_version<N>{}, d);
        return {};
      } else {
        return T::upcast(from_version<N>{}, d);
      }
    };
  } else {
    return nullptr;
  }
}

/// The upcast steps of `T`, starting from version 1; nullptr for a missing step.
template <class T>
inline constexpr auto upcast_steps = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<upcast_step, sizeof...(I)>{upcast_step_of<T, I + 1>()...};
}(std::make_index_sequence<schema_version_of<T>() - 1>{});

/// Whether the steps lead from `version` to the current version, steps.size() + 1.
[[nodiscard]] result<void> can_upcast(std::uint32_t version, std::span<const upcast_step> steps);

/// Applies those steps. A step that throws or fails is `corrupt`.
[[nodiscard]] result<void> upcast(document& d, std::uint32_t version,
                                  std::span<const upcast_step> steps);

/// A value to read into, without its type.
struct read_target {
  void* value;
  result<void> (*decode)(std::string_view bytes, void* value);
};
template <class T>
[[nodiscard]] read_target target_of(T& out) {
  return {&out, [](std::string_view bytes, void* value) {
            return decode(bytes, *static_cast<T*>(value));
          }};
}

[[nodiscard]] result<void> read_upcast(result<document> parsed, std::uint32_t version,
                                       std::span<const upcast_step> steps, const read_target& to);

/// Reads a row that is stored as msgpack, upcast to the current version. `own` is the behavior's
/// serializer.
[[nodiscard]] result<void> decode_older(std::uint32_t version, std::string_view codec,
                                        std::string_view own, std::string_view data,
                                        std::span<const upcast_step> steps, const read_target& to);

/// `decode` of a user serializer.
template <class S, class T>
[[nodiscard]] result<void> decode_foreign(std::uint32_t version, std::string_view data, T& out) {
  try {
    if (version == schema_version_of<T>()) return S::decode(data, out);
    if constexpr (requires { S::to_document(data); }) {
      return read_upcast(S::to_document(data), version, upcast_steps<T>, target_of(out));
    } else {
      return fail(not_upcast(S::name, schema_version_of<T>()));
    }
  } catch (const std::exception& e) {
    return fail(decoding_threw(S::name, e.what()));
  } catch (...) {
    return fail(decoding_threw(S::name, "not a std::exception"));
  }
}

/// Reads a row of `B` into `out`, upcast to the current version. `out` must be default-constructed;
/// on failure it is unspecified. Fails with `unknown_type` for a codec, `unsupported_version`,
/// `corrupt`.
template <class B, class T>
[[nodiscard]] result<void> decode_stored(std::uint32_t version, std::string_view codec,
                                         std::string_view data, T& out) {
  using own = typename serializer_of<B>::type;
  if (codec == msgpack_serializer::name && version == schema_version_of<T>()) {
    return decode(data, out);
  }
  if constexpr (!std::is_same_v<own, msgpack_serializer>) {
    if (codec == own::name) {
      if (auto known = can_upcast(version, upcast_steps<T>); !known) return known;
      return decode_foreign<own>(version, data, out);
    }
  }
  return decode_older(version, codec, own::name, data, upcast_steps<T>, target_of(out));
}

}

}}  // namespace nexus::v0
