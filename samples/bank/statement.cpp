#include "statement.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <optional>

#include "account.hpp"
#include "journal.hpp"

namespace bank {
namespace {

std::string day_of(nexus::timestamp t) {
  return fmt::format("{:%F}", fmt::gmtime(std::chrono::system_clock::to_time_t(t)));
}

// Without number and balance.
std::optional<entry> entry_of(const account::posted& e, nexus::timestamp /*stored*/) {
  return entry{0, e.date, e.narration, e.hundredths, 0, e.currency};
}

std::optional<entry> entry_of(const account::moved& e, nexus::timestamp stored) {
  const auto what = e.which == leg::withdraw  ? "transfer to "
                    : e.which == leg::deposit ? "transfer from "
                                              : "came back from ";
  return entry{0, day_of(stored), what + e.other, e.hundredths, 0, e.currency};
}

// An event that is not a posting.
std::optional<entry> entry_of(const account::refused&, nexus::timestamp) { return {}; }
std::optional<entry> entry_of(const account::forgot&, nexus::timestamp) { return {}; }

}  // namespace

nexus::result<void> for_each_entry(nexus::journal_session& session, const nexus::persistence_id& id,
                                   const std::function<bool(const entry&)>& sink) {
  account::state state;
  std::optional<nexus::error> fault;
  auto read = for_each_record(session, id, [&](const nexus::record_view& record) {
    const auto event = nexus::decode_event<account>(record.event);
    if (!event) {
      fault = {nexus::errc::corrupt,
               fmt::format("{} event {}: {}", id.str(), record.number, event.error().message)};
      return false;
    }
    auto next = std::visit(
        [&](const auto& e) {
          account::apply(state, e);
          return entry_of(e, record.event.time);
        },
        *event);
    if (!next) return true;
    next->number = record.number;
    next->balance = state.hundredths[next->currency];
    return sink(*next);
  });
  if (fault) return nexus::fail(*std::move(fault));
  return read;
}

}  // namespace bank
