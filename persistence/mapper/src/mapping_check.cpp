// Compares a mapping with the table in the database.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

#include "nexus/detail/table.hpp"
#include "nexus/mapping.hpp"
#include "table_shape.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <std::size_t N>
bool among(std::string_view one, const std::array<std::string_view, N>& all) {
  return std::ranges::count(all, one) > 0;
}

// https://www.sqlite.org/datatype3.html#determination_of_column_affinity
bool fits_sqlite(value_kind kind, time_format time, std::string type) {
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::toupper(c); });
  if (type.empty() || type == "ANY" || kind == value_kind::converted) return true;
  const bool integer = has(type, "INT");
  const bool text = !integer && (has(type, "CHAR") || has(type, "CLOB") || has(type, "TEXT"));
  const bool blob = !integer && !text && has(type, "BLOB");
  const bool real =
      !integer && !text && !blob && (has(type, "REAL") || has(type, "FLOA") || has(type, "DOUB"));
  const bool numeric = !integer && !text && !blob && !real;
  switch (kind) {
    case value_kind::flag:
    case value_kind::integer:
      return integer || numeric;
    case value_kind::real:
      return real || numeric;
    case value_kind::text:
      return text;
    case value_kind::bytes:
      return blob;
    case value_kind::json:
      return text || type == "JSON" || type == "JSONB";
    case value_kind::time:
      if (time == time_format::text) return text || has(type, "DATE") || has(type, "TIME");
      return integer || numeric;
    case value_kind::converted:
      break;
  }
  return true;
}

constexpr std::array<std::string_view, 3> integers{"smallint", "integer", "bigint"};
constexpr std::array<std::string_view, 2> reals{"real", "double precision"};
constexpr std::array<std::string_view, 5> texts{"text", "character varying", "character", "citext",
                                                "name"};
constexpr std::array<std::string_view, 2> jsons{"json", "jsonb"};
constexpr std::array<std::string_view, 2> times{"timestamp with time zone",
                                                "timestamp without time zone"};

bool fits_postgres(value_kind kind, time_format time, std::string_view type) {
  switch (kind) {
    case value_kind::flag:
      return type == "boolean";
    case value_kind::integer:
      return among(type, integers) || type == "numeric";
    case value_kind::real:
      return among(type, reals) || type == "numeric";
    case value_kind::text:  // of the other types too: as the server writes them
      return type != "boolean" && type != "bytea" && !among(type, integers) && !among(type, reals);
    case value_kind::bytes:
      return type == "bytea";
    case value_kind::json:
      return among(type, jsons) || among(type, texts);
    case value_kind::time:
      if (time == time_format::text) return among(type, times) || among(type, texts);
      return among(type, integers) || type == "numeric";
    case value_kind::converted:
      break;
  }
  return true;
}

class comparison {
 public:
  comparison(const table& of, const table_shape& with, bool is_sqlite)
      : of_{of}, with_{with}, is_sqlite_{is_sqlite} {}

  std::vector<std::string> differences() {
    for (std::size_t at = 0; at < of_.columns.size(); ++at) {
      if (!of_.columns[at].name.empty()) column_fits(at);
    }
    for (const auto& stored : with_.columns) needs_no_value(stored);
    key_is_unique();
    return std::move(found_);
  }

 private:
  const column_shape* stored(const std::string& name) const {
    const auto found = std::ranges::find(with_.columns, name, &column_shape::name);
    return found == with_.columns.end() ? nullptr : &*found;
  }

  void column_fits(std::size_t at) {
    const auto& mine = of_.columns[at];
    const auto say = [&](std::string why) {
      found_.push_back(fmt::format("{}: {}", of_.place(at), why));
    };
    const auto* theirs = stored(mine.name);
    if (theirs == nullptr) return say("the table has no such column");
    const bool fits = is_sqlite_ ? fits_sqlite(mine.kind, mine.time, theirs->type)
                                 : fits_postgres(mine.kind, mine.time, theirs->type);
    if (!fits) {
      say(fmt::format("the column is {}, and the field is stored as {}", theirs->type,
                      to_string(mine.kind)));
    }
    if (theirs->may_be_null && !mine.may_be_null && mine.kind != value_kind::converted) {
      say("the column may be NULL, and the field is no std::optional");
    }
    if (theirs->is_computed && !mine.of_database) {
      say("the database computes the column: declare it with of_database(…)");
    }
    const bool is_key = std::ranges::count(of_.key, at) > 0;
    if (is_key && is_sqlite_ && mine.kind == value_kind::time && mine.time == time_format::text) {
      say("a text has several forms of one time, so it is no key: choose another format(…)");
    }
    if (is_key && of_.generated && !theirs->has_default) {
      say("the database makes no value for the generated key: it is no identity, serial or "
          "INTEGER PRIMARY KEY");
    }
  }

  void needs_no_value(const column_shape& stored) {
    const auto is_mapped = std::ranges::count(of_.columns, stored.name, &column::name) > 0;
    if (is_mapped || stored.may_be_null || stored.has_default || stored.is_computed) return;
    found_.push_back(
        fmt::format("table {}, column {}: no field has this column, which must have a value",
                    of_.name, stored.name));
  }

  void key_is_unique() {
    const auto in_key = [&](const std::string& name) {
      return std::ranges::any_of(of_.key, [&](auto at) { return of_.columns[at].name == name; });
    };
    const auto covered = [&](const std::set<std::string>& unique) {
      return std::ranges::all_of(unique, in_key);
    };
    if (std::ranges::any_of(with_.unique, covered)) return;
    const auto at = of_.key.front();
    found_.push_back(
        fmt::format("{}: the key is not unique: no primary key or unique index has "
                    "just {}",
                    of_.place(at), of_.key.size() == 1 ? "this column" : "its columns"));
  }

  const table& of_;
  const table_shape& with_;
  bool is_sqlite_;
  std::vector<std::string> found_;
};

// The columns of a foreign key or a link table, one for each of the key's.
void check_columns(std::vector<std::string>& to, const table& of, const relation& r,
                   std::string_view in, const std::vector<std::string>& columns, std::size_t wanted,
                   const std::function<bool(const std::string&)>& exists) {
  for (const auto& one : columns) {
    if (exists(one)) continue;
    to.push_back(fmt::format("table {}, relation {}: the table {} has no column {}", of.name,
                             r.name, in, one));
  }
  if (columns.size() == wanted) return;
  to.push_back(fmt::format("table {}, relation {}: {} columns were given for a key of {}", of.name,
                           r.name, columns.size(), wanted));
}

result<void> check_relation(std::vector<std::string>& to, const table& of, const relation& r,
                            session& on) {
  if (const auto& ready = r.target->finish(); !ready) return ready;
  const auto mapped_in = [](const table& in) {
    return [&in](const std::string& name) { return in.column_of(name).has_value(); };
  };
  if (r.kind == relation_kind::has) {
    check_columns(to, of, r, r.target->name, r.columns, of.key.size(), mapped_in(*r.target));
    return {};
  }
  if (r.kind == relation_kind::belongs_to) {
    check_columns(to, of, r, of.name, r.columns, r.target->key.size(), mapped_in(of));
    return {};
  }
  auto shape = shape_of(on, r.between.table);
  if (!shape) return fail(std::move(shape.error()));
  const auto in_table = [&](const std::string& name) {
    return std::ranges::count(shape->columns, name, &column_shape::name) > 0;
  };
  check_columns(to, of, r, r.between.table, r.between.own, of.key.size(), in_table);
  check_columns(to, of, r, r.between.table, r.between.related, r.target->key.size(), in_table);
  return {};
}

}  // namespace

result<void> check_mapping(table& of, session& on) {
  if (const auto& ready = of.finish(); !ready) return ready;
  auto shape = shape_of(on, of.name);
  if (!shape) return fail(std::move(shape.error()));
  if (shape->columns.empty()) {
    return fail(errc::invalid_argument,
                fmt::format("table {}, column {} (field {}): there is no such table", of.name,
                            of.columns[of.key.front()].name, of.field_name(of.key.front())));
  }
  auto differences = comparison{of, *shape, on.dialect() == "sqlite"}.differences();
  for (const auto& relation : of.relations) {
    if (auto done = check_relation(differences, of, relation, on); !done) return done;
  }
  std::string all;
  for (const auto& one : differences) {
    all += (all.empty() ? "" : "; ") + one;
  }
  if (all.empty()) {
    auto before = rowid_key::unknown;
    if (shape->rowid != of.columns[of.key.front()].name) {
      of.by_rowid = rowid_key::no;
    } else {
      of.by_rowid.compare_exchange_strong(before, rowid_key::yes);
    }
    return {};
  }
  return fail(errc::invalid_argument, all);
}

}}}  // namespace nexus::v0::detail
