// bank import: thousands of postings in flight, each account's in the order of the file.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <nexus/nexus.hpp>

#include "account.hpp"
#include "commands.hpp"
#include "journal.hpp"
#include "ledger.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "text.hpp"

namespace bank {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t in_flight_max = 4096;
constexpr unsigned failures_max = 20;  // of one account in a row
constexpr std::size_t refusals_shown_max = 20;
constexpr std::chrono::seconds answer_deadline{60};

// Everything in flight has a row of the ledger and the answer to come.
struct sent {
  std::size_t row;
  nexus::asked<taken> answer;
};

// Posts a ledger that was read and checked.
class importer {
 public:
  importer(const std::string& file, const ledger& from, nexus::entities<account>& accounts)
      : file_{file}, ledger_{from}, accounts_{accounts}, plan_{from} {}

  /// Fails when the storage does. Refused postings are reported and counted.
  nexus::result<void> run() {
    progress bar{ledger_.postings.size()};
    for (;;) {
      while (in_flight_.size() < in_flight_max) {
        const auto row = plan_.next();
        if (!row) break;
        const auto& owner = ledger_.postings[*row].account;
        in_flight_.push_back({*row, accounts_.of(owner).ask(plan_.command(*row))});
      }
      if (in_flight_.empty()) break;
      if (auto taken = take_oldest(); !taken) return taken;
      bar.update(plan_.posted() + plan_.known());
    }
    return {};
  }

  [[nodiscard]] const plan& postings() const { return plan_; }

  /// Prints the refusals; answers how many there are.
  std::size_t complain_of_refused() const {
    for (std::size_t i = 0; i < std::min(refused_.size(), refusals_shown_max); ++i) {
      complain(refused_[i], exit_faults);
    }
    if (refused_.size() > refusals_shown_max) {
      complain(fmt::format("{} more accounts refuse", refused_.size() - refusals_shown_max), 0);
    }
    return refused_.size();
  }

 private:
  nexus::result<void> take_oldest() {
    auto [row, answer] = std::move(in_flight_.front());
    in_flight_.pop_front();
    const auto taken_as = std::move(answer).get(answer_deadline);
    if (taken_as && *taken_as != taken::early) {
      plan_.accepted(row, *taken_as);
      return {};
    }
    if (!taken_as && !is_trouble(taken_as.error().code)) {
      note_refused(row, taken_as.error().message);
      return {};
    }
    const auto failures = plan_.again(row);
    if (taken_as) return {};
    const auto& e = taken_as.error();
    if (e.code != nexus::errc::timeout && failures <= failures_max) return {};
    const auto& owner = ledger_.postings[row].account;
    const bool named = e.message.find(owner) != std::string::npos;
    return nexus::fail(e.code, named ? e.message : fmt::format("{}: {}", owner, e.message));
  }

  // Of the storage or the moment: worth another try, since posting is idempotent. Every other error
  // is the one account's (refused, or its history is corrupt), and the others go on.
  static bool is_trouble(nexus::errc code) {
    using enum nexus::errc;
    return code == overloaded || code == conflict || code == unavailable ||
           code == outcome_unknown || code == stopped || code == timeout;
  }

  void note_refused(std::size_t row, std::string_view why) {
    const auto& p = ledger_.postings[row];
    const auto behind = plan_.refused(row);
    auto line = fmt::format("{}:{}:amount: {} refuses {} {}: {}", file_, p.line, p.account,
                            format_hundredths(p.hundredths), p.currency, why);
    if (behind == 1) line += "; 1 later posting of it waits";
    if (behind > 1) line += fmt::format("; {} later postings of it wait", grouped(behind));
    refused_.push_back(std::move(line));
  }

  const std::string& file_;
  const ledger& ledger_;
  nexus::entities<account>& accounts_;
  plan plan_;
  std::deque<sent> in_flight_;
  std::vector<std::string> refused_;
};

void print_summary(const plan& done, std::size_t refused, steady::duration took) {
  const std::chrono::duration<double> seconds = took;
  const double rate = static_cast<double>(done.posted()) / seconds.count();
  if (done.posted() == 0 && refused == 0) {
    fmt::print("nothing changed: {}\n", done.known() == 0 ? "the ledger has no postings"
                                                          : "every posting was there already");
  }
  fmt::print("accounts  {:>9}\n", grouped(done.accounts()));
  fmt::print("postings  {:>9} new, {} already there\n", grouped(done.posted()),
             grouped(done.known()));
  fmt::print("events    {:>9} in {:.2f} s, {} per second\n", grouped(done.posted()),
             seconds.count(), grouped(static_cast<std::uint64_t>(rate)));
}

}  // namespace

int import_ledger(const std::string& file, const std::string& journal) {
  const auto from = read_ledger(file);
  if (!from) return complain(from.error().message, exit_failed);

  nexus::system sys;
  auto store = open_for_import(journal);
  if (!store) return complain(store.error().message, exit_failed);
  nexus::entities<account> accounts{sys, *store, {.snapshot_every = 1000}};

  const auto begin = steady::now();
  importer work{file, *from, accounts};
  const auto ran = work.run();
  const auto refused = work.complain_of_refused();
  if (!ran) {
    return complain(fmt::format("{}: {}; {} postings are stored, import again to go on", journal,
                                ran.error().message, grouped(work.postings().posted())),
                    exit_failed);
  }
  print_summary(work.postings(), refused, steady::now() - begin);
  return refused > 0 ? exit_faults : exit_done;
}

}  // namespace bank
