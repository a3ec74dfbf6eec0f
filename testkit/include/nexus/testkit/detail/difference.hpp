// The path of the first difference between two values of a stored type, field by field.
//
// The fields are those of MSGPACK_DEFINE_MAP, so no type needs an operator==. Numbers are compared
// to the bit: -0.0 differs from 0.0, and a NaN equals the same NaN.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <nexus/codec.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace nexus { inline namespace v0 { namespace testkit::detail {

namespace shapes = nexus::detail;

/// None if they are equal; else the path of the difference: "", ".lines[2].cents", ".pair#1".
template <class T>
std::optional<std::string> difference(const T& a, const T& b);

/// Appends the path to a sentence.
inline std::string at(const std::string& where) {
  return where.empty() || where[0] == ' ' ? where : ", at " + where;
}

template <class T>
bool same(const T& a, const T& b) {
  return !difference(a, b);
}

/// A packer that collects the addresses of the fields of one value, in order.
struct field_collector {
  std::vector<const void*> fields;
  bool is_named = false;

  void pack_map(std::uint32_t) {}
  template <class T>
  void pack(const T& name_or_field) {
    if (is_named) fields.push_back(&name_or_field);
    is_named = !is_named;
  }
};

/// A packer that compares each field with that of another value of the same type.
class field_comparer {
 public:
  explicit field_comparer(const std::vector<const void*>& others) : others_{others} {}

  void pack_map(std::uint32_t) {}
  template <class T>
  void pack(const T& name_or_field) {
    if (is_named_) {
      compare(name_or_field);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      name_ = std::string_view{name_or_field};
    }
    is_named_ = !is_named_;
  }

  std::optional<std::string> found;

 private:
  template <class T>
  void compare(const T& field) {
    if constexpr (!shapes::literal<T>) {  // it is a name: the codec refuses such fields
      const auto& other = *static_cast<const T*>(others_[next_++]);
      if (found) return;
      if (auto inside = difference(field, other)) found = "." + name_ + *inside;
    }
  }

  const std::vector<const void*>& others_;
  std::size_t next_ = 0;
  std::string name_;
  bool is_named_ = false;
};

inline std::optional<std::string> differ_here(bool is_same) {
  if (is_same) return std::nullopt;
  return std::string{};
}

template <class T>
std::optional<std::string> fields_differ(const T& a, const T& b) {
  field_collector others;
  b.msgpack_pack(others);
  field_comparer compared{others.fields};
  a.msgpack_pack(compared);
  if (compared.found) return compared.found;
  // A field outside of MSGPACK_DEFINE_MAP shows only to an operator==. A value that holds NaN
  // equals nothing.
  if constexpr (std::equality_comparable<T>) {
    if (a == a && b == b && !(a == b)) {  // NOLINT(misc-redundant-expression): see NaN above
      return std::string{" (by operator==: is every field in MSGPACK_DEFINE_MAP?)"};
    }
  }
  return std::nullopt;
}

template <class T>
std::optional<std::string> owned_differ(const T& a, const T& b) {
  if (static_cast<bool>(a) != static_cast<bool>(b)) return std::string{};
  return a ? difference(*a, *b) : std::nullopt;
}

template <class T>
std::optional<std::string> variants_differ(const T& a, const T& b) {
  if (a.index() != b.index()) return std::string{};
  std::optional<std::string> inside;
  // By index: a type may occur twice among the alternatives.
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (void)((a.index() == I && (inside = difference(std::get<I>(a), std::get<I>(b)), true)) || ...);
  }(std::make_index_sequence<std::variant_size_v<T>>{});
  return inside;
}

template <class T>
std::optional<std::string> tuples_differ(const T& a, const T& b) {
  std::optional<std::string> found;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    auto compare = [&](std::size_t at, auto inside) {
      if (inside && !found) found = "#" + std::to_string(at) + *inside;
    };
    (compare(I, difference(std::get<I>(a), std::get<I>(b))), ...);
  }(std::make_index_sequence<std::tuple_size_v<T>>{});
  return found;
}

/// Each element of `a` has a counterpart in `b`, in any order.
template <class T>
bool same_in_any_order(const T& a, const T& b) {
  std::vector<const typename T::value_type*> left;
  for (const auto& one : b) left.push_back(&one);
  for (const auto& one : a) {
    const auto at = std::find_if(left.begin(), left.end(),
                                 [&](const auto* other) { return same(one, *other); });
    if (at == left.end()) return false;
    left.erase(at);
  }
  return true;
}

template <class T>
std::optional<std::string> elements_differ(const T& a, const T& b) {
  if (a.size() != b.size()) return std::string{" (of another size)"};
  if constexpr (requires { a.bucket_count(); }) {
    return differ_here(same_in_any_order(a, b));
  } else {
    auto other = b.begin();
    std::size_t at = 0;
    for (auto one = a.begin(); one != a.end(); ++one, ++other, ++at) {
      // By value, for vector<bool>, whose elements are not references.
      const typename T::value_type& left = *one;
      const typename T::value_type& right = *other;
      if (auto inside = difference(left, right)) return "[" + std::to_string(at) + "]" + *inside;
    }
    return std::nullopt;
  }
}

// A type with an adaptor of the user's: by operator==, else by its stored bytes.
template <class T>
bool foreign_same(const T& a, const T& b) {
  if constexpr (std::equality_comparable<T>) {
    return a == b;
  } else {
    return encode(a) == encode(b);
  }
}

template <class T>
std::optional<std::string> difference(const T& a, const T& b) {
  if constexpr (shapes::mapped<T>) {
    return fields_differ(a, b);
  } else if constexpr (shapes::fieldless<T>) {
    return std::nullopt;
  } else if constexpr (std::is_same_v<T, float>) {
    return differ_here(std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b));
  } else if constexpr (std::is_same_v<T, double>) {
    return differ_here(std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b));
  } else if constexpr (shapes::is_duration<T>) {
    return difference(a.count(), b.count());
  } else if constexpr (shapes::is_optional<T> || shapes::is_owner<T>) {
    return owned_differ(a, b);
  } else if constexpr (shapes::is_variant<T>) {
    return variants_differ(a, b);
  } else if constexpr (shapes::is_tuple<T>) {
    return tuples_differ(a, b);
  } else if constexpr (shapes::map_like<T> || shapes::sequence<T> || shapes::is_array<T>) {
    return elements_differ(a, b);
  } else {
    return differ_here(foreign_same(a, b));
  }
}

}}}
