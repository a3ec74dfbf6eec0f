// bank history: an account's events, in the order in which it took them.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nexus/nexus.hpp>
#include <optional>

#include "account.hpp"
#include "commands.hpp"
#include "journal.hpp"
#include "text.hpp"

namespace bank {
namespace {

// A row but for the balance after it.
struct row {
  std::string date;
  std::string narration;
  std::int64_t hundredths = 0;
  std::string currency;
};

std::string day_of(nexus::timestamp t) {
  return fmt::format("{:%F}", fmt::gmtime(std::chrono::system_clock::to_time_t(t)));
}

std::optional<row> row_of(const account::posted& e, nexus::timestamp /*stored*/) {
  return row{e.date, e.narration, e.hundredths, e.currency};
}

std::optional<row> row_of(const account::moved& e, nexus::timestamp stored) {
  const auto what = e.which == leg::withdraw  ? "transfer to "
                    : e.which == leg::deposit ? "transfer from "
                                              : "came back from ";
  return row{day_of(stored), what + e.other, e.hundredths, e.currency};
}

// Of a transfer's keeping, and no posting.
std::optional<row> row_of(const account::refused&, nexus::timestamp) { return {}; }
std::optional<row> row_of(const account::forgot&, nexus::timestamp) { return {}; }

}  // namespace

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
  account::state state;
  std::string fault;
  const auto read = for_each_record(**session, *id, [&](const nexus::record_view& record) {
    const auto event = nexus::decode_event<account>(record.event);
    if (!event) {
      fault = fmt::format("{} event {}: {}", id->str(), record.number, event.error().message);
      return false;
    }
    std::visit(
        [&](const auto& e) {
          account::apply(state, e);
          const auto p = row_of(e, record.event.time);
          if (!p) return;
          shown.add({printable(p->date), printable(p->narration, 60),
                     format_hundredths(p->hundredths),
                     format_hundredths(state.hundredths[p->currency]), printable(p->currency)});
        },
        *event);
    return true;
  });
  fmt::print("{}", shown.str());
  if (!fault.empty()) return complain(fault, exit_faults);
  if (!read)
    return complain(fmt::format("{}: {}", nexus::uri::shown(journal), read.error().message),
                    exit_failed);
  return exit_done;
}

}  // namespace bank
