// nexus-schema: a journal's tables from the command line.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <string_view>

#include "nexus/nexus.hpp"

namespace {

constexpr int fine = 0;
constexpr int differs = 1;  // or refused: the database was read, and is not as expected
constexpr int failed = 2;   // invalid usage, or the database cannot be reached

constexpr std::string_view about =
    "Creates, checks, migrates and drops the tables of a Nexus journal.\n"
    "\n"
    "  nexus-schema create --journal 'sqlite:bank.db'\n"
    "  nexus-schema check --journal 'sqlite:bank.db?indexes=type'\n"
    "  nexus-schema migrate --journal 'postgresql://bank@db.example/bank?schema=ledger'\n"
    "  nexus-schema ddl --journal 'sqlite:bank.db?table_prefix=bank_' | sqlite3 bank.db\n"
    "\n"
    "The URI is the one that the program opens the journal with. Its parameters for tables:\n"
    "  table_prefix=nexus_    the prefix of the names of tables\n"
    "  indexes=none           or type, time, or type,time: events by event_type, by timestamp\n"
    "  tables=create          what opening the journal does: create, migrate, "
    "existing;\n"
    "                         nexus-schema ignores it\n";

constexpr std::string_view exit_codes =
    "Exit code: 0 on success, 1 if the tables differ or the command is refused (a foreign,\n"
    "newer or older database), 2 for invalid usage and a database that cannot be reached.\n"
    "Stop programs of an older Nexus before migrate, and every program before drop.";

int complain(const nexus::error& why) {
  std::fprintf(stderr, "nexus-schema: %s\n", why.message.c_str());
  switch (why.code) {
    case nexus::errc::foreign_schema:
    case nexus::errc::newer_schema:
    case nexus::errc::older_schema:
      return differs;
    default:
      return failed;
  }
}

int say(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  return fine;
}

int print_ddl(nexus::schema& tables) {
  std::fputs(tables.ddl().c_str(), stdout);
  return fine;
}

int check(nexus::schema& tables) {
  auto status = tables.check();
  if (!status) return complain(status.error());
  for (const auto& line : status->differences) say(line);
  if (!status->differences.empty()) return differs;
  return say("fine: schema version " + std::to_string(status->found));
}

int create(nexus::schema& tables) {
  if (auto done = tables.create(); !done) return complain(done.error());
  return say("the tables exist");
}

int migrate(nexus::schema& tables) {
  auto before = tables.migrate();
  if (!before) return complain(before.error());
  auto now = tables.check();
  if (!now) return complain(now.error());
  const auto version = std::to_string(now->known);
  if (*before == 0) return say("created: schema version " + version);
  if (*before == now->known) return say("nothing to do: schema version " + version);
  return say("migrated: schema version " + std::to_string(*before) + " to " + version);
}

int drop(nexus::schema& tables, bool sure) {
  if (!sure) {
    std::fputs("nexus-schema: drop erases every event, snapshot and state; add --yes to do it\n",
               stderr);
    return failed;
  }
  if (auto done = tables.drop(); !done) return complain(done.error());
  return say("the tables are dropped");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{std::string{about}, "nexus-schema"};
  app.footer(std::string{exit_codes});
  app.require_subcommand(1);
  app.fallthrough();
  std::string address;
  bool sure = false;
  auto add = [&](const char* name, const char* what) {
    auto* command = app.add_subcommand(name, what);
    command->add_option("--journal", address, "the journal's URI")->required();
    return command;
  };
  const auto* ddl_ = add("ddl", "Print the SQL that create runs, to apply it by hand");
  const auto* check_ = add("check", "Print each difference from the expected tables on a line");
  const auto* create_ = add("create", "Create the tables, and the chosen indexes that are missing");
  const auto* migrate_ =
      add("migrate", "Migrate the tables to this Nexus's version, or create them");
  auto* drop_ = add("drop", "Drop the tables of the journal with all their data");
  drop_->add_flag("--yes", sure, "confirm that everything is erased");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& why) {
    return app.exit(why) == 0 ? fine : failed;
  }
  auto tables = nexus::open_schema(address);
  if (!tables) return complain(tables.error());
  if (*ddl_) return print_ddl(**tables);
  if (*check_) return check(**tables);
  if (*create_) return create(**tables);
  if (*migrate_) return migrate(**tables);
  return drop(**tables, sure);
}
