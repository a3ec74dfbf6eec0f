#include "importer.hpp"

#include <fmt/format.h>

#include <chrono>

#include "progress.hpp"
#include "text.hpp"
#include "trouble.hpp"

namespace bank {
namespace {

constexpr std::size_t in_flight_max = 4096;
constexpr unsigned failures_max = 20;  // of one account in a row
constexpr std::chrono::seconds answer_deadline{60};

}  // namespace

nexus::result<void> importer::run() {
  progress bar{ledger_.postings.size()};
  for (;;) {
    while (in_flight_.size() < in_flight_max) {
      const auto row = plan_.next();
      if (!row) break;
      const auto& owner = ledger_.postings[*row].account;
      in_flight_.push_back({*row, accounts_.of(owner).ask(plan_.command(*row))});
    }
    if (in_flight_.empty()) return {};
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
    return {};
  }
  if (!answer && !is_trouble(answer.error().code)) {
    note_refusal(row, answer.error().message);
    return {};
  }
  const auto failures = plan_.again(row);
  const auto e =
      answer ? nexus::error{nexus::errc::unavailable, "has lost earlier postings"} : answer.error();
  if (e.code != nexus::errc::timeout && failures <= failures_max) return {};
  const auto& owner = ledger_.postings[row].account;
  const bool named = e.message.find(owner) != std::string::npos;
  return nexus::fail(e.code, named ? e.message : fmt::format("{}: {}", owner, e.message));
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
