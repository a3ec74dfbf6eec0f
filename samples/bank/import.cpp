// bank import: reads and checks the whole file, posts it, and reports the outcome.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nexus/nexus.hpp>

#include "commands.hpp"
#include "importer.hpp"
#include "journal.hpp"
#include "text.hpp"

namespace bank {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t refusals_shown_max = 20;

void complain_of(const std::vector<std::string>& refusals) {
  const auto shown = std::min(refusals.size(), refusals_shown_max);
  for (std::size_t i = 0; i < shown; ++i) complain(refusals[i], exit_faults);
  if (refusals.size() > shown) {
    complain(fmt::format("{} more accounts refuse", refusals.size() - shown), exit_faults);
  }
}

// Names the journal in the message, unless it is there already.
std::string with_journal(const std::string& uri, const std::string& message) {
  const auto shown = nexus::uri::shown(uri);
  if (message.find(shown.substr(0, shown.find('?'))) != std::string::npos) return message;
  return fmt::format("{}: {}", shown, message);
}

// An entity reports only that it waits for its storage; the storage may know why.
std::string said_by(const nexus::store& storage, const nexus::error& e) {
  if (e.code == nexus::errc::unavailable) return {};
  const auto tried = storage.open_session();
  return tried ? std::string{} : fmt::format(" ({})", tried.error().message);
}

void print_summary(const importer& done, steady::duration took) {
  const auto& postings = done.postings();
  const std::chrono::duration<double> seconds = took;
  const double rate = static_cast<double>(postings.posted()) / seconds.count();
  if (postings.posted() == 0 && done.refusals().empty()) {
    fmt::print("nothing changed: {}\n", postings.known() == 0 ? "the ledger has no postings"
                                                              : "every posting was there already");
  }
  fmt::print("accounts  {:>9}\n", grouped(postings.accounts()));
  fmt::print("postings  {:>9} new, {} already there\n", grouped(postings.posted()),
             grouped(postings.known()));
  fmt::print("events    {:>9} in {:.2f} s, {} per second\n", grouped(postings.posted()),
             seconds.count(), grouped(static_cast<std::uint64_t>(rate)));
}

}  // namespace

int import_ledger(const std::string& file, const std::string& journal,
                  std::chrono::seconds patience) {
  const auto from = read_ledger(file);
  if (!from) return complain(from.error().message, exit_failed);

  nexus::system sys;
  auto store = open_for_import(journal);
  if (!store) return complain(store.error().message, exit_failed);
  nexus::entities<account> accounts{sys, *store, {.snapshot_every = 1000}};

  const auto begin = steady::now();
  importer work{file, *from, accounts, patience};
  const auto ran = work.run();
  complain_of(work.refusals());
  if (!ran) {
    return complain(fmt::format("{}{}; {} postings are stored, import again to go on",
                                with_journal(journal, ran.error().message),
                                said_by(*store, ran.error()), grouped(work.postings().posted())),
                    exit_failed);
  }
  print_summary(work, steady::now() - begin);
  return work.refusals().empty() ? exit_done : exit_faults;
}

}  // namespace bank
