#include "nexus/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nexus/backend.hpp"
#include "nexus/schema_choices.hpp"

namespace nexus { inline namespace v0 {
namespace {

constexpr std::size_t prefix_max = 30;

bool is_prefix(std::string_view text) {
  auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= prefix_max && !(text[0] >= '0' && text[0] <= '9') &&
         std::all_of(text.begin(), text.end(), fits);
}

bool choose_indexes(schema_choices& into, std::string_view list) {
  if (list == "none") return true;
  for (;;) {
    const auto comma = list.find(',');
    const auto one = list.substr(0, comma);
    if (one == "type") {
      into.index_type = true;
    } else if (one == "time") {
      into.index_time = true;
    } else {
      return false;
    }
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

bool choose_tables(schema_choices& into, std::string_view word) {
  using opening = schema_choices::opening;
  if (word == "create") {
    into.tables = opening::create;
  } else if (word == "migrate") {
    into.tables = opening::migrate;
  } else if (word == "existing") {
    into.tables = opening::existing;
  } else {
    return false;
  }
  return true;
}

}  // namespace

result<schema_choices> schema_choices::from(const uri& where) {
  schema_choices made;
  auto bad = [&](std::string_view name, std::string_view value, std::string_view expected) {
    return fail(errc::invalid_argument, fmt::format("journal URI \"{}\": {} is \"{}\", not {}",
                                                    where.shown(), name, value, expected));
  };
  for (const auto& [name, value] : where.parameters) {
    if (name == "table_prefix") {
      if (!is_prefix(value)) {
        return bad(
            name, value,
            "1 to 30 lower-case letters, digits and underscores, not beginning with a digit");
      }
      made.prefix = value;
    } else if (name == "indexes") {
      if (!choose_indexes(made, value)) return bad(name, value, "none, type, time or type,time");
    } else if (name == "tables") {
      if (!choose_tables(made, value)) return bad(name, value, "create, migrate or existing");
    }
  }
  return made;
}

std::string schema_choices::named(std::string_view sql) const {
  if (prefix == default_prefix) return std::string{sql};
  std::string made;
  for (;;) {
    const auto at = sql.find(default_prefix);
    made += sql.substr(0, at);
    if (at == std::string_view::npos) return made;
    made += prefix;
    sql.remove_prefix(at + default_prefix.size());
  }
}

error other_version(std::string_view name, unsigned found, unsigned known) {
  if (found > known) {
    return {errc::newer_schema,
            fmt::format("{}: was made by a newer Nexus: its schema has version {}, this one knows "
                        "up to {}",
                        name, found, known)};
  }
  return {
      errc::older_schema,
      fmt::format("{}: was made by an older Nexus: its schema has version {}, this one needs {}; "
                  "run nexus-schema migrate, or open it with tables=migrate",
                  name, found, known)};
}

error not_a_journal(std::string_view name, std::string_view why) {
  return {errc::foreign_schema, fmt::format("{}: is not a Nexus journal: {}", name, why)};
}

error no_tables(std::string_view name) {
  return {
      errc::unavailable,
      fmt::format("{}: has no tables, and tables=existing creates none; run nexus-schema create",
                  name)};
}

result<std::unique_ptr<schema>> open_schema(std::string_view address,
                                            std::span<const backend> backends) {
  auto parsed = uri::parse(address);
  if (!parsed) return fail(std::move(parsed.error()));
  auto from = backend_for(*parsed, backends);
  if (!from) return fail(std::move(from.error()));
  if (!(*from)->schema) {
    return fail(errc::invalid_argument,
                fmt::format("journal URI \"{}\": {}: has no tables", address, parsed->scheme));
  }
  return (*from)->schema(*parsed);
}

}}  // namespace nexus::v0
