// Running transfers, and finishing those that a crash interrupted.
//
// Threads: one, which blocks. Failures: those of the storage; a transfer that is held up is told of,
// and does not keep the others.
#pragma once

#include <cstddef>
#include <functional>
#include <nexus/nexus.hpp>
#include <string>
#include <string_view>

#include "transfer.hpp"
#include "transfer_arguments.hpp"

namespace bank {

/// How the arguments are called where they were written, for what is wrong with them.
struct transfer_argument_names {
  std::string_view from, to, amount, currency;
};

[[nodiscard]] nexus::result<transfer::started> read_transfer(const transfer_arguments& a,
                                                             const transfer_argument_names& names);

/// Passes the id of every transfer that is not over and older than the one named `before` (empty:
/// of all), the oldest first.
[[nodiscard]] nexus::result<void> for_each_open_transfer(
    nexus::journal_session& session, std::string_view before,
    const std::function<nexus::result<void>(std::string_view id)>& sink);

/// Brings those transfers to their end, many at a time; answers how many. `held_up` is told of
/// those that cannot be. Without `before` it may have no end while another process makes new ones.
[[nodiscard]] nexus::result<std::size_t> finish_transfers(
    nexus::journal_session& session, std::string_view before,
    const nexus::entities<transfer>& transfers,
    const std::function<void(std::string_view id, const nexus::error& why)>& held_up);

/// Makes a new transfer, and waits until it is over. An error does not say that no money moved: if
/// the transfer was stored, it will be finished by `finish_transfers`.
[[nodiscard]] nexus::result<ending> run_transfer(const nexus::entities<transfer>& transfers,
                                                 std::string_view id,
                                                 const transfer::started& what);

}  // namespace bank
