#include "waker.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus::simulation {
namespace {

enum : std::uint32_t { of_waker = 700 };

}  // namespace

waker::waker(surroundings& s, const model_journal& journal,
             const std::vector<std::unique_ptr<node>>& nodes)
    : s_{s}, journal_{journal}, nodes_{nodes}, choices_{s.planned.seed, of_waker} {}

void waker::changed() {
  changed_ = true;
  if (waiting_ || pausing_) return;  // it looks afterwards
  ++looks_;
  const auto& stored = journal_.alarm();
  if (!stored || vtime_of(stored->due) >= distant) return;
  // Sometimes earlier, as a sweep does, or because a clock was stepped back since.
  const auto due = std::max(vtime_of(stored->due), s_.time.now());
  const auto earlier = choices_.chance(900) ? 0 : choices_.below(due - s_.time.now() + 1);
  look_at(due - earlier);
}

void waker::look_at(vtime when) {
  s_.time.at(when + choices_.below(20), [this, look = ++looks_] {
    if (look == looks_) this->look();
  });
}

void waker::look() {
  pausing_ = false;
  const auto& stored = journal_.alarm();
  if (!stored || vtime_of(stored->due) >= distant) return;
  due_ = vtime_of(stored->due);
  auto seen_at = time_of(s_.time.now());
  if (due_ > s_.time.now() && choices_.chance(500)) seen_at = stored->due;
  waiting_ = true;
  changed_ = false;
  found_ = stored->due <= seen_at;
  nodes_[chosen()]->fire(++firings_, seen_at, found_ ? std::optional{stored->due} : std::nullopt);
}

// Usually the node that set it.
std::size_t waker::chosen() {
  if (choices_.chance(700)) {
    for (auto n = first_; n < nodes_.size(); ++n) {
      if (nodes_[n]->up() && nodes_[n]->writer() == journal_.alarm()->writer) return n;
    }
  }
  return first_ + choices_.below(nodes_.size() - first_);
}

// It is over when the stored due time is later or gone.
void waker::answered(std::uint64_t firing, bool seen, const std::optional<timestamp>& due) {
  if (!waiting_ || firing != firings_) {
    s_.judge.broken("a firing is answered once", fmt::format("firing {}", firing));
  }
  const bool said_over = seen && (!due || vtime_of(*due) > due_);
  if (said_over && found_ && !changed_) {
    s_.judge.broken("an alarm that is said to be over is later or gone",
                    fmt::format("firing {}", firing));
  }
  waiting_ = false;
  const auto& stored = journal_.alarm();
  if (!stored || vtime_of(stored->due) > due_ || due_ > s_.time.now()) {
    attempt_ = 0;
    return changed();
  }
  pausing_ = true;
  look_at(s_.time.now() + (100U << std::min(attempt_++, 7U)) + choices_.below(50));
}

void waker::check_end() {
  const auto& stored = journal_.alarm();
  if (waiting_) s_.judge.broken("every firing is answered", fmt::format("firing {}", firings_));
  if (stored && vtime_of(stored->due) <= s_.time.now()) {
    s_.judge.broken("no alarm is overdue at the end", fmt::format("at {}", vtime_of(stored->due)));
  }
}
}
