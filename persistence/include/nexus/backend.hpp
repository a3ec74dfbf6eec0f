// What a kind of database offers to `open`: the scheme it answers to and a way in.
//
//   auto store = nexus::open("sqlite:bank.db", {nexus::sqlite_backend(), my_backend()});
//
// A third party's backend is one function that returns one of these.
//
// What `open` refuses, before it has changed anything, each with one line that names the thing:
//   invalid_argument   a parameter that it does not know (uri::only), a path that makes no sense
//   foreign_schema     a database or file that holds something else
//   newer_schema       what a newer version made; it stays as it is
//   older_schema       what an older version made and has to be migrated first
//   corrupt            a file that is its own and damaged so that nothing in it can be trusted
//   unavailable        what cannot be reached, read or written now
//   already_exists     what is open elsewhere, if it can be open only once; see below
// An empty or missing place becomes a new journal.
//
// One URI may be opened as often as one likes, in one process and in several: all those are one journal.
// A backend that cannot do this refuses the second one with `already_exists`, also of another process;
// it never makes two journals of one place. `memory:` names no place: each is another journal.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "nexus/journal.hpp"
#include "nexus/schema.hpp"
#include "nexus/uri.hpp"

namespace nexus::inline v0 {

struct backend {
  std::string_view scheme;                                           ///< e.g. "sqlite"
  std::function<result<std::shared_ptr<journal>>(const uri&)> open;  ///< blocks; from any thread
  /// The tables that `open` would find or make; empty: it has none. Connects to nothing yet.
  std::function<result<std::unique_ptr<nexus::schema>>(const uri&)> schema{};
};

/// The one among `backends` whose scheme `address` has; `invalid_argument`, naming those there are.
[[nodiscard]] result<const backend*> backend_for(const uri& address,
                                                 std::span<const backend> backends);

}  // namespace nexus::inline v0
