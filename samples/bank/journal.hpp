// Access to the journal, shared by the commands.
#pragma once

#include <functional>
#include <nexus/nexus.hpp>
#include <string>
#include <string_view>

namespace bank {

/// Opens a journal for writing; a missing one is made.
[[nodiscard]] nexus::result<nexus::store> open_for_import(const std::string& uri);

/// Opens an existing journal: a mistyped name is an error, not an empty bank.
[[nodiscard]] nexus::result<nexus::store> open_for_reading(const std::string& uri);

/// Passes every id of `type` in ascending order (empty: of all types) until `sink` fails.
[[nodiscard]] nexus::result<void> for_each_id(
    nexus::journal_session& session, std::string_view type,
    const std::function<nexus::result<void>(const nexus::persistence_id&)>& sink);

/// Passes all records of `id` in ascending order until `sink` returns false.
[[nodiscard]] nexus::result<void> for_each_record(nexus::journal_session& session,
                                                  const nexus::persistence_id& id,
                                                  const nexus::record_sink& sink);

/// Fails, naming similar accounts, if the account has no events: it is mistyped then.
[[nodiscard]] nexus::result<void> expect_account(nexus::journal_session& session,
                                                 const nexus::persistence_id& id,
                                                 const std::string& journal);

/// Prints one line "bank: …" to stderr; returns `code`.
int complain(std::string_view message, int code);

}  // namespace bank
