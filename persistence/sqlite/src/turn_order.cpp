#include "turn_order.hpp"

#include <algorithm>
#include <cassert>

namespace nexus { inline namespace v0 { namespace sqlite {

turn_order::ticket turn_order::join(taker of, time_point now) {
  queue(of).push_back({++last_ticket_, now});
  return last_ticket_;
}

void turn_order::leave(ticket waiting) {
  for (auto& queue : waiting_) {
    std::erase_if(queue, [&](const waiter& one) { return one.id == waiting; });
  }
}

bool turn_order::has_waited(time_point now) const {
  return now - queue(taker::program).front().since >= patience;
}

std::optional<taker> turn_order::next(time_point now) const {
  const bool journal = !queue(taker::journal).empty();
  if (holder_) return std::nullopt;
  if (queue(taker::program).empty()) return journal ? std::optional{taker::journal} : std::nullopt;
  const bool due = owed_ == duration::zero() || has_waited(now);
  if (journal) return due && last_ == taker::journal ? taker::program : taker::journal;
  if (due || now - journal_left_ >= pause_max) return taker::program;
  return std::nullopt;
}

bool turn_order::begin(ticket waiting, time_point now) {
  const auto of = next(now);
  if (!of || queue(*of).front().id != waiting) return false;
  queue(*of).pop_front();
  holder_ = last_ = *of;
  begun_ = now;
  if (of == taker::program && queue(taker::journal).empty()) owed_ = duration::zero();
  return true;
}

void turn_order::end(time_point now) {
  assert(holder_);
  const auto held = now - begun_;
  if (*holder_ == taker::program) {
    owed_ = std::min<duration>(owed_ + journal_parts * held, patience);
  } else {
    owed_ = std::max(owed_ - held, duration::zero());
    journal_left_ = now;
  }
  holder_.reset();
}

turn_order::time_point turn_order::changes_at(ticket waiting) const {
  const auto& program = queue(taker::program);
  if (holder_ || !queue(taker::journal).empty()) return time_point::max();
  if (program.empty() || program.front().id != waiting) return time_point::max();
  return std::min(journal_left_ + pause_max, program.front().since + patience);
}

}}}  // namespace nexus::v0::sqlite
