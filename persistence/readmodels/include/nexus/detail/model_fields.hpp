// The fields of a model by name, and how their values compare.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/criteria.hpp"
#include "nexus/detail/field_visitor.hpp"
#include "nexus/detail/shapes.hpp"
#include "nexus/document_storage.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// What a field, or the elements of a list, can be compared with.
enum class field_kind : std::uint8_t { other, flag, number, text };

struct field_description {
  std::string name;
  field_kind kind;
};

// Values as text, so that two are equal if their texts are.
[[nodiscard]] std::string comparable(bool value);
[[nodiscard]] std::string comparable(std::int64_t value);
[[nodiscard]] std::string comparable(std::uint64_t value);
[[nodiscard]] std::string comparable(std::string_view text);
/// None for a NaN, which equals nothing.
[[nodiscard]] std::optional<std::string> comparable(double value);

/// The same of a criterion. None if it is NaN, or a list.
[[nodiscard]] std::optional<std::string> comparable(const field_value& value);

/// In a form that fits into an index; equal values have equal forms, and others mostly differ.
[[nodiscard]] std::string indexable(std::string comparable);

/// Why models with these fields cannot be compared with the criteria.
[[nodiscard]] result<void> check_criteria(std::string_view model,
                                          std::span<const field_description> fields,
                                          const criteria& wanted);

template <class T>
constexpr field_kind kind_of_field() {
  if constexpr (std::is_same_v<T, bool>) {
    return field_kind::flag;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || is_duration<T>) {
    return field_kind::number;
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return field_kind::text;
  } else if constexpr (is_optional<T>) {
    return kind_of_field<typename T::value_type>();
  } else if constexpr (is_owner<T>) {
    return kind_of_field<std::remove_const_t<typename T::element_type>>();
  } else if constexpr (sequence<T> || is_array<T>) {
    using element = typename T::value_type;
    return byte_element<element> ? field_kind::other : kind_of_field<element>();
  } else {
    return field_kind::other;
  }
}

/// Calls `use(std::string)` with the comparable form of the field's value, or of each of them.
template <class T, class Use>
void each_comparable(const T& field, Use&& use) {
  if constexpr (kind_of_field<T>() == field_kind::other) {
    return;
  } else if constexpr (std::is_same_v<T, bool>) {
    use(comparable(field));
  } else if constexpr (std::is_enum_v<T>) {
    each_comparable(static_cast<std::underlying_type_t<T>>(field), use);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (auto made = comparable(static_cast<double>(field))) use(*std::move(made));
  } else if constexpr (std::is_integral_v<T>) {
    using widest = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    use(comparable(static_cast<widest>(field)));
  } else if constexpr (is_duration<T>) {
    each_comparable(field.count(), use);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    use(comparable(std::string_view{field}));
  } else if constexpr (is_optional<T> || is_owner<T>) {
    if (field) each_comparable(*field, use);
  } else {
    // By value, for vector<bool>, whose elements are not references.
    for (const typename T::value_type& one : field) each_comparable(one, use);
  }
}

/// Of every model of this class.
template <class Model>
const std::vector<field_description>& fields_of() {
  static const auto all = [] {
    std::vector<field_description> made;
    visit_fields(Model{}, [&]<class T>(std::string_view name, const T&) {
      made.push_back({std::string{name}, kind_of_field<T>()});
    });
    return made;
  }();
  return all;
}

/// Whether all fields have the values.
template <class Model>
bool has_all(const Model& model, const criteria& wanted) {
  std::size_t matching = 0;
  visit_fields(model, [&](std::string_view name, const auto& field) {
    for (const auto& [of, value] : wanted) {
      if (of != name) continue;
      const auto expected = comparable(value);
      bool found = false;
      each_comparable(field, [&](std::string one) { found = found || one == expected; });
      if (found) ++matching;
    }
  });
  return matching == wanted.size();
}

/// The values of the fields that are indexed.
template <class Model>
std::vector<indexed_value> indexed_values(const Model& model,
                                          std::span<const std::string> indexed) {
  std::vector<indexed_value> made;
  if (indexed.empty()) return made;
  visit_fields(model, [&](std::string_view name, const auto& field) {
    for (const auto& of : indexed) {
      if (of != name) continue;
      each_comparable(field, [&](std::string one) {
        made.push_back({of, indexable(std::move(one))});
      });
    }
  });
  return made;
}

}}}  // namespace nexus::v0::detail
