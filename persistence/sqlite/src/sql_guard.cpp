#include "sql_guard.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace nexus { inline namespace v0 { namespace sqlite {
namespace {

bool same(const char* a, const char* b) { return sqlite3_stricmp(a, b) == 0; }

template <std::size_t N>
bool among(const std::array<const char*, N>& names, const char* name) {
  return std::ranges::any_of(names, [&](const char* one) { return same(one, name); });
}

// They take an argument and leave nothing on the connection.
constexpr std::array look_only{"table_info",       "table_xinfo",      "table_list",
                               "index_list",       "index_info",       "index_xinfo",
                               "foreign_key_list", "integrity_check",  "quick_check",
                               "wal_checkpoint",   "foreign_key_check"};

struct unwanted {
  const char* pragma;
  const char* but;  // the value that is allowed
  const char* why;
};
// Settings that reopening the file does not undo, or that would stop the journal's writer.
constexpr std::array unwanted_pragmas{
    unwanted{"journal_mode", "wal", "a journal needs write-ahead logging"},
    unwanted{"locking_mode", "normal", "it would lock out the journal's writer"},
    unwanted{"writable_schema", "0", "it can damage the journal's tables"},
    unwanted{"schema_version", "", "it can damage the journal's tables"},
    unwanted{"soft_heap_limit", "", "it applies to the whole program"},
    unwanted{"hard_heap_limit", "", "it applies to the whole program"},
    unwanted{"temp_store_directory", "", "it applies to the whole program"},
    unwanted{"data_store_directory", "", "it applies to the whole program"}};

constexpr std::array<std::string_view, 23> journal_parts{"event_journal",
                                                         "snapshot_store",
                                                         "durable_state",
                                                         "event_tags",
                                                         "erased",
                                                         "meta",
                                                         "event_erased",
                                                         "event_tags_by_position",
                                                         "erased_by_position",
                                                         "readers",
                                                         "pruning",
                                                         "pruning_by_position",
                                                         "projections",
                                                         "projection_offsets",
                                                         "projection_failures",
                                                         "read_models",
                                                         "read_model_fields",
                                                         "read_model_fields_by_id",
                                                         "alarms",
                                                         "alarms_by_due",
                                                         "state_made",
                                                         "state_changed",
                                                         "durable_state_by_position"};

reach reach_of(int action, const char* first, const char* in) {
  const char* file = action == SQLITE_ALTER_TABLE ? first : in;
  if (file != nullptr && !same(file, "main")) return reach::beyond;
  switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
      return reach::beyond;
    case SQLITE_DELETE:
    case SQLITE_FUNCTION:
    case SQLITE_INSERT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_SAVEPOINT:
    case SQLITE_SELECT:
    case SQLITE_TRANSACTION:
    case SQLITE_UPDATE:
      return reach::rows;
    default:
      return reach::schema;
  }
}

}  // namespace

void sql_guard::watch(sqlite3* db) {
  sqlite3_set_authorizer(
      db,
      [](void* self, int action, const char* first, const char* second, const char* in,
         const char*) { return static_cast<sql_guard*>(self)->judge(action, first, second, in); },
      this);
}

int sql_guard::judge(int action, const char* first, const char* second, const char* in) {
  const bool writes = action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE;
  if (writes_ != nullptr && writes && in != nullptr && same(in, "main")) {
    writes_->push_back({action, first, action == SQLITE_UPDATE ? second : ""});
  }
  if (trusted_) return SQLITE_OK;
  reach_ = std::max(reach_, reach_of(action, first, in));
  if (action == SQLITE_PRAGMA) return judge_pragma(first, second, in);
  // CREATE TEMP has its own action codes, a name in temp has not.
  if (in != nullptr && same(in, "temp")) touched_ = true;
  switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
      touched_ = true;
      return SQLITE_OK;
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TRIGGER:
      return in != nullptr && same(in, "main") ? judge_change("dropped", first) : SQLITE_OK;
    case SQLITE_ALTER_TABLE:
      return same(first, "main") ? judge_change("altered", second) : SQLITE_OK;
    default:
      return SQLITE_OK;
  }
}

int sql_guard::judge_pragma(const char* name, const char* value, const char* in) {
  if (value == nullptr || among(look_only, name)) return SQLITE_OK;
  const bool of_main = in == nullptr || same(in, "main");
  for (const auto& [pragma, but, why] : unwanted_pragmas) {
    if (of_main && same(pragma, name) && !same(but, value)) {
      return refuse(fmt::format("PRAGMA {} cannot be set here: {}", pragma, why));
    }
  }
  if (same(name, "busy_timeout")) busy_timeout_ = std::chrono::milliseconds{std::atoi(value)};
  touched_ = true;
  return SQLITE_OK;
}

int sql_guard::judge_change(const char* doing, const char* what) {
  const std::string& prefix = choices_.prefix;
  const auto is_ours = [&](std::string_view part) {
    return same((prefix + std::string{part}).c_str(), what);
  };
  if (std::ranges::none_of(journal_parts, is_ours)) return SQLITE_OK;
  return refuse(
      fmt::format("{} is the journal's and cannot be {} while it is open; nexus-schema "
                  "drops and migrates journals",
                  what, doing));
}

int sql_guard::refuse(std::string why) {
  refusal_ = std::move(why);
  return SQLITE_DENY;
}

}}}  // namespace nexus::v0::sqlite
