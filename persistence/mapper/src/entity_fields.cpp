#include "nexus/detail/entity_fields.hpp"

#include <algorithm>

#include "nexus/detail/guarded.hpp"

namespace nexus { inline namespace v0 { namespace detail {

void entity_fields::value(const void* entity, std::span<const field_rule> rules, std::size_t field,
                          sql_value& to) const {
  const auto& shape = fields[field];
  const auto& rule = rules[field];
  const auto* at = static_cast<const char*>(entity) + shape.offset;
  try {
    if (rule.write) {
      to = rule.write(at);
    } else {
      shape.write(to, at, rule.time);
    }
  } catch (...) {
    throw misfit{field, thrown_text()};
  }
}

void entity_fields::pack(const void* entity, std::span<const field_rule> rules, std::size_t field,
                         image_writer& to) const {
  const auto& shape = fields[field];
  if (shape.is_text && !rules[field].write) {
    const auto* at = static_cast<const char*>(entity) + shape.offset;
    return to.text(*reinterpret_cast<const std::string*>(at));
  }
  sql_value made;
  value(entity, rules, field, made);
  to.value(made);
}

void entity_fields::write(const void* entity, std::span<const field_rule> rules,
                          row_values& to) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (rules[i].has_column && !to[i]) value(entity, rules, i, to[i].emplace());
  }
}

void entity_fields::put(void* entity, std::span<const field_rule> rules, std::size_t field,
                        const sql_value& from) const {
  const auto& rule = rules[field];
  const auto& shape = fields[field];
  auto* at = static_cast<char*>(entity) + shape.offset;
  rule.read ? rule.read(at, from) : shape.read(at, from, rule.time);
}

void entity_fields::assign(void* entity, std::span<const field_rule> rules, std::size_t field,
                           const sql_value& from) const {
  try {
    put(entity, rules, field, from);
  } catch (...) {
    throw misfit{field, thrown_text()};
  }
}

bool entity_fields::equals(const void* entity, std::span<const field_rule> rules, std::size_t field,
                           const sql_value& written) const {
  const auto& rule = rules[field];
  const auto* at = static_cast<const char*>(entity) + fields[field].offset;
  try {
    return rule.write ? rule.write(at) == written : fields[field].equals(at, written, rule.time);
  } catch (...) {
    throw misfit{field, thrown_text()};
  }
}

void entity_fields::read(void* entity, std::span<const field_rule> rules,
                         std::span<const std::size_t> columns,
                         std::span<const sql_value> from) const {
  std::size_t i = 0;
  try {
    for (const auto count = fields.size(); i < columns.size(); ++i) {
      if (columns[i] < count) put(entity, rules, columns[i], from[i]);
    }
  } catch (...) {
    throw misfit{columns[i], thrown_text()};
  }
}

std::optional<std::size_t> entity_fields::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields, name, &field_shape::name);
  if (found == fields.end()) return std::nullopt;
  return static_cast<std::size_t>(found - fields.begin());
}

}}}  // namespace nexus::v0::detail
