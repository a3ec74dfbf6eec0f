// An account's statement: its events as postings with the balance after each.
//
// Threads: one, which blocks. Failures: those of the storage; `corrupt` names an event that does
// not decode.
#pragma once

#include <cstdint>
#include <functional>
#include <nexus/nexus.hpp>
#include <string>

namespace bank {

struct entry {
  nexus::sequence_nr number = 0;  ///< of the event
  std::string date;               ///< for a transfer, the day of storing
  std::string narration;
  std::int64_t hundredths = 0;
  std::int64_t balance = 0;  ///< hundredths, after the posting
  std::string currency;
};

/// Passes every posting in the account's order, until `sink` returns false.
[[nodiscard]] nexus::result<void> for_each_entry(nexus::journal_session& session,
                                                 const nexus::persistence_id& id,
                                                 const std::function<bool(const entry&)>& sink);

}  // namespace bank
