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
#include "nexus/detail/row_cells.hpp"
#include "nexus/detail/row_image.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// What the user has said about a field.
struct field_rule {
  bool has_column = true;
  time_format time = time_format::text;
  std::function<sql_value(const void* field)> write{};  ///< in place of the default
  std::function<void(void* field, const sql_value& from)> read{};
};

/// A field of a class; the functions take its address, and throw `unfit`.
struct field_shape {
  std::string name;
  value_kind kind;
  bool is_optional;
  bool is_narrow;         ///< an integer of less than 64 bits
  bool is_text;           ///< a std::string
  time_unit unit;         ///< of a duration
  std::ptrdiff_t offset;  ///< within the entity
  void (*write)(sql_value& to, const void* field, time_format in);
  void (*read)(void* field, const sql_value& from, time_format in);
  bool (*equals)(const void* field, const sql_value& written, time_format in);
};

/// A field whose value does not fit, and why.
struct misfit {
  std::size_t field;
  std::string why;
};

/// The fields of a class; there is one object of each.
struct entity_fields {
  std::vector<field_shape> fields;

  /// Adds the values of fields that have columns and are not in `to` yet; throws `misfit`.
  void write(const void* entity, std::span<const field_rule> rules, row_values& to) const;
  /// Puts the value of one field into `to`; throws `misfit`.
  void value(const void* entity, std::span<const field_rule> rules, std::size_t field,
             sql_value& to) const;
  /// Adds what `value` would give to an image, without copying a text; throws `misfit`.
  void pack(const void* entity, std::span<const field_rule> rules, std::size_t field,
            image_writer& to) const;
  /// Whether `value` would give this; throws `misfit`.
  [[nodiscard]] bool equals(const void* entity, std::span<const field_rule> rules,
                            std::size_t field, const sql_value& written) const;
  /// Assigns one field; throws `misfit`.
  void assign(void* entity, std::span<const field_rule> rules, std::size_t field,
              const sql_value& from) const;
  /// Assigns the fields that have columns, from the values of `columns`; throws `misfit`.
  void read(void* entity, std::span<const field_rule> rules, std::span<const std::size_t> columns,
            std::span<const sql_value> from) const;

  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const noexcept;

 private:
  void put(void* entity, std::span<const field_rule> rules, std::size_t field,
           const sql_value& from) const;
};

template <class E>
const entity_fields& fields_of_entity() {
  static const entity_fields all = [] {
    entity_fields made;
    const E sample{};
    visit_fields(sample, [&]<class T>(std::string_view name, const T& field) {
      made.fields.push_back({
          .name = std::string{name},
          .kind = kind_of_value<T>(),
          .is_optional = is_optional<T>,
          .is_narrow = is_narrow<T>(),
          .is_text = std::is_same_v<T, std::string>,
          .unit = unit_of<T>(),
          .offset = reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&sample),
          .write = [](sql_value& to, const void* from,
                      time_format in) { write_value(to, *static_cast<const T*>(from), in); },
          .read = [](void* to, const sql_value& from,
                     time_format in) { read_into(*static_cast<T*>(to), from, in); },
          .equals = [](const void* of, const sql_value& written,
                       time_format in) { return equals(*static_cast<const T*>(of), written, in); },
      });
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
