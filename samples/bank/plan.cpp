#include "plan.hpp"

#include <string_view>
#include <unordered_map>

namespace bank {
namespace {

account::posted to_event(const ledger& from, const posting& p) {
  return {.ledger = from.id,
          .line = p.line,
          .date = p.date,
          .narration = p.narration,
          .transaction = p.transaction,
          .hundredths = p.hundredths,
          .currency = p.currency};
}

}  // namespace

plan::plan(const ledger& from) : ledger_{from} {
  std::unordered_map<std::string_view, std::size_t> lane_of;
  steps_.reserve(from.postings.size());
  for (std::size_t row = 0; row < from.postings.size(); ++row) {
    const auto& posting = from.postings[row];
    const auto index = lane_of.try_emplace(posting.account, lanes_.size()).first->second;
    if (index == lanes_.size()) lanes_.emplace_back();
    auto& rows = lanes_[index].rows;
    const auto before = rows.empty() ? 0 : steps_[rows.back()].digest;
    steps_.push_back({.lane = index,
                      .place = rows.size(),
                      .digest = account::digest_after(before, to_event(from, posting)),
                      .posted = false});
    rows.push_back(row);
  }
}

std::optional<std::size_t> plan::next() {
  auto send = [](lane& l) {
    ++l.in_flight;
    return l.rows[l.sent++];
  };
  while (!behind_.empty()) {
    auto& l = lanes_[behind_.front()];
    const bool caught_up = l.sent == l.rows.size() || l.rows[l.sent] >= cursor_;
    if (!l.going_back && !l.ended && !caught_up) return send(l);
    behind_.pop_front();
  }
  while (cursor_ < steps_.size()) {
    const auto& at = steps_[cursor_++];
    auto& l = lanes_[at.lane];
    if (!l.going_back && !l.ended && l.sent == at.place) return send(l);
  }
  return std::nullopt;
}

account::post plan::command(std::size_t row) const {
  const auto& at = steps_[row];
  const auto& rows = lanes_[at.lane].rows;
  return {.what = to_event(ledger_, ledger_.postings[row]),
          .after = at.place == 0 ? 0 : ledger_.postings[rows[at.place - 1]].line,
          .digest = at.digest};
}

void plan::accepted(std::size_t row, taken how) {
  auto& l = answered(row);
  auto& at = steps_[row];
  at.posted |= how == taken::posted;
  if (l.taken == at.place) {  // else one before it failed, and this one will be sent again
    ++l.taken;
    l.failures = 0;
    ++(at.posted ? posted_ : known_);
  }
  when_drained(steps_[row].lane);
}

unsigned plan::again(std::size_t row) {
  auto& l = answered(row);
  if (!l.going_back) {
    l.going_back = true;
    ++l.failures;
  }
  when_drained(steps_[row].lane);
  return l.failures;
}

std::size_t plan::refused(std::size_t row) {
  auto& l = answered(row);
  l.ended = true;
  return l.rows.size() - steps_[row].place - 1;
}

plan::lane& plan::answered(std::size_t row) {
  auto& l = lanes_[steps_[row].lane];
  --l.in_flight;
  return l;
}

void plan::when_drained(std::size_t index) {
  auto& l = lanes_[index];
  if (!l.going_back || l.in_flight > 0 || l.ended) return;
  l.going_back = false;
  l.sent = l.taken;
  behind_.push_back(index);
}

}  // namespace bank
