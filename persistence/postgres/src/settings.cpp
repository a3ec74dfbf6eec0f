// The settings of a connection. Server, database and role may have any values, so every setting
// that our statements depend on is set here, and stays when the server's configuration is reloaded.
//
// Not set: default_transaction_read_only, which administrators use to keep a server from being
// written. The journal waits until writes are allowed again.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "connection.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

struct setting {
  const char* name;
  const char* value;  // in the form of pg_settings
  int since = 0;      // the first version that has it
};

// For the journal and for own SQL.
constexpr std::array<setting, 6> for_all{
    {{"client_encoding", "UTF8"},
     {"client_min_messages", "warning"},
     {"extra_float_digits", "1"},  // otherwise a double is not read as it was stored
     {"exit_on_error", "off"},
     {"quote_all_identifiers", "off"},          // otherwise all types differ from those of the DDL
     {"idle_session_timeout", "0", 140'000}}};  // the pool handles idle sessions

// Always indexes: a plan made for a small table would scan the whole table after it has grown.
// Nested-loop joins keep the order of the rows sent, so that two writers lock in the same order.
// Without row_security a row hidden by a policy is an error, instead of a silent gap.
constexpr std::array<setting, 13> for_events{{{"default_transaction_isolation", "read committed"},
                                              {"plan_cache_mode", "force_generic_plan"},
                                              {"enable_seqscan", "off"},
                                              {"enable_hashjoin", "off"},
                                              {"enable_mergejoin", "off"},
                                              {"enable_nestloop", "on"},
                                              {"enable_indexscan", "on"},
                                              {"enable_indexonlyscan", "on"},
                                              {"jit", "off"},
                                              {"lock_timeout", "0"},
                                              {"idle_in_transaction_session_timeout", "0"},
                                              {"transaction_timeout", "0", 170'000},
                                              {"row_security", "off"}}};

// Own SQL may have changed any setting. RESET ROLE returns to the role's own settings.
constexpr std::string_view reset_settings =
    "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL;";

// Like DISCARD ALL, without DEALLOCATE ALL. Reports whether there are statements to deallocate.
constexpr std::string_view discard =
    "CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;";
constexpr std::string_view has_prepared =
    "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql OR name LIKE 'nexus_own_%')";

// The server's value, but `off` and `local` become `on`: an event is acknowledged when it is on the
// server's disk, and on synchronous standbys. `remote_write` is weaker than `on` if there are such
// standbys, but then an administrator chose it.
constexpr std::string_view durable =
    "CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on' "
    "ELSE current_setting('synchronous_commit') END";

std::string set(std::string_view name, std::string_view to_expression) {
  return fmt::format("set_config('{}', {}, false)", name, to_expression);
}

bool is_on(PGconn* of, const char* reported) {
  const char* value = PQparameterStatus(of, reported);
  return value != nullptr && std::string_view{value} == "on";
}

// Otherwise the statement of an interrupted session runs to its end. Not for the journal's
// statements: `settle` finds out about those.
std::string_view watch_client(PGconn* on) {
  constexpr int knows_it = 140'000;
  if (PQserverVersion(on) < knows_it) return "";
  return "SET client_connection_check_interval = '2s';";
}

}  // namespace

std::string connection::literal(std::string_view text) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> made{
      PQescapeLiteral(handle_.get(), text.data(), text.size()), &PQfreemem};
  if (made == nullptr) throw trouble{"", one_line(PQerrorMessage(handle_.get()))};
  return made.get();
}

void connection::set_up(const address& where) {
  const auto version = PQserverVersion(handle_.get());
  const auto join = [](std::string& list, const std::string& one) {
    list += list.empty() ? one : ", " + one;
  };
  const auto add = [&](const setting& s, std::string& sets, settings of) {
    if (s.since > version) return;
    join(sets, set(s.name, fmt::format("'{}'", s.value)));
    pinned_.push_back({s.name, s.value, of});
  };
  std::string common;
  for (const auto& s : for_all) add(s, common, settings::own);
  const auto patience = fmt::format("{}", patience_.count());
  add({"statement_timeout", patience.c_str()}, common, settings::own);
  std::string events;
  for (const auto& s : for_events) {
    add(s, events, settings::journal);
    if (s.since <= version) to_own_ += fmt::format("RESET {};", s.name);
  }
  to_journal_ = fmt::format("SELECT {};", events);

  const auto& path = where.schema.empty() ? where.search_path : where.schema;
  const auto& commit = where.synchronous_commit;
  const auto found = execute(fmt::format(
      "SELECT {}; {} SELECT {}, {}, current_setting('session_replication_role')", common,
      to_journal_,
      set("synchronous_commit", commit.empty() ? std::string{durable} : "'" + commit + "'"),
      set("search_path", path.empty() ? "current_setting('search_path')" : literal(path))));
  if (found.bytes(0, 2) == "replica") {
    throw trouble{
        "",
        "session_replication_role is replica, so no trigger runs, and numbers of erased "
        "events would be used again; remove it from the role's or the database's settings"};
  }
  durability_ = found.bytes(0, 0);
  search_path_ = found.bytes(0, 1);
  pinned_.push_back({"synchronous_commit", durability_, settings::own});
  pinned_.push_back({"search_path", search_path_, settings::own});
  common_ =
      fmt::format("SELECT {}, {}, {};", common, set("synchronous_commit", "'" + durability_ + "'"),
                  set("search_path", literal(search_path_)));
}

void connection::for_journal() {
  if (has_ == settings::journal) return;
  const auto taken =
      execute(fmt::format("{}{}{}{}", reset_settings, common_, to_journal_, names_taken()));
  has_ = settings::journal;
  if (own_.had_others()) own_.forget();  // the search_path may have changed
  if (taken.bytes(0, 0) == "t") forget_prepared();
}

// Whether own SQL has replaced one of our prepared statements by its own.
std::string connection::names_taken() const {
  std::string names;
  for (const auto name : prepared_) names += fmt::format("{}'{}'", names.empty() ? "" : ", ", name);
  if (names.empty()) return "SELECT false";
  return fmt::format(
      "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql AND name IN ({}))", names);
}

void connection::forget_prepared() {
  execute("DEALLOCATE ALL");
  prepared_.clear();
  own_.lose();
}

void connection::for_own_sql() {
  if (has_ == settings::own) return;
  execute(fmt::format("{}{}", to_own_, watch_client(handle_.get())));
  has_ = settings::own;
}

void connection::reset(const std::string& query) {
  has_ = settings::own;
  own_.forget();
  const auto own = own_.deallocate();
  if (!query.empty()) {
    if (!own.empty()) execute(own);
    execute(query);  // alone: DISCARD ALL cannot be combined with other statements
    execute(fmt::format("{}{}", common_, watch_client(handle_.get())));
    return;
  }
  const auto left = execute(fmt::format("{}{}{}{}{}{}", reset_settings, own, discard, common_,
                                        watch_client(handle_.get()), has_prepared));
  if (left.bytes(0, 0) == "t") forget_prepared();
}

// -- changed settings -----------------------------------------------------------------------------

bool connection::of_replica() const noexcept { return is_on(handle_.get(), "in_hot_standby"); }

bool connection::reads_by_default() const noexcept {
  return is_on(handle_.get(), "default_transaction_read_only");
}

std::string connection::unfit() {
  if (of_replica()) return is_replica;
  if (reads_by_default()) return is_read_only;
  std::string names;
  for (const auto& one : pinned_)
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", one.name);
  const auto found = execute(
      fmt::format("SELECT name, setting FROM pg_settings WHERE name IN ({}) ORDER BY name", names));
  for (int row = 0; row < found.size(); ++row) {
    const auto at = std::ranges::find(pinned_, found.bytes(row, 0), &pinned::name);
    if (at == pinned_.end() || at->value == found.bytes(row, 1)) continue;
    if (at->of == settings::journal && has_ != settings::journal) continue;
    return fmt::format("{} is \"{}\", and was set to \"{}\"", at->name, found.bytes(row, 1),
                       at->value);
  }
  return {};
}

}}}  // namespace nexus::v0::postgres
