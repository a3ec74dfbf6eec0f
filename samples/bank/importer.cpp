#include "importer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "text.hpp"
#include "trouble.hpp"

namespace bank {
namespace {

constexpr std::size_t in_flight_max = 4096;
constexpr unsigned failures_max = 20;                 // of one account in a row
constexpr std::chrono::seconds attempt_deadline{30};  // an entity pauses for up to 10 s
constexpr std::chrono::seconds longest_pause{2};

}  // namespace

nexus::result<void> importer::run() {
  progress bar{"postings"};
  for (;;) {
    while (in_flight_.size() < in_flight_max && !storage_is_away_) {
      const auto row = plan_.next();
      if (!row) break;
      const auto& owner = ledger_.postings[*row].account;
      in_flight_.push_back({*row, accounts_.of(owner).ask(plan_.command(*row))});
    }
    if (in_flight_.empty() && !storage_is_away_) return {};
    if (in_flight_.empty()) {
      wait_for_storage(bar);
      continue;
    }
    if (auto took = take_oldest(); !took) return took;
    bar.update(plan_.posted() + plan_.known(), ledger_.postings.size());
  }
}

nexus::result<void> importer::take_oldest() {
  auto [row, asked] = std::move(in_flight_.front());
  in_flight_.pop_front();
  const auto answer = asked.get(attempt_deadline);
  if (answer && *answer != taken::early) {
    plan_.accepted(row, *answer);
    left_.got_through(std::chrono::steady_clock::now());
    rounds_lost_ = 0;
    reason_.clear();
    return {};
  }
  if (answer || is_trouble(answer.error().code)) return in_trouble(row, answer);
  note_refusal(row, answer.error().message);
  return {};
}

nexus::result<void> importer::in_trouble(std::size_t row, const nexus::result<taken>& answer) {
  const auto failures = plan_.again(row);
  const auto e =
      answer ? nexus::error{nexus::errc::unavailable, "has lost earlier postings"} : answer.error();
  if (!answer && e.code == nexus::errc::unavailable) {
    storage_is_away_ = true;
    // Later reasons are often consequences, such as a restarting server.
    if (reason_.empty()) reason_ = e.message;
  }
  if (!left_.outlasts(std::chrono::steady_clock::now())) return nexus::fail(given_up(e));
  if (failures <= failures_max) return {};
  const auto& owner = ledger_.postings[row].account;
  const bool named = e.message.find(owner) != std::string::npos;
  return nexus::fail(e.code, named ? e.message : fmt::format("{}: {}", owner, e.message));
}

nexus::error importer::given_up(nexus::error last) const {
  const auto& why = reason_.empty() ? last.message : reason_;
  return {last.code, fmt::format("{}; the storage accepts nothing, given up after {} s", why,
                                 patience_.count())};
}

// Called when no posting is in flight; a server restart takes seconds.
void importer::wait_for_storage(progress& bar) {
  constexpr unsigned worth_a_word = 5;  // after 3 s
  storage_is_away_ = false;
  if (rounds_lost_ == worth_a_word) bar.note("waiting for the storage: " + reason_);
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
