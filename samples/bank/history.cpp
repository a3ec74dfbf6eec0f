// bank history: an account's events, in their order.
#include <fmt/format.h>

#include <nexus/nexus.hpp>

#include "account.hpp"
#include "commands.hpp"
#include "journal.hpp"
#include "money.hpp"
#include "statement.hpp"
#include "text.hpp"

namespace bank {

int show_history(const std::string& account_name, const std::string& journal) {
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);
  auto session = store->open_session();
  if (!session) return complain(session.error().message, exit_failed);
  const auto id = nexus::persistence_id::make(account::entity_type, account_name);
  if (!id) return complain(id.error().message, exit_failed);
  if (auto known = expect_account(**session, *id, journal); !known) {
    return complain(known.error().message, exit_failed);
  }

  using enum table::align;
  table shown{{left, left, right, right, left}};
  shown.add({"date", "narration", "amount", "balance", "currency"});
  const auto read = for_each_entry(**session, *id, [&](const entry& e) {
    shown.add({printable(e.date), printable(e.narration, 60), format_hundredths(e.hundredths),
               format_hundredths(e.balance), printable(e.currency)});
    return true;
  });
  fmt::print("{}", shown.str());
  if (read) return exit_done;
  if (read.error().code == nexus::errc::corrupt) return complain(read.error().message, exit_faults);
  return complain(fmt::format("{}: {}", nexus::uri::shown(journal), read.error().message),
                  exit_failed);
}

}  // namespace bank
