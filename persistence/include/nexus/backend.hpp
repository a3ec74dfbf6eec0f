// A backend: the URI scheme of a kind of database, and the function that opens one.
//
//   auto store = nexus::open("sqlite:bank.db", {nexus::sqlite_backend(), my_backend()});
//
// A third-party backend is one function that returns a `backend`.
//
// `open` refuses these before it changes anything. Each error is one line that names the thing:
//   invalid_argument   an unknown parameter (uri::only), an invalid path
//   foreign_schema     a database or file that holds something else
//   newer_schema       a journal made by a newer version; it is left unchanged
//   older_schema       a journal made by an older version, which has to be migrated first
//   corrupt            a journal file so damaged that nothing in it can be trusted
//   unavailable        a database that cannot be reached, read or written now
//   already_exists     a database that is open elsewhere, if it can be opened only once; see below
// An empty or missing place becomes a new journal.
//
// One URI may be opened any number of times, in one process and in several; all of them are one
// journal. A backend that cannot do this refuses the second one with `already_exists`, also across
// processes; it never makes two journals of one place. `memory:` names no place: each one is a new
// journal.
//
// Threads: any may call `open` and `schema`; `open` blocks.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "nexus/journal.hpp"
#include "nexus/schema.hpp"
#include "nexus/uri.hpp"

namespace nexus { inline namespace v0 {

struct backend {
  std::string_view scheme;                                           ///< e.g. "sqlite"
  std::function<result<std::shared_ptr<journal>>(const uri&)> open;  ///< blocks; from any thread
  /// The tables that `open` would find or make; empty: the backend has none. Does not connect yet.
  std::function<result<std::unique_ptr<nexus::schema>>(const uri&)> schema{};
};

/// The backend among `backends` for the scheme of `address`; else `invalid_argument`, which lists
/// the schemes.
[[nodiscard]] result<const backend*> backend_for(const uri& address,
                                                 std::span<const backend> backends);

}}  // namespace nexus::v0
