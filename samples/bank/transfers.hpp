// Runs transfers, and finishes those that a crash interrupted.
//
// Threads: one, which blocks. Failures: those of the storage; a transfer that is held up is
// reported, and does not delay the others.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <nexus/nexus.hpp>
#include <string>
#include <string_view>

#include "transfer.hpp"
#include "transfer_arguments.hpp"

namespace bank {

/// An entity that has lost its storage pauses for up to 10 s.
inline constexpr std::chrono::seconds answer_deadline{60};

/// The names of the arguments in error messages.
struct transfer_argument_names {
  std::string_view from, to, amount, currency;
};

[[nodiscard]] nexus::result<transfer::started> read_transfer(const transfer_arguments& a,
                                                             const transfer_argument_names& names);

/// What the stored events of a transfer say; `fresh` if there is no such transfer.
[[nodiscard]] nexus::result<transfer::state> stored_transfer(nexus::journal_session& session,
                                                             std::string_view id);

/// Passes the id of every open transfer that is older than `before` (empty: of every one), oldest
/// first.
[[nodiscard]] nexus::result<void> for_each_open_transfer(
    nexus::journal_session& session, std::string_view before,
    const std::function<nexus::result<void>(std::string_view id)>& sink);

/// Finishes those transfers, many at a time; returns their number. Calls `held_up` for those that
/// cannot be finished. Without `before` it may never end while another process makes new ones.
[[nodiscard]] nexus::result<std::size_t> finish_transfers(
    nexus::journal_session& session, std::string_view before,
    const nexus::entities<transfer>& transfers,
    const std::function<void(std::string_view id, const nexus::error& why)>& held_up);

/// Makes a new transfer, and waits until it is over. After an error money may have moved: if the
/// transfer was stored, `finish_transfers` finishes it.
[[nodiscard]] nexus::result<ending> run_transfer(const nexus::entities<transfer>& transfers,
                                                 std::string_view id,
                                                 const transfer::started& what);

}  // namespace bank
