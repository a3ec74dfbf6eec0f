// bank transfer: finishes transfers that a crash interrupted, then moves money between two
// accounts.
#include "transfer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nexus/nexus.hpp>

#include "commands.hpp"
#include "journal.hpp"
#include "money.hpp"
#include "text.hpp"
#include "transfers.hpp"

namespace bank {
namespace {

// Both accounts must have events in this journal.
nexus::result<void> check_accounts(nexus::journal_session& session, const transfer_arguments& a,
                                   const std::string& journal) {
  for (const auto& [argument, name] : {std::pair{"FROM", &a.from}, std::pair{"TO", &a.to}}) {
    const auto id = nexus::persistence_id::make(account::entity_type, *name);
    if (!id)
      return nexus::fail(id.error().code, fmt::format("{}: {}", argument, id.error().message));
    if (auto known = expect_account(session, *id, journal); !known) return known;
  }
  return {};
}

// "90.00", or "?" if the account does not answer.
std::string balance_of(const nexus::entities<account>& accounts, const std::string& name,
                       const std::string& currency) {
  const auto balances = accounts.of(name).ask(account::get_balances{}).get(answer_deadline);
  if (!balances) return "?";
  const auto found = balances->find(currency);
  return format_hundredths(found == balances->end() ? 0 : found->second);
}

}  // namespace

int transfer_money(const transfer_arguments& arguments, const std::string& journal) {
  const auto wanted = read_transfer(arguments, {"FROM", "TO", "AMOUNT", "CURRENCY"});
  if (!wanted) return complain(wanted.error().message, exit_failed);
  nexus::system sys;
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);
  auto session = store->open_session();
  if (!session) return complain(session.error().message, exit_failed);
  if (auto known = check_accounts(**session, arguments, journal); !known) {
    return complain(known.error().message, exit_failed);
  }

  nexus::entities<account> accounts{sys, *store, {.snapshot_every = 1000}};
  nexus::entities<transfer> transfers{sys, *store};
  int code = exit_done;
  const auto now = sys.next_id().to_string();
  const auto finished = finish_transfers(**session, now, transfers, [&](auto id, const auto& why) {
    code = complain(fmt::format("transfer {} is not over: {}", id, why.message), exit_faults);
  });
  if (!finished) {
    return complain(fmt::format("{}: {}", nexus::uri::shown(journal), finished.error().message),
                    exit_failed);
  }
  if (*finished > 0) {
    fmt::print("finished {} interrupted transfer{}\n", grouped(*finished),
               *finished == 1 ? "" : "s");
  }

  const auto id = sys.next_id().to_string();
  const auto ended = run_transfer(transfers, id, *wanted);
  if (!ended) {
    return complain(fmt::format("transfer {} is not over, the next `bank transfer` sees to it: {}",
                                id, ended.error().message),
                    exit_faults);
  }
  if (!ended->refusal.empty()) return complain(ended->refusal, exit_faults);
  const auto& [from, to, hundredths, currency] = *wanted;
  fmt::print("moved {} {}: {} has {}, {} has {}\n", format_hundredths(hundredths),
             printable(currency), printable(from), balance_of(accounts, from, currency),
             printable(to), balance_of(accounts, to, currency));
  return code;
}

}  // namespace bank
