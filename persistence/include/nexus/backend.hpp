// What a kind of database offers to `open`: the scheme it answers to and a way in.
//
//   auto store = nexus::open("sqlite:bank.db", {nexus::sqlite_backend(), my_backend()});
//
// A third party's backend is one function that returns one of these.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "nexus/journal.hpp"
#include "nexus/uri.hpp"

namespace nexus::inline v0 {

struct backend {
  std::string_view scheme;  ///< e.g. "sqlite"
  std::function<result<std::shared_ptr<journal>>(const uri&)> open;
};

/// `memory:` keeps everything until the journal is closed; for tests and trials.
[[nodiscard]] backend memory_backend();

}  // namespace nexus::inline v0
