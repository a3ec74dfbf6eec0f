#include "nexus/detail/row_pages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "row_statements.hpp"
#include "value_text.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

std::string quoted(const sql_value& value) {
  const bool is_text = std::holds_alternative<std::string>(value);
  return is_text ? fmt::format("\"{}\"", printed(value)) : printed(value);
}

std::string shown(const condition& one) {
  static constexpr std::string_view names[]{
      "=",       "<>",      "<",           "<=",          ">",         ">=",      "one of",
      "none of", "is null", "is not null", "starts with", "ends with", "contains"};
  std::string made = fmt::format("{} {}", one.column, names[static_cast<std::size_t>(one.how)]);
  for (const auto& value : one.with.values) {
    const auto* plain = std::get_if<sql_value>(&value);
    made += ' ';
    made += plain != nullptr ? quoted(*plain) : "a time";
    if (made.size() > 200) return made.substr(0, 200) + " …";
  }
  return made;
}

}  // namespace

error no_such_row(const table& of, const row_query& wanted) {
  std::string all;
  for (const auto& any : wanted.where) {
    for (const auto& one : any) all += (all.empty() ? "" : ", ") + shown(one);
  }
  return {errc::not_found, fmt::format("table {}: there is no row with {}", of.name, all)};
}

error no_such_row(table& of, std::span<const filter_value::one> key) {
  row_query wanted;
  if (auto wrong = where_key(of, key, wanted)) return *std::move(wrong);
  return no_such_row(of, wanted);
}

std::optional<error> wrong_key(const table& of, std::size_t values) {
  if (values == of.key.size()) return std::nullopt;
  return error{errc::invalid_argument,
               fmt::format("table {}: its key has {} columns, and {} values were given", of.name,
                           of.key.size(), values)};
}

result<std::vector<sql_value>> key_columns(const table& of,
                                           std::span<const filter_value::one> key) {
  if (auto wrong = wrong_key(of, key.size())) return fail(*std::move(wrong));
  std::vector<sql_value> made;
  made.reserve(key.size());
  try {
    for (std::size_t i = 0; i < key.size(); ++i) {
      made.push_back(value_for(of, of.key[i], key[i]));
    }
    return made;
  } catch (const misfit& why) {
    return fail(misfit_error(of, why, errc::invalid_argument, "find"));
  }
}

std::optional<error> where_key(table& of, std::span<const filter_value::one> key, row_query& to) {
  if (const auto& ready = of.finish(); !ready) return ready.error();
  auto values = key_columns(of, key);
  if (!values) return std::move(values.error());
  for (std::size_t i = 0; i < key.size(); ++i) {
    condition same{of.columns[of.key[i]].name, is::equals};
    same.with.values.emplace_back(std::move((*values)[i]));
    to.where.push_back({std::move(same)});
  }
  return std::nullopt;
}

std::optional<error> where_keys(table& of, const std::vector<std::vector<filter_value::one>>& keys,
                                row_query& to) {
  if (const auto& ready = of.finish(); !ready) return ready.error();
  row_query::tuples among;
  for (const auto at : of.key) among.columns.push_back(of.columns[at].name);
  for (const auto& key : keys) {
    auto values = key_columns(of, key);
    if (!values) return std::move(values.error());
    std::ranges::move(*values, std::back_inserter(among.values));
  }
  to.among = std::move(among);
  return std::nullopt;
}

result<row_query> page(table& of, const row_query& asked, std::int64_t number,
                       std::int64_t rows_per_page) {
  if (const auto& ready = of.finish(); !ready) return fail(ready.error());
  auto scoped = with_scopes(of, asked);
  if (!scoped) return scoped;
  auto& wanted = *scoped;
  if (wanted.limit || wanted.offset != 0) {
    return fail(errc::invalid_argument,
                fmt::format("table {}: pages have no other limit or offset", of.name));
  }
  constexpr std::int64_t most = 1'000'000'000;
  if (number < 1 || rows_per_page < 1 || number > most || rows_per_page > most) {
    return fail(errc::invalid_argument,
                fmt::format("table {}: page {} of {} rows: both count from 1 to 10^9", of.name,
                            number, rows_per_page));
  }
  for (const auto at : of.key) {
    const auto same = [&](const auto& by) { return of.column_of(by.column) == at; };
    if (std::ranges::none_of(wanted.order, same)) {
      wanted.order.push_back({of.columns[at].name, direction::ascending});
    }
  }
  wanted.limit = rows_per_page;
  wanted.offset = (number - 1) * rows_per_page;
  return scoped;
}

chunks::chunks(row_mapper& in, const row_query& wanted, std::int64_t rows_max)
    : in_{in}, wanted_{wanted}, rows_max_{rows_max} {}

chunks::~chunks() { in_.memory().note_new_rows_in(nullptr); }

result<row_query> chunks::next() {
  auto& of = in_.of();
  if (const auto& ready = of.finish(); !ready) return fail(ready.error());
  if (!last_) {
    auto scoped = with_scopes(of, wanted_);
    if (!scoped) return scoped;
    wanted_ = *std::move(scoped);
  }
  const bool has_order = !wanted_.order.empty() || wanted_.limit || wanted_.offset != 0;
  if (has_order || rows_max_ < 1) {
    return fail(errc::invalid_argument,
                fmt::format("table {}: chunk({}) reads all rows by their key, in pieces of at "
                            "least 1: it has no order, limit or offset",
                            of.name, rows_max_));
  }
  in_.memory().note_new_rows_in(&added_);
  auto made = wanted_;
  made.limit = rows_max_;
  for (const auto at : of.key) made.order.push_back({of.columns[at].name, direction::ascending});
  if (!last_) return made;
  // Lexicographically behind the last key, as conditions that all hold: for each column either one
  // before it is greater, or it is at least the last key's, and greater if it is the last column.
  const auto compared = [&](std::size_t i, is how) {
    condition one{of.columns[of.key[i]].name, how};
    one.with.values.emplace_back((*last_)[i]);
    return one;
  };
  for (std::size_t i = 0; i < of.key.size(); ++i) {
    std::vector<condition> any;
    for (std::size_t before = 0; before < i; ++before) {
      any.push_back(compared(before, is::greater));
    }
    any.push_back(compared(i, i + 1 == of.key.size() ? is::greater : is::at_least));
    made.where.push_back(std::move(any));
  }
  return made;
}

result<void> chunks::read(const void* last, std::size_t rows) {
  in_.memory().note_new_rows_in(nullptr);  // what the function loads is its own
  if (auto done = in_.values(last, in_.of().key, last_.emplace()); !done) return done;
  at_end_ = rows < static_cast<std::size_t>(rows_max_);
  return {};
}

void chunks::forget() {
  for (const auto& key : std::exchange(added_, {})) in_.memory().forget(key);
}

}}}  // namespace nexus::v0::detail
