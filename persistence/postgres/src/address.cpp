#include "address.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "errors.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

constexpr std::array<std::string_view, 4> own_parameters{"schema", "statement_timeout",
                                                         "synchronous_commit", "writers"};
constexpr std::array<std::string_view, 5> commits{"off", "local", "remote_write", "on",
                                                  "remote_apply"};
constexpr unsigned writers_max = 64;

struct free_options {
  void operator()(PQconninfoOption* o) const noexcept { PQconninfoFree(o); }
};
using parsed_options = std::unique_ptr<PQconninfoOption, free_options>;

bool is_ours(std::string_view key) {
  return std::ranges::count(own_parameters, key) > 0 ||
         std::ranges::count(schema_choices::parameters, key) > 0;
}

// The URI without the parameters that libpq does not know. Their names need no escapes.
std::string for_libpq(std::string_view text) {
  const auto question = text.find('?');
  std::string kept{text.substr(0, question)};
  if (question == std::string_view::npos) return kept;
  auto query = text.substr(question + 1);
  char separator = '?';
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    if (!is_ours(pair.substr(0, pair.find('=')))) {
      kept += separator;
      kept += pair;
      separator = '&';
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return kept;
}

// Lets libpq parse the URI; its error message goes to `why`.
parsed_options parse(const std::string& text, std::string& why) {
  char* complaint = nullptr;
  parsed_options parsed{PQconninfoParse(text.c_str(), &complaint)};
  if (parsed == nullptr) why = complaint == nullptr ? "out of memory" : one_line(complaint);
  PQfreemem(complaint);
  return parsed;
}

std::optional<std::uint32_t> number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The alphabet of a prefix, so that it never needs quotes; PostgreSQL cuts names at 63 bytes.
bool is_plain_name(std::string_view name) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, plain) &&
         (name[0] < '0' || name[0] > '9');
}

// By default libpq waits without a limit, and does not name the program.
void add_defaults(address& to) {
  auto missing = [&](std::string_view key) {
    return std::ranges::none_of(to.options, [&](const auto& o) { return o.first == key; });
  };
  if (missing("connect_timeout")) to.options.emplace_back("connect_timeout", "5");
  if (missing("application_name")) to.options.emplace_back("fallback_application_name", "nexus");
  // For sent data that is never acknowledged: a server that is gone does not report it.
  if (missing("tcp_user_timeout")) to.options.emplace_back("tcp_user_timeout", "30000");
}

}  // namespace

result<address> address::from(const uri& where) {
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("journal URI \"{}\": {}", where.shown(), why));
  };
  address made;
  made.name = where.shown().substr(0, where.shown().find('?'));

  std::string why;
  // Parsed with stars in place of the password, so that the message cannot reveal it.
  if (parse(for_libpq(where.shown()), why) == nullptr) return bad(why);
  const auto parsed = parse(for_libpq(where.text), why);
  if (parsed == nullptr) return bad("the password has invalid percent escapes");
  for (const auto* o = parsed.get(); o->keyword != nullptr; ++o) {
    if (o->val != nullptr) made.options.emplace_back(o->keyword, o->val);
  }
  add_defaults(made);

  auto chosen = schema_choices::from(where);
  if (!chosen) return fail(std::move(chosen.error()));
  made.tables = *std::move(chosen);
  auto given = [&](const char* key) -> const std::string* {
    const auto found = where.parameters.find(key);
    return found == where.parameters.end() ? nullptr : &found->second;
  };
  if (const auto* schema = given("schema")) {
    if (!is_plain_name(*schema)) {
      return bad(fmt::format("schema is \"{}\"; expected a name of a-z, 0-9 and _", *schema));
    }
    made.schema = *schema;
  }
  if (const auto* commit = given("synchronous_commit")) {
    if (std::ranges::count(commits, *commit) == 0) {
      return bad(fmt::format(
          "synchronous_commit is \"{}\", not one of off, local, remote_write, on, remote_apply",
          *commit));
    }
    made.synchronous_commit = *commit;
  }
  if (const auto* writers = given("writers")) {
    made.writers = number(*writers).value_or(0);
    if (made.writers < 1 || made.writers > writers_max) {
      return bad(
          fmt::format("writers is \"{}\", not a number from 1 to {}", *writers, writers_max));
    }
  }
  if (const auto* patience = given("statement_timeout")) {
    const auto value = number(*patience);
    if (!value || *value > 86'400'000) {
      return bad(fmt::format("statement_timeout is \"{}\", not milliseconds", *patience));
    }
    made.patience = std::chrono::milliseconds{*value};
  }
  return made;
}

}}}  // namespace nexus::v0::postgres
