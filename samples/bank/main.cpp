// bank: a household's ledger on Nexus, every account an event-sourced entity.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "commands.hpp"
#include "importer.hpp"
#include "journal.hpp"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"A bank whose accounts keep their whole history."};
  app.name("bank");
  app.require_subcommand(1);
  std::string journal = "sqlite:bank.db";
  std::string file;
  std::string account;
  bool csv = false;
  auto command = [&](const char* name, const char* about) {
    auto* made = app.add_subcommand(name, about);
    made->add_option("--journal", journal, "The URI of the events")
        ->type_name("URI")
        ->capture_default_str();
    return made;
  };
  auto* import = command("import", "Post a ledger; postings already stored are skipped");
  import->add_option("FILE", file, "CSV with transaction_id,date,narration,account,amount,currency")
      ->required();
  auto patience = bank::default_patience.count();
  import->add_option("--patience", patience, "Seconds to wait for a failing storage")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  auto* balances = command("balances", "Show the balances of every account");
  balances->add_flag("--csv", csv, "As CSV (RFC 4180), for another program");
  auto* rebuild = command("rebuild", "Throw the balance sheet away and make it from the events");
  rebuild->footer(
      "`bank balances` reads the balance sheet, and keeps it up to date by itself. Rebuild it "
      "after\n"
      "events were repaired, or when `bank verify` says that it is wrong.");
  auto* history = command("history", "Show every posting of an account");
  history->add_option("ACCOUNT", account, "Its name")->required();
  bank::transfer_arguments arguments;
  auto* transfer = command("transfer", "Move money between two accounts");
  transfer->footer(
      "The transfer is done as a whole or not at all, also if the program is killed:\n"
      "interrupted transfers are finished first.");
  transfer->add_option("FROM", arguments.from, "The account that pays")->required();
  transfer->add_option("TO", arguments.to, "The account that gets it")->required();
  transfer->add_option("AMOUNT", arguments.amount, "The amount, e.g. 12.50")->required();
  transfer->add_option("CURRENCY", arguments.currency, "The currency, e.g. USD")->required();
  auto* verify =
      command("verify", "Check that all events are whole, and that no transfer lost money");
#ifdef BANK_SERVES
  bank::serve_arguments where;
  auto* serve = command("serve", "Serve accounts, history and transfers over HTTP");
  serve->footer("SIGTERM and ctrl-C stop it after the requests in flight.");
  serve->add_option("--port", where.port, "The port; 0: any free one")->capture_default_str();
  serve
      ->add_option("--address", where.address,
                   "The address; everyone who reaches it may move money")
      ->capture_default_str();
  serve->add_option("--threads", where.threads, "Requests served at a time")->capture_default_str();
#endif

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    const bool unknown = app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-';
    const auto what = unknown ? "there is no command \"" + std::string{argv[1]} + '"' : e.what();
    return bank::complain(what + " (see bank --help)", bank::exit_failed);
  }
  if (import->parsed()) return bank::import_ledger(file, journal, std::chrono::seconds{patience});
  if (balances->parsed()) return bank::show_balances(csv, journal);
  if (rebuild->parsed()) return bank::rebuild_balances(journal);
  if (history->parsed()) return bank::show_history(account, journal);
  if (transfer->parsed()) return bank::transfer_money(arguments, journal);
  if (verify->parsed()) return bank::verify(journal);
#ifdef BANK_SERVES
  if (serve->parsed()) return bank::serve(where, journal);
#endif
  return bank::exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0)
      return bank::complain("cannot write the output", bank::exit_failed);
    return code;
  } catch (const std::exception& e) {
    return bank::complain(e.what(), bank::exit_failed);
  }
}
