// A class of structs without its type: the names of its fields, and how rows are read and written.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "nexus/detail/column_value.hpp"
#include "nexus/detail/field_visitor.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// The values of an entity, one per column of its table, in their order. None: not written, or not
/// read.
using row_values = std::vector<std::optional<sql_value>>;

/// What the user has said about a field.
struct field_rule {
  bool has_column = true;
  time_format time = time_format::text;
  std::function<sql_value(const void* field)> write{};  ///< in place of the default
  std::function<void(void* field, const sql_value& from)> read{};
};

struct field_shape {
  std::string name;
  value_kind kind;
  bool is_optional;
};

/// The functions of a class; there is one object of each.
struct entity_fields {
  std::vector<field_shape> fields;

  /// The values of the fields that have columns; throws `misfit`.
  void (*write)(const void* entity, std::span<const field_rule> rules, row_values& to);
  /// Assigns the fields whose values are there; throws `misfit`.
  void (*read)(void* entity, std::span<const field_rule> rules, const row_values& from);

  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const noexcept;
};

/// A field whose value does not fit, and why.
struct misfit {
  std::size_t field;
  std::string why;
};

/// Runs `f`; what it throws becomes a misfit of this field.
template <class F>
void of_field(std::size_t field, F&& f) {
  try {
    f();
  } catch (const std::exception& why) {
    throw misfit{field, why.what()};
  }
}

template <class E>
void write_fields(const void* entity, std::span<const field_rule> rules, row_values& to) {
  std::size_t i = 0;
  visit_fields(*static_cast<const E*>(entity), [&](std::string_view, const auto& field) {
    const auto at = i++;
    const auto& rule = rules[at];
    if (!rule.has_column) return;
    of_field(at, [&] { to[at] = rule.write ? rule.write(&field) : value_of(field, rule.time); });
  });
}

template <class E>
void read_fields(void* entity, std::span<const field_rule> rules, const row_values& from) {
  std::size_t i = 0;
  visit_fields(*static_cast<E*>(entity), [&]<class T>(std::string_view, const T& field) {
    const auto at = i++;
    if (!rules[at].has_column || !from[at]) return;
    auto& to = const_cast<T&>(field);  // safe: the entity is mutable
    of_field(at, [&] {
      rules[at].read ? rules[at].read(&to, *from[at]) : read_into(to, *from[at], rules[at].time);
    });
  });
}

template <class E>
const entity_fields& fields_of_entity() {
  static const entity_fields all = [] {
    entity_fields made{{}, write_fields<E>, read_fields<E>};
    visit_fields(E{}, [&]<class T>(std::string_view name, const T&) {
      made.fields.push_back({std::string{name}, kind_of_value<T>(), is_optional<T>});
    });
    return made;
  }();
  return all;
}

/// The number of the field that a member pointer names; none: MSGPACK_DEFINE_MAP does not list it.
template <class E, class M>
std::optional<std::size_t> field_at(M E::*member) {
  const E sample{};
  std::optional<std::size_t> found;
  std::size_t i = 0;
  visit_fields(sample, [&]<class T>(std::string_view, const T& field) {
    if constexpr (std::is_same_v<T, M>) {
      if (&field == &(sample.*member)) found = i;
    }
    ++i;
  });
  return found;
}

}}}  // namespace nexus::v0::detail
