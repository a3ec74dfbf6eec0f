// The part of the entity state machine that rebuilds the state from the journal.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "entity_fsm.hpp"
#include "nexus/detail/saturating.hpp"
#include "nexus/journal_errors.hpp"

namespace nexus { inline namespace v0 { namespace detail {

void entity_fsm::begin_recovery(actions& out) {
  if (closing_) return close(out);
  model_.reset();
  if (alarm_ != nullptr && alarm_->looked) {
    answer_alarm(named({errc::unavailable, "recovers its state first"}), out);
  }
  if (asked_for_alarm()) alarm_->asked->found.reset();  // this reads what is stored
  if (recovery_ == nullptr) recovery_ = std::make_unique<recovery>(options_.filter);
  recovery_->begin();
  applied_ = durable_ = 0;
  hold_ = hold::none;
  restarting_ = false;
  pause_ = {};
  pending_.reset();
  beyond_.reset();
  snapshot_due_.reset();
  timers_.reset();
  catches_up_ = false;
  // Reads from here on are fresh enough for a verified command.
  cover_verified(entity_call::check::wanted, entity_call::check::under_way);
  waiting_.each([](entity_call& c) { c.looked = true; });
  phase_ = phase::loading;
  out.emplace_back(load{++epoch_});
}

void entity_fsm::step(const moment& now, loaded input, actions& out) {
  if (phase_ != phase::loading || input.epoch != epoch_) return;
  ++progress_;
  if (!input.what) return recovery_failed(input.what.error(), out);
  recovery_->highest = input.what->highest;
  note_alarm(input.what->alarm);
  if (auto started = start_from(*input.what, out); !started) {
    return recovery_failed(started.error(), out);
  }
  recovery_->begun_at = applied_;
  if (applied_ == recovery_->highest) return recovered(now, out);
  phase_ = phase::replaying;
  recovery_->asked = applied_;
  read_ahead(out);
}

// True for storage failures that may pass; any other error will come again.
static bool passes(const error& why) { return may_pass(why.code); }

result<void> entity_fsm::start_from(load_result& from, actions& out) {
  auto usable = [&]() -> result<void> {
    if (!from.snapshot) return fail(std::move(from.snapshot.error()));
    const auto& snapshot = *from.snapshot;
    if (!snapshot) return model_.begin();
    auto restored = model_.restore(*snapshot);
    if (!restored) {
      auto& why = restored.error();
      why.message = fmt::format("snapshot {}: {}", snapshot->number, why.message);
      return restored;
    }
    applied_ = snapshot->number;
    return {};
  }();
  if (!usable && options_.snapshot_optional && !passes(usable.error())) {
    out.emplace_back(tell{entity_signal::kind::snapshot_ignored, 0, named(usable.error())});
    return model_.begin();
  }
  if (usable && applied_ > recovery_->highest) {
    return fail(errc::corrupt, fmt::format("snapshot {} is beyond the highest event {}", applied_,
                                           recovery_->highest));
  }
  return usable;
}

void entity_fsm::recovery::begin() {
  filter.reset();
  begun_at = highest = 0;
  reads = 0;
  chunk.reset();
  early.reset();
}

// At most two chunks are being read or wait to be decoded.
void entity_fsm::read_ahead(actions& out) {
  constexpr int chunks_max = 2;
  auto& r = *recovery_;
  while (r.asked < r.highest && r.reads + (r.early != nullptr ? 1 : 0) < chunks_max) {
    const auto from = r.asked + 1;
    r.asked =
        std::min<sequence_nr>(r.highest, saturated_sum(r.asked, options_.replay_chunk_events));
    read(from, r.asked, out);
  }
}

void entity_fsm::read(sequence_nr from, sequence_nr to, actions& out) {
  ++recovery_->reads;
  out.emplace_back(replay{epoch_, from, to});
}

void entity_fsm::step(const moment& /*now*/, replayed input, actions& out) {
  if (phase_ != phase::replaying || input.epoch != epoch_) return;
  ++progress_;
  --recovery_->reads;
  if (!input.what) return recovery_failed(input.what.error(), out);
  auto& place = input.from == applied_ + 1 ? recovery_->chunk : recovery_->early;
  place = std::make_unique<replayed>(std::move(input));
  if (recovery_->chunk != nullptr) take_chunk(out);
}

// Requests the next chunk while this one is decoded.
void entity_fsm::take_chunk(actions& out) {
  const auto& chunk = *recovery_->chunk;
  const auto& records = *chunk.what;
  if (records.empty()) {
    return gap({errc::corrupt, fmt::format("event {} is missing, the highest is {}", applied_ + 1,
                                           recovery_->highest)},
               out);
  }
  if (records.last() < chunk.to) read(records.last() + 1, chunk.to, out);
  read_ahead(out);
  out.emplace_back(decode_chunk{});
}

void entity_fsm::step(const moment& now, decode_due /*input*/, actions& out) {
  if (phase_ != phase::replaying || recovery_->chunk == nullptr) return;
  result<void> applied;
  bool whole = true;
  std::exchange(recovery_->chunk, nullptr)
      ->what->each([&](sequence_nr number, const ulid& writer, const event_view& event) {
        whole = number == applied_ + 1;
        if (whole) {
          applied = take_record(number, writer, event, out);
        } else {
          applied = fail(
              errc::corrupt,
              fmt::format("event {} is missing, the next one stored is {}", applied_ + 1, number));
        }
        return applied.has_value();
      });
  if (!whole) return gap(std::move(applied.error()), out);
  if (!applied) return recovery_failed(applied.error(), out);
  if (applied_ >= recovery_->highest) return recovered(now, out);
  if (auto& early = recovery_->early; early != nullptr && early->from == applied_ + 1) {
    recovery_->chunk = std::move(early);
    take_chunk(out);
  }
}

result<void> entity_fsm::take_record(sequence_nr number, const ulid& writer,
                                     const event_view& event, actions& out) {
  auto wrong = [&](error& why) {
    why.message = fmt::format("event {}: {}", number, why.message);
    return fail(std::move(why));
  };
  auto seen = recovery_->filter.check(writer);
  if (seen.why) {
    if (seen.is == replay_filter::verdict::fail) return wrong(*seen.why);
    out.emplace_back(tell{entity_signal::kind::interleaved, number, named(*seen.why)});
  }
  if (seen.is != replay_filter::verdict::discard) {
    if (auto applied = model_.replay(event); !applied) return wrong(applied.error());
  }
  ++applied_;
  return {};
}

void entity_fsm::recovered(const moment& now, actions& out) {
  durable_ = applied_;
  if (auto looked = recover_alarm(); !looked) return recovery_failed(looked.error(), out);
  auto first = model_.recovered_call();
  decision begun;
  if (first) {
    auto& call = first.as<entity_call>();
    begun = decide(now, call);
    if (const auto* why = call.refusal()) return process_failed(*why, out);
  }
  catches_up_ =
      options_.snapshot_every != 0 && durable_ - recovery_->begun_at > options_.snapshot_every;
  if (!lost_) attempt_ = 0;  // a storage that reads but does not write is still failing
  recovery_.reset();
  doubt_.reset();
  phase_ = phase::running;
  cover_verified(entity_call::check::under_way, entity_call::check::none);
  out.emplace_back(tell{entity_signal::kind::recovered, durable_, {}});
  if (first) accept(std::move(first), durable_, begun, out);
  decide_waiting(now, out);
}

// A retention of another process may erase events between two of our reads: then its newer snapshot
// replaces them.
void entity_fsm::gap(error why, actions& out) {
  constexpr int gaps_max = 3;
  const bool same = std::exchange(recovery_->last_gap, applied_ + 1) == applied_ + 1;
  if (options_.erases_events && ++recovery_->gaps <= gaps_max) return begin_recovery(out);
  // Gaps that move come from a retention faster than this recovery: a failure that passes.
  if (options_.erases_events && !same) why.code = errc::unavailable;
  recovery_failed(why, out);
}

void entity_fsm::step(const moment& /*now*/, recovery_stalled input, actions& out) {
  if (!recovering() || input.epoch != epoch_) return;
  recovery_failed({errc::timeout, "the storage did not answer a read in time"}, out);
}

void entity_fsm::recovery_failed(const error& why, actions& out) {
  const bool again = passes(why) && !closing_;
  give_up_recovery(why, again, out);
  if (!again) return stop(ending::failed, out);
  in_doubt(why);
  back_off(out);
}

// on_recovered is the last part of a recovery: without it a process cannot go on, and nothing of it
// is stored or sent. So the recovery is retried, unless supervision decides otherwise.
void entity_fsm::process_failed(error why, actions& out) {
  if (const auto id = id_.str() + ": "; why.message.starts_with(id))
    why.message.erase(0, id.size());
  if (why.code != errc::apply_failed) why.code = errc::decide_failed;  // no caller gets `rejected`
  measure said;
  said.what = directive::resume;
  if (options_.on_failure) said = options_.on_failure(id_, named(why));
  const bool again = said.what == directive::resume || said.what == directive::restart;
  why.message = "could not be recovered, as its on_recovered failed: " + why.message;
  give_up_recovery(why, again, out);
  if (!again) return stop(ending::failed, out);
  pause_ = std::chrono::ceil<std::chrono::microseconds>(said.after);
  pause_.count() != 0 ? pause(out) : back_off(out);
}

// All callers waiting for this attempt get the error; later ones wait for the next attempt.
void entity_fsm::give_up_recovery(const error& why, bool keeps_own, actions& out) {
  unstash();
  bool seen = false;
  waiting_.each([&](const entity_call& c) { seen = seen || !c.told; });
  // Of a lasting failure only the first attempt is logged.
  const bool unseen = !seen && (attempt_ == 0 || !passes(why));
  out.emplace_back(tell{entity_signal::kind::recovery_failed, applied_, named(why), unseen});
  call_list own;
  while (!waiting_.empty()) {
    auto command = waiting_.pop();
    if (keeps_own && command.as<entity_call>().own) {
      own.push(std::move(command));
    } else {
      out.emplace_back(refuse{std::move(command), named(why)});
    }
  }
  waiting_.prepend(own);
  give_up_alarm(why, out);
  ++epoch_;  // a chunk still being read comes too late
  recovery_.reset();
  model_.reset();
  pending_.reset();
  applied_ = durable_ = 0;
}

}}}
