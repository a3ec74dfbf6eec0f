// SQLite as the contract suite's journal, with every option of its fixture.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/contract/fixture.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "persistence/sqlite_faulty_disk.hpp"

namespace nexus::test {

inline std::string folder_of(const std::string& sqlite_uri) {
  return std::filesystem::path{nexus::uri::parse(sqlite_uri).value().path}.parent_path();
}

/// A new folder for each: `remove_database` removes it with its content.
inline std::string fresh_database() {
  auto folder = (std::filesystem::temp_directory_path() / "nexus-contract-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
  return "sqlite:" + folder + "/journal.db?indexes=states";  // synchronous=FULL is the default
}

inline void remove_database(const std::string& uri) { std::filesystem::remove_all(folder_of(uri)); }

/// Runs SQL on its own connection.
inline void run_sql(const std::string& uri, const std::string& sql) {
  sqlite3* db = nullptr;
  sqlite3_open(nexus::uri::parse(uri).value().path.c_str(), &db);
  char* why = nullptr;
  const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
  const std::string told = why == nullptr ? "" : why;
  sqlite3_free(why);
  sqlite3_close(db);
  if (code != SQLITE_OK) throw std::runtime_error{sql + ": " + told};
}

/// The files as a crash would leave them now: when reopened, the log is read from its start.
inline std::string crashed_database(const std::string& uri) {
  const auto path = nexus::uri::parse(uri).value().path;
  const auto copy = folder_of(uri) + "/crashed.db";
  for (std::string end : {"", "-wal", "-shm"}) std::filesystem::remove(copy + end);
  for (std::string end : {"", "-wal"}) {
    if (std::filesystem::exists(path + end)) std::filesystem::copy_file(path + end, copy + end);
  }
  return "sqlite:" + copy;
}

inline std::vector<std::string> foreign_databases() {
  const auto text = fresh_database();
  std::ofstream{nexus::uri::parse(text).value().path}
      << "Dear diary, this is no database at all.\n";
  const auto other = fresh_database();
  run_sql(other, "CREATE TABLE rooms (number INTEGER)");
  const auto alike = fresh_database();
  run_sql(alike, "CREATE TABLE nexus_meta (name TEXT, value INTEGER)");
  return {text, other, alike};
}

inline testkit::journal_under_test sqlite_under_test() {
  faulty_disk::install();
  return {.name = "sqlite",
          .backend = nexus::sqlite_backend(),
          .fresh = fresh_database,
          .remove = remove_database,
          .fail_commits = [](const std::string&,
                             bool fail) { faulty_disk::syncs_to_fail = fail ? 1 << 30 : 0; },
          .crashed = crashed_database,
          .damage =
              [](const std::string& uri, const persistence_id& id, sequence_nr number) {
                run_sql(uri,
                        "UPDATE nexus_event_journal SET schema_version = 'seven' WHERE "
                        "persistence_id = '" +
                            id.str() + "' AND sequence_nr = " + std::to_string(number));
              },
          .foreign = foreign_databases,
          .make_newer =
              [](const std::string& uri) {
                run_sql(uri, "UPDATE nexus_meta SET value = 99 WHERE name = 'schema_version'");
              }};
}

}  // namespace nexus::test
