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

void entity_fields::assign(void* entity, std::span<const field_rule> rules, std::size_t field,
                           const sql_value& from) const {
  const auto& rule = rules[field];
  auto* at = static_cast<char*>(entity) + fields[field].offset;
  try {
    rule.read ? rule.read(at, from) : fields[field].read(at, from, rule.time);
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
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto at = columns[i];
    if (at < fields.size()) assign(entity, rules, at, from[i]);
  }
}

std::optional<std::size_t> entity_fields::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields, name, &field_shape::name);
  if (found == fields.end()) return std::nullopt;
  return static_cast<std::size_t>(found - fields.begin());
}

}}}  // namespace nexus::v0::detail
