// What a connection is set to: the journal's statements need plans that the user's own must not get.
#include <fmt/format.h>

#include "connection.hpp"

namespace nexus::inline v0::postgres {
namespace {

// Indexes always: a plan made while a table was small would read the whole of it when it has grown.
// Joins by nested loops keep the order in which rows were sent, so that two writers lock alike.
constexpr std::string_view journal_settings =
    "SET default_transaction_isolation = 'read committed';"
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;";
constexpr const char* own_settings =
    "RESET default_transaction_isolation; RESET plan_cache_mode; RESET enable_seqscan;"
    "RESET enable_hashjoin; RESET enable_mergejoin; RESET jit;";

// Own SQL may have changed any of them.
constexpr std::string_view reset_settings = "SET SESSION AUTHORIZATION DEFAULT; RESET ALL;";

// As DISCARD ALL, but for DEALLOCATE ALL. Tells whether there are statements to deallocate.
constexpr std::string_view discard =
    "CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES;";
constexpr std::string_view has_prepared =
    "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)";

// Else a statement whose session was interrupted goes on to its end. Not of the journal's: what becomes of
// those is asked for by `settle`.
std::string_view watch_client(PGconn* on) {
  constexpr int knows_it = 140'000;
  if (PQserverVersion(on) < knows_it) return "";
  return "SET client_connection_check_interval = '2s';";
}

}  // namespace

void connection::set_up(const address& where) {
  common_ = fmt::format(
      "SET client_encoding = 'UTF8'; SET client_min_messages = warning; SET statement_timeout = "
      "{};",
      patience_.count());
  if (!where.schema.empty()) common_ += fmt::format("SET search_path = {};", where.schema);
  execute(fmt::format("{}{}", common_, journal_settings));
}

void connection::for_journal() {
  if (has_ == settings::journal) return;
  execute(fmt::format("{}{}{}", reset_settings, common_, journal_settings));
  has_ = settings::journal;
}

void connection::for_own_sql() {
  if (has_ == settings::own) return;
  execute(fmt::format("{}{}", own_settings, watch_client(handle_.get())));
  has_ = settings::own;
}

void connection::reset(const std::string& query) {
  has_ = settings::own;
  if (!query.empty()) {
    execute(query);  // alone: DISCARD ALL does not go together with others
    execute(fmt::format("{}{}", common_, watch_client(handle_.get())));
    return;
  }
  const auto left = execute(fmt::format("{}{}{}{}{}", reset_settings, discard, common_,
                                        watch_client(handle_.get()), has_prepared));
  if (left.bytes(0, 0) != "t") return;
  execute("DEALLOCATE ALL");
  prepared_.clear();
}

}  // namespace nexus::inline v0::postgres
