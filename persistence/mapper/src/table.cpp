#include "nexus/detail/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace nexus { inline namespace v0 {
namespace detail {

std::string quoted_name(std::string_view name) {
  std::string made{'"'};
  for (const char c : name) {
    if (c == '"') made += '"';
    made += c;
  }
  return made += '"';
}

std::string quoted_table(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return quoted_name(name);
  return quoted_name(name.substr(0, dot)) + "." + quoted_name(name.substr(dot + 1));
}

table::table(std::string named, const entity_fields& of)
    : name{std::move(named)}, entity{of}, rules(of.fields.size()), quoted{quoted_table(name)} {
  for (const auto& field : of.fields) {
    columns.push_back({.name = field.name, .kind = field.kind, .may_be_null = field.is_optional});
  }
}

void table::mistake(std::string why) {
  if (!mistake_) mistake_ = fmt::format("mapping of {}: {}", name, why);
}

void table::rename(std::string_view field, std::string column) {
  if (const auto at = entity.find(field)) {
    columns[*at].name = std::move(column);
  } else {
    mistake(fmt::format("there is no field {}", field));
  }
}

void table::leave_out(std::string_view field) {
  const auto at = entity.find(field);
  if (!at) return mistake(fmt::format("there is no field {}", field));
  rules[*at].has_column = false;
  columns[*at].name.clear();
}

void table::format(std::string_view field, time_format time) {
  const auto at = entity.find(field);
  if (!at) return mistake(fmt::format("there is no field {}", field));
  if (columns[*at].kind != value_kind::time) {
    return mistake(fmt::format("the field {} is no time point", field));
  }
  rules[*at].time = columns[*at].time = time;
}

void table::convert(std::optional<std::size_t> field, field_rule with) {
  if (!field) return mistake("a converted member is not listed in MSGPACK_DEFINE_MAP");
  rules[*field].write = std::move(with.write);
  rules[*field].read = std::move(with.read);
  columns[*field].kind = value_kind::converted;
}

void table::add_column(std::string column_name) {
  columns.push_back(
      {.name = std::move(column_name), .kind = value_kind::converted, .may_be_null = true});
}

void table::own_by_database(std::string_view field_or_column) {
  const auto at = column_of(field_or_column);
  if (!at) return mistake(fmt::format("there is no field or column {}", field_or_column));
  columns[*at].of_database = true;
}

std::optional<std::size_t> table::column_of(std::string_view field_or_column) const {
  if (field_or_column.empty()) return std::nullopt;
  if (const auto field = entity.find(field_or_column)) {
    return columns[*field].name.empty() ? std::nullopt : field;
  }
  const auto found = std::ranges::find(columns, field_or_column, &column::name);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

std::string table::field_name(std::size_t at) const {
  return is_field(at) ? entity.fields[at].name : columns[at].name;
}

std::string table::place(std::size_t at) const {
  const auto field = is_field(at) ? fmt::format(" (field {})", entity.fields[at].name) : "";
  return fmt::format("table {}, column {}{}", name, columns[at].name, field);
}

std::optional<std::size_t> table::resolve(const std::string& named, bool may_add) {
  if (named.empty()) return std::nullopt;
  if (const auto at = column_of(named)) return at;
  if (!may_add) {
    mistake(fmt::format("there is no field or column {}", named));
    return std::nullopt;
  }
  columns.push_back({.name = named, .kind = value_kind::time, .may_be_null = true, .time = stamps});
  return columns.size() - 1;
}

result<void> table::resolved() {
  for (const auto& one : key_names) {
    if (const auto at = resolve(one, false)) key.push_back(*at);
  }
  if (key.empty()) mistake("it has no key: name its fields with key(…)");
  if (generated && key.size() > 1) mistake("a generated key is a single column");
  version = resolve(version_name, false);
  if (version && columns[*version].kind != value_kind::integer) {
    mistake(fmt::format("the version {} is no integer", version_name));
  }
  created = resolve(created_name, true);
  updated = resolve(updated_name, true);
  deleted = resolve(deleted_name, true);
  for (const auto& at : {created, updated, deleted}) {
    const bool is_time =
        !at || columns[*at].kind == value_kind::time || columns[*at].kind == value_kind::converted;
    if (!is_time) mistake(fmt::format("the field {} is no time point", field_name(*at)));
  }
  if (deleted && !columns[*deleted].may_be_null) {
    mistake(fmt::format("the field {} of soft deletes is no std::optional", deleted_name));
  }
  for (const auto& at : {version, created, updated}) {
    if (at && is_field(*at)) set_by_insert.push_back(*at);
  }
  for (std::size_t at = 0; at < columns.size(); ++at) {
    if (columns[at].of_database) of_database.push_back(at);
    columns[at].is_key = std::ranges::count(key, at) > 0;
    columns[at].is_compared = !columns[at].of_database && !columns[at].is_key && version != at &&
                              created != at && updated != at && deleted != at;
    const auto same = [&](const column& one) { return one.name == columns[at].name; };
    if (!columns[at].name.empty() && std::ranges::count_if(columns, same) > 1) {
      mistake(fmt::format("two fields have the column {}", columns[at].name));
    }
  }
  for (const auto& one : unique) (void)resolve(one, false);
  if (mistake_) return fail(errc::invalid_argument, *mistake_);
  write_sql();
  choose_kept();
  return {};
}

void table::write_sql() {
  select = "SELECT ";
  for (std::size_t at = 0; at < columns.size(); ++at) {
    if (columns[at].name.empty()) continue;
    columns[at].quoted = quoted_name(columns[at].name);
    select += (read.empty() ? "" : ", ") + columns[at].quoted;
    read.push_back(at);
  }
  select += " FROM " + quoted;
  find = select;
  for (std::size_t i = 0; i < key.size(); ++i) {
    find += fmt::format("{}{} = ${}", i == 0 ? " WHERE " : " AND ", columns[key[i]].quoted, i + 1);
  }
  if (deleted) find += fmt::format(" AND {} IS NULL", columns[*deleted].quoted);
}

namespace {

std::size_t alternative_of(value_kind kind) {
  switch (kind) {
    case value_kind::integer:
      return sql_value{std::int64_t{}}.index();
    case value_kind::text:
      return sql_value{std::string{}}.index();
    case value_kind::bytes:
      return sql_value{sql_bytes{}}.index();
    case value_kind::flag:
      return sql_value{bool{}}.index();
    default:
      return table::no_value;
  }
}

}  // namespace

void table::choose_kept() {
  const bool by_user = dehydrate || hydrate;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto at = read[i];
    if (deleted == at || created == at) {
      kept_as.push_back(any_value);  // kept by us
    } else if (is_field(at)) {
      kept_as.push_back(by_user ? no_value : alternative_of(columns[at].kind));
    } else {
      kept_as.push_back(dehydrate ? no_value : any_value);
    }
    if (key.size() == 1 && key.front() == at && !dehydrate) key_read = i;
  }
}

const result<void>& table::finish() {
  if (is_finished_.load(std::memory_order_acquire)) return finished_;
  std::call_once(once_, [this] {
    finished_ = resolved();
    is_finished_ = true;
  });
  return finished_;
}

}

const sql_value* column_values::find(std::string_view column) const {
  const auto& value = at(column);
  return value ? &*value : nullptr;
}

std::optional<sql_value>& column_values::at(std::string_view column) const {
  const auto found = of_.column_of(column);
  if (!found) {
    throw std::invalid_argument{fmt::format(
        "the mapping of {} has no column {}: declare it with column(…)", of_.name, column)};
  }
  return in_[*found];
}

}}  // namespace nexus::v0
