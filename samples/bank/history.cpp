// bank history: an account's events, in the order in which it took them.
#include <fmt/format.h>

#include <algorithm>
#include <nexus/nexus.hpp>
#include <vector>

#include "account.hpp"
#include "commands.hpp"
#include "journal.hpp"
#include "text.hpp"

namespace bank {
namespace {

// Up to three names that contain `part`, whatever the case: for a mistyped account.
std::string similar(nexus::journal_session& session, const std::string& part) {
  auto same = [](char a, char b) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return lower(a) == lower(b);
  };
  std::string names;
  int found = 0;
  // A list that cannot be read only costs the hint.
  (void)for_each_id(session, account::entity_type, [&](const auto& id) -> nexus::result<void> {
    const auto name = id.id();
    const bool hit =
        std::search(name.begin(), name.end(), part.begin(), part.end(), same) != name.end();
    if (hit && ++found <= 3) names += fmt::format("{} {}", found == 1 ? "" : ",", name);
    return {};
  });
  return found == 0 ? "" : fmt::format("; there is{}{}", names, found > 3 ? ", …" : "");
}

}  // namespace

int show_history(const std::string& account_name, const std::string& journal) {
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);
  auto session = store->open_session();
  if (!session) return complain(session.error().message, exit_failed);
  const auto id = nexus::persistence_id::make(account::entity_type, account_name);
  if (!id) return complain(id.error().message, exit_failed);
  const auto highest = (*session)->highest(*id);
  if (!highest) return complain(highest.error().message, exit_failed);
  if (*highest == 0) {
    return complain(fmt::format("{}: no account \"{}\"{}", journal, account_name,
                                similar(**session, account_name)),
                    exit_failed);
  }

  using enum table::align;
  table shown{{left, left, right, right, left}};
  shown.add({"date", "narration", "amount", "balance", "currency"});
  account::state state;
  std::string fault;
  const auto read = for_each_record(**session, *id, [&](const nexus::record_view& record) {
    const auto event = nexus::decode_event<account>(record.event);
    if (!event) {
      fault = fmt::format("{} event {}: {}", id->str(), record.number, event.error().message);
      return false;
    }
    const auto& p = std::get<account::posted>(*event);
    account::apply(state, p);
    shown.add({printable(p.date), printable(p.narration, 60), format_hundredths(p.hundredths),
               format_hundredths(state.hundredths[p.currency]), printable(p.currency)});
    return true;
  });
  fmt::print("{}", shown.str());
  if (!fault.empty()) return complain(fault, exit_faults);
  if (!read) return complain(fmt::format("{}: {}", journal, read.error().message), exit_failed);
  return exit_done;
}

}  // namespace bank
