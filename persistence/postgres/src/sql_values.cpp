#include "sql_values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <memory>

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// Fixed by PostgreSQL's catalogue.
namespace type {
constexpr Oid inferred = 0;
constexpr Oid boolean = 16;
constexpr Oid bytea = 17;
constexpr Oid int8 = 20;
constexpr Oid int2 = 21;
constexpr Oid int4 = 23;
constexpr Oid float4 = 700;
constexpr Oid float8 = 701;
}  // namespace type

constexpr std::size_t parameters_max = 65'535;  // the protocol's limit

template <class Number>
Number number_in(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// In either of the two forms that sessions write.
sql_bytes bytes_in(const char* text) {
  std::size_t size = 0;
  const std::unique_ptr<unsigned char, decltype(&PQfreemem)> raw{
      PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &size), &PQfreemem};
  if (raw == nullptr) throw std::bad_alloc{};
  return {{reinterpret_cast<const char*>(raw.get()), size}};
}

sql_value value_at(const PGresult* from, int row, int column) {
  if (PQgetisnull(from, row, column) != 0) return {};
  const char* data = PQgetvalue(from, row, column);
  const std::string_view text{data, static_cast<std::size_t>(PQgetlength(from, row, column))};
  switch (PQftype(from, column)) {
    case type::boolean:
      return text == "t";
    case type::int2:
    case type::int4:
    case type::int8:
      return number_in<std::int64_t>(text);
    case type::float4:
    case type::float8:
      return number_in<double>(text);
    case type::bytea:
      return bytes_in(data);
    default:
      return std::string{text};
  }
}

}  // namespace

void text_parameters::add(Oid type, const char* value, std::size_t length, form as) {
  types_.push_back(type);
  values_.push_back(value);
  lengths_.push_back(static_cast<int>(length));
  formats_.push_back(static_cast<int>(as));
}

void text_parameters::add(const sql_value& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    add(type::inferred, nullptr, 0, form::text);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    add(type::inferred, *truth ? "t" : "f", 1, form::text);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    add(type::inferred, text->c_str(), text->size(), form::text);
  } else if (const auto* bytes = std::get_if<sql_bytes>(&value)) {
    add(type::bytea, bytes->data.c_str(), bytes->data.size(), form::binary);
  } else {
    const auto* whole = std::get_if<std::int64_t>(&value);
    const auto& made = owned_.emplace_back(
        whole != nullptr ? fmt::format("{}", *whole) : fmt::format("{}", std::get<double>(value)));
    add(type::inferred, made.c_str(), made.size(), form::text);
  }
}

result<text_parameters> text_parameters::from(sql_parameters values, const std::string& name) {
  if (values.size() > parameters_max) {
    return fail(errc::query_failed, fmt::format("{}: {} parameters, where PostgreSQL takes {}",
                                                name, values.size(), parameters_max));
  }
  text_parameters made;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& value = values[i];
    const auto* text = std::get_if<std::string>(&value);
    if (text != nullptr && text->find('\0') != std::string::npos) {
      return fail(errc::query_failed,
                  fmt::format("{}: ${} holds a NUL byte, which no text of PostgreSQL can; there is "
                              "sql_bytes",
                              name, made.count() + 1));
    }
    made.add(value);
  }
  return made;
}

sql_rows to_sql_rows(const rows& answer, sql_row_sink* to) {
  const auto* from = answer.get();
  sql_rows made;
  const int columns = PQnfields(from);
  const auto fill = [&](std::vector<sql_value>& row, int at) {
    row.clear();
    row.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) row.push_back(value_at(from, at, i));
  };
  if (to != nullptr) {
    std::vector<sql_value> row;
    bool goes_on = true;
    for (int at = 0; at < answer.size() && goes_on; ++at) {
      fill(row, at);
      goes_on = to->take(row);
    }
  } else {
    made.columns.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) made.columns.emplace_back(PQfname(from, i));
    made.rows.resize(static_cast<std::size_t>(answer.size()));
    for (int at = 0; at < answer.size(); ++at) fill(made.rows[static_cast<std::size_t>(at)], at);
  }
  // The tag of a SELECT has a number as well: its rows.
  if (!answer.tag().starts_with("SELECT") && !answer.tag().starts_with("FETCH"))
    made.affected = answer.affected();
  return made;
}

}}}  // namespace nexus::v0::postgres
