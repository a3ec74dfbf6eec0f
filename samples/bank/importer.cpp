#include "importer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "progress.hpp"
#include "text.hpp"
#include "trouble.hpp"

namespace bank {
namespace {

constexpr std::size_t in_flight_max = 4096;
constexpr unsigned failures_max = 20;  // of one account in a row
constexpr std::chrono::seconds answer_deadline{60};
constexpr std::chrono::seconds longest_pause{2};

}  // namespace

nexus::result<void> importer::run() {
  progress bar{ledger_.postings.size()};
  for (;;) {
    while (in_flight_.size() < in_flight_max && !storage_is_away_) {
      const auto row = plan_.next();
      if (!row) break;
      const auto& owner = ledger_.postings[*row].account;
      in_flight_.push_back({*row, accounts_.of(owner).ask(plan_.command(*row))});
    }
    if (in_flight_.empty() && !storage_is_away_) return {};
    if (in_flight_.empty()) {
      wait_for_storage();
      continue;
    }
    if (auto took = take_oldest(); !took) return took;
    bar.update(plan_.posted() + plan_.known());
  }
}

nexus::result<void> importer::take_oldest() {
  auto [row, asked] = std::move(in_flight_.front());
  in_flight_.pop_front();
  const auto answer = asked.get(answer_deadline);
  if (answer && *answer != taken::early) {
    plan_.accepted(row, *answer);
    rounds_lost_ = 0;
    return {};
  }
  if (!answer && !is_trouble(answer.error().code)) {
    note_refusal(row, answer.error().message);
    return {};
  }
  const auto failures = plan_.again(row);
  storage_is_away_ =
      storage_is_away_ || (!answer && answer.error().code == nexus::errc::unavailable);
  const auto e =
      answer ? nexus::error{nexus::errc::unavailable, "has lost earlier postings"} : answer.error();
  if (e.code != nexus::errc::timeout && failures <= failures_max) return {};
  const auto& owner = ledger_.postings[row].account;
  const bool named = e.message.find(owner) != std::string::npos;
  return nexus::fail(e.code, named ? e.message : fmt::format("{}: {}", owner, e.message));
}

// A server that is started again takes seconds; half a minute is given to it, all rounds together.
void importer::wait_for_storage() {
  storage_is_away_ = false;
  const auto pause = std::chrono::milliseconds{100} * (1 << std::min(rounds_lost_++, 5U));
  std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(pause, longest_pause));
}

void importer::note_refusal(std::size_t row, std::string_view why) {
  const auto& p = ledger_.postings[row];
  const auto behind = plan_.refused(row);
  auto line = fmt::format("{}:{}:amount: {} refuses {} {}: {}", file_, p.line, p.account,
                          format_hundredths(p.hundredths), p.currency, why);
  if (behind == 1) line += "; 1 later posting of it waits";
  if (behind > 1) line += fmt::format("; {} later postings of it wait", grouped(behind));
  refusals_.push_back(std::move(line));
}

}  // namespace bank
