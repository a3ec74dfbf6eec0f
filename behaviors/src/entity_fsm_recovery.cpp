// The part of the entity state machine that makes a state out of what is stored.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "entity_fsm.hpp"

namespace nexus::inline v0::detail {

void entity_fsm::begin_recovery(actions& out) {
  if (closing_) return stop(out);
  model_.reset();
  applied_ = durable_ = highest_ = 0;
  hold_ = hold::none;
  pending_.reset();
  drop_chunks();
  snapshot_due_.reset();
  phase_ = phase::loading;
  out.emplace_back(load{++epoch_});
}

void entity_fsm::step(timestamp now, loaded input, actions& out) {
  if (phase_ != phase::loading || input.epoch != epoch_) return;
  if (!input.what) {
    const bool transient = input.what.error().code != errc::corrupt;
    return recovery_failed(std::move(input.what.error()), transient, out);
  }
  highest_ = input.what->highest;
  if (const auto& snapshot = input.what->snapshot) {
    if (snapshot->number > highest_) {
      return recovery_failed(
          {errc::corrupt,
           fmt::format("snapshot {} is beyond the highest event {}", snapshot->number, highest_)},
          false, out);
    }
    if (auto restored = model_.restore(*snapshot); !restored) {
      auto& why = restored.error();
      why.message = fmt::format("snapshot {}: {}", snapshot->number, why.message);
      return recovery_failed(std::move(why), false, out);
    }
    applied_ = snapshot->number;
  }
  if (applied_ == highest_) return recovered(now, out);
  phase_ = phase::replaying;
  asked_ = applied_;
  read_ahead(out);
}

void entity_fsm::drop_chunks() {
  reads_ = 0;
  chunk_.reset();
  early_.reset();
}

// At most two chunks are read or waiting to be decoded.
void entity_fsm::read_ahead(actions& out) {
  constexpr int chunks_max = 2;
  while (asked_ < highest_ && reads_ + (early_ != nullptr ? 1 : 0) < chunks_max) {
    const auto from = asked_ + 1;
    asked_ = std::min<sequence_nr>(highest_, asked_ + options_.replay_chunk_events);
    read(from, asked_, out);
  }
}

void entity_fsm::read(sequence_nr from, sequence_nr to, actions& out) {
  ++reads_;
  out.emplace_back(replay{epoch_, from, to});
}

void entity_fsm::step(timestamp /*now*/, replayed input, actions& out) {
  if (phase_ != phase::replaying || input.epoch != epoch_) return;
  --reads_;
  if (!input.what) {
    const bool transient = input.what.error().code != errc::corrupt;
    return recovery_failed(std::move(input.what.error()), transient, out);
  }
  auto& place = input.from == applied_ + 1 ? chunk_ : early_;
  place = std::make_unique<replayed>(std::move(input));
  if (chunk_ != nullptr) take_chunk(out);
}

// Has what comes next read while `chunk_` is decoded.
void entity_fsm::take_chunk(actions& out) {
  const auto& records = *chunk_->what;
  if (records.empty()) {
    return recovery_failed({errc::corrupt, fmt::format("event {} is missing, the highest is {}",
                                                       applied_ + 1, highest_)},
                           false, out);
  }
  if (records.last() < chunk_->to) read(records.last() + 1, chunk_->to, out);
  read_ahead(out);
  out.emplace_back(decode_chunk{});
}

void entity_fsm::step(timestamp now, decode_due /*input*/, actions& out) {
  if (phase_ != phase::replaying || chunk_ == nullptr) return;
  result<void> applied;
  std::exchange(chunk_, nullptr)->what->each([&](sequence_nr number, const event_view& event) {
    if (number != applied_ + 1) {
      applied = fail(errc::corrupt, fmt::format("event {} is missing, the next one stored is {}",
                                                applied_ + 1, number));
      return false;
    }
    applied = model_.replay(event);
    if (applied) {
      ++applied_;
    } else {
      applied.error().message = fmt::format("event {}: {}", number, applied.error().message);
    }
    return applied.has_value();
  });
  if (!applied) return recovery_failed(std::move(applied.error()), false, out);
  if (applied_ >= highest_) return recovered(now, out);
  if (early_ != nullptr && early_->from == applied_ + 1) {
    chunk_ = std::move(early_);
    take_chunk(out);
  }
}

void entity_fsm::recovered(timestamp now, actions& out) {
  durable_ = applied_;
  attempt_ = 0;
  phase_ = phase::running;
  decide_waiting(now, out);
}

// Everyone who waited for this attempt is told; whoever comes later waits for the next one.
void entity_fsm::recovery_failed(error why, bool transient, actions& out) {
  refuse_all(waiting_, named(std::move(why)), out);
  ++epoch_;  // a chunk still being read comes too late
  model_.reset();
  drop_chunks();
  if (transient && !closing_) {
    back_off(out);
  } else {
    stop(out);
  }
}

}
