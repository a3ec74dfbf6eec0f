#include "mirror.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus::simulation {

void mirror::decides(command_id id, const state& on) {
  if (writing_ == writing::unsettled || writing_ == writing::settle) {
    broken("nothing is decided before the truth is known", fmt::format("command {}", id));
  }
  if (id == 0) {
    ++recovered_decided_;
    return;
  }
  if (waiting_.empty() || waiting_.front() != id) {
    broken("commands are decided in order, stashed ones first once their time comes",
           fmt::format("command {} instead of {}", id, waiting_.empty() ? 0 : waiting_.front()));
    return;
  }
  waiting_.pop_front();
  auto& f = s_.fate_of(id);
  if (f.decided != f.stashed) {
    broken("a command is decided once", fmt::format("command {}", id));
  }
  if (on.count < f.seen_before) {
    broken("what was shown before a command was sent is seen by it",
           fmt::format("command {} on {} events, after {}", id, on.count, f.seen_before));
  }
}

void mirror::decided(command_id id, const d::decision& what, std::uint32_t bytes) {
  if (what.stashes) {
    stash_.push_back(id);
    if (stash_.size() > s_.planned.machine.stash_max) {
      broken("the stash has a bound", fmt::format("{} commands", stash_.size()));
    }
    return;
  }
  if (id == 0) ++recovered_held_;
  undurable_.push_back(id);
  undurable_bytes_ += last_bytes_ = bytes;
}

bool mirror::left(command_id id) {
  const auto found = std::find(undurable_.begin(), undurable_.end(), id);
  if (found == undurable_.end()) return false;
  if (id == 0) --recovered_held_;
  if (id != 0) undurable_bytes_ -= s_.fate_of(id).what.bytes;
  undurable_.erase(found);
  return true;
}

void mirror::releases(command_id id) {
  if (!undurable_.empty() && undurable_.front() != id) {
    broken("answers leave in the order of decisions",
           fmt::format("command {} before {}", id, undurable_.front()));
  }
  if (!left(id)) broken("only what was decided is answered", fmt::format("command {}", id));
}

void mirror::refuses(command_id id) {
  if (left(id)) return;
  if (auto w = std::find(waiting_.begin(), waiting_.end(), id); w != waiting_.end()) {
    waiting_.erase(w);
  } else if (auto s = std::find(stash_.begin(), stash_.end(), id); s != stash_.end()) {
    stash_.erase(s);
  }
}

void mirror::unstashes() {
  waiting_.insert(waiting_.begin(), stash_.begin(), stash_.end());
  stash_.clear();
}

// -- storage ----------------------------------------------------------------------------------

void mirror::appends(const d::append& a, sequence_nr durable) {
  if (writing_ != writing::nothing) broken("at most one append is in flight");
  writing_ = writing::append;
  if (a.events == nullptr || a.events->empty()) broken("an append has events");
  if (a.expected != durable) {
    broken("an append expects what is durable", fmt::format("{}, not {}", a.expected, durable));
  }
}

void mirror::append_answered(const append_outcome& outcome) {
  writing_ = std::holds_alternative<unknown>(outcome) ? writing::unsettled : writing::nothing;
}

// A conflict may be settled too: it may be one's own lost answer.
void mirror::settles() {
  if (writing_ == writing::append || writing_ == writing::settle) {
    broken("settling follows an answer");
  }
  writing_ = writing::settle;
}

void mirror::settled(const result<settlement>& what) {
  writing_ = what ? writing::nothing : writing::unsettled;
}

void mirror::loads() {
  constexpr int loads_max = 4;
  if (++loads_ > loads_max) broken("a recovery begins anew a bounded number of times");
  reads_ = 0;  // those of an earlier attempt don't count: their answers come too late
  if (writing_ != writing::nothing) broken("the truth is known before a recovery begins");
}

void mirror::reads(const d::replay& a) {
  if (++reads_ > 2) broken("at most two chunks are read at a time");
  if (a.from > a.to || a.to - a.from >= s_.planned.machine.replay_chunk_events) {
    broken("a chunk has a bound", fmt::format("{}..{}", a.from, a.to));
  }
  if (a.to > journal_.highest()) broken("no chunk is past the highest number");
}

void mirror::saves() {
  if (saving_) broken("one snapshot is saved at a time");
  saving_ = true;
}

void mirror::at_rest(std::uint32_t held) {
  const auto& bounds = s_.planned.machine;
  if (undurable_.size() > bounds.undurable_max) {
    broken("undurable commands are bounded", fmt::format("{}", undurable_.size()));
  }
  if (!undurable_.empty() && undurable_bytes_ - last_bytes_ >= bounds.undurable_bytes_max) {
    broken("undurable commands are bounded by bytes", fmt::format("{}", undurable_bytes_));
  }
  const auto all = waiting_.size() + stash_.size() + undurable_.size() -
                   static_cast<std::size_t>(recovered_held_);
  if (all != held) {
    broken("the machine holds what came and was not answered",
           fmt::format("{} commands, not {}", held, all));
  }
  const auto expected = s_.planned.recovered == on_recovered::nothing ? 0 : recoveries_;
  if (recovered_decided_ != expected) {
    broken("on_recovered comes once after each recovery",
           fmt::format("{} times after {} recoveries", recovered_decided_, expected));
  }
}

}
