// The balance sheet: what every account holds, as rows that a projection keeps up to date, so that a
// list of accounts brings no account to life.
//
// Several processes may keep it at once: on SQL each event is added exactly once.
//
// Threads: any; `wait`, `all` and `page` block. Failures: those of the storage.
#pragma once

#include <chrono>
#include <functional>
#include <nexus/deferred_read_models.hpp>
#include <nexus/nexus.hpp>
#include <nexus/projection.hpp>
#include <nexus/read_models.hpp>
#include <span>
#include <string>
#include <vector>

#include "account.hpp"
#include "progress.hpp"

namespace bank {

/// A row of the sheet.
struct balance {
  static constexpr std::string_view type_name = "balance";

  std::string id;  ///< the account's name
  account::balances hundredths{};
  std::uint64_t events = 0;  ///< of the account that are in it
  std::string fault{};       ///< why nothing is added any more; empty: the row is right
  MSGPACK_DEFINE_MAP(id, hundredths, events, fault)

  /// An event that is in it already changes nothing. After one that is missing, or was not readable,
  /// the row has a fault.
  void add(nexus::sequence_nr number, const account::event& event);
};

[[nodiscard]] nexus::repository<balance> balances_in(nexus::session& session);

class balance_sheet {
 public:
  balance_sheet(nexus::system& sys, nexus::store journal);

  /// Waits until the sheet has every event that was stored before the call. Storage failures are
  /// waited out for `patience`.
  [[nodiscard]] nexus::result<void> wait(progress& bar, std::chrono::seconds patience) const;

  /// Every account by name, with every event that was stored before the call. The balances of a row
  /// with a fault are wrong. `unavailable` if it takes longer to get there.
  [[nodiscard]] nexus::result<std::vector<balance>> all(std::chrono::seconds within) const;

  /// The same of at most `max` accounts.
  [[nodiscard]] nexus::result<std::vector<balance>> page(const nexus::id_filter& which,
                                                         std::size_t max,
                                                         std::chrono::seconds within) const;

  /// Throws the rows away, and begins again from the first event.
  [[nodiscard]] nexus::result<void> rebuild() const { return report_.rebuild(); }

 private:
  using reader = std::function<nexus::result<std::vector<balance>>(nexus::session&)>;
  nexus::result<std::vector<balance>> read(std::chrono::seconds within, const reader& rows) const;

  nexus::store journal_;
  nexus::projection<account> report_;
};

}  // namespace bank
