#include "bank_fixture.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>
#include <sstream>
#include <utility>

namespace samples {

command_line Bank::bank_line(command_line arguments) const {
  arguments.insert(arguments.begin(), BANK_PROGRAM);
  arguments.insert(arguments.end(), {"--journal", "sqlite:" + journal()});
  return arguments;
}

finished Bank::bank(command_line arguments, privileges p) const {
  return run(bank_line(std::move(arguments)), directory.path(), p);
}

std::string Bank::file(std::string_view name, std::string_view text) const {
  std::ofstream{directory.path(name), std::ios::binary} << text;
  return directory.path(name);
}

void Bank::remove_journal() const {
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(journal() + end);
}

int Bank::damage(const std::string& sql) const {
  SQLite::Database database{journal(), SQLite::OPEN_READWRITE};
  return database.exec(sql);
}

void Bank::make_foreign_database() const {
  SQLite::Database database{journal(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  database.exec("CREATE TABLE recipes (name TEXT, minutes INTEGER)");
}

std::uint64_t Bank::events_stored() const {
  if (!journal_exists()) return 0;
  constexpr int busy_milliseconds = 10'000;
  SQLite::Database database{journal(), SQLite::OPEN_READWRITE, busy_milliseconds};
  if (!database.tableExists("nexus_event_journal")) return 0;
  const auto count = database.execAndGet("SELECT count(*) FROM nexus_event_journal").getInt64();
  return static_cast<std::uint64_t>(count);
}

std::string postings_csv() { return BANK_DATA "/postings.csv"; }

std::string expected_balances() { return contents(BANK_DATA "/balances.csv"); }

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return text.str();
}

}  // namespace samples
