// The part of the entity state machine that is about the outcome of an append: settling an unknown one,
// losing what was not stored, deciding it again, and backing off from a storage in trouble.
#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "entity_fsm.hpp"

namespace nexus::inline v0::detail {
namespace {

constexpr std::uint32_t always = UINT32_MAX;
constexpr std::uint32_t own_rejections_max = 3;
constexpr std::uint32_t conflicts_at_once_max = 8;

}  // namespace

void entity_fsm::step(const moment& now, appended input, actions& out) {
  assert(phase_ == phase::running && in_flight());
  if (std::holds_alternative<stored>(input.outcome)) return made_durable(now, out);
  if (auto* c = std::get_if<conflict>(&input.outcome)) {
    error why{errc::conflict, fmt::format("another writer was there first: expected {} to be the "
                                          "highest number, found {}",
                                          durable_, c->highest)};
    if (c->highest >= in_flight_last_) {
      // Another writer's events, or one's own whose answer was lost on the way: settling tells.
      conflict_ = std::make_unique<error>(std::move(why));
      phase_ = phase::settling;
      out.emplace_back(settle{});
    } else {
      overtaken(why, out);
    }
  } else if (auto* r = std::get_if<rejected>(&input.outcome)) {
    // The fault may be that of another command in the append.
    lose_and_recover(r->why, out, own_rejections_max);
  } else if (auto* f = std::get_if<failed>(&input.outcome)) {
    lose(f->why, out, {.of_own = always});
    in_doubt(f->why);
    back_off(out);
  } else {
    conflict_.reset();
    in_doubt(std::get<unknown>(input.outcome).why);
    phase_ = phase::settling;
    out.emplace_back(settle{});
  }
}

void entity_fsm::step(const moment& now, settle_answered input, actions& out) {
  if (phase_ != phase::settling) return;
  if (!input.what) in_doubt(input.what.error());
  if (!input.what && closing_) return give_up_settling(out);
  if (!input.what) {
    // A moment's trouble nobody needs to know of; a full disk may last.
    constexpr std::uint32_t silent_attempts = 5;
    if (attempt_ >= silent_attempts) tell_unsettled(input.what.error(), out);
    out.emplace_back(wait{epoch_, attempt_++});
    return;
  }
  if (!in_flight()) {  // everyone has been told
    if (*input.what == settlement::stored) {
      attempt_ = conflicts_ = 0;
      lost_ = false;
    }
    doubt_.reset();
    return begin_recovery(out);
  }
  phase_ = phase::running;
  if (*input.what == settlement::stored) return made_durable(now, out);
  if (*input.what == settlement::superseded) {
    lose({errc::outcome_unknown, "another writer has gone on: nobody can tell any more"}, out, {});
    begin_recovery(out);
  } else if (conflict_) {
    overtaken(error{*conflict_}, out);
  } else {
    error why{errc::unavailable, "the storage did not keep the events"};
    if (doubt_ != nullptr && !doubt_->message.empty()) why.message += ": " + doubt_->message;
    lose_and_recover(why, out, always);
  }
}

// The speculative state is void, and with it every answer given on it. A command that was stashed has
// none: it is decided again. So are the others, up to `retries_max` times each, in the order of their
// decisions: before the stash, whose commands they have passed already.
void entity_fsm::lose(const error& why, actions& out, retries max) {
  bool seen = false;
  undurable_.each([&](const entity_call& c) { seen = seen || (c.counted && !c.told); });
  out.emplace_back(tell{entity_signal::kind::append_failed, in_flight_last_, named(why),
                        !seen && attempt_ == 0});
  in_flight_last_ = 0;
  hold_ = hold::none;
  if (std::exchange(process_stops_, false)) passivating_ = false;  // on_recovered says it again
  conflict_.reset();
  doubt_.reset();
  call_list again;
  while (!undurable_.empty()) {
    auto command = undurable_.pop();
    auto& call = command.as<entity_call>();
    // on_recovered comes by itself with the next recovery.
    if (call.counted && call.retries < (call.own ? max.of_own : max.of_callers)) {
      ++call.retries;
      again.push(std::move(command));
      continue;
    }
    auto of_command = named(why, command);
    out.emplace_back(refuse{std::move(command), std::move(of_command)});
  }
  unstash();
  waiting_.prepend(again);
}

// Another writer was there first, and nothing of what was decided is stored. One who closes has no
// fresh state to decide on.
void entity_fsm::overtaken(const error& why, actions& out) {
  lose(why, out, closing_ ? retries{} : retries{options_.conflict_retries_max, always});
  // So many in a row are a storage whose reads are behind, or more rivals than one entity can bear.
  ++conflicts_ % conflicts_at_once_max == 0 ? back_off(out) : begin_recovery(out);
}

// What on_recovered persists comes again with every recovery, and the answer to an own question is
// decided again: only a pause keeps them and a storage that refuses them from chasing each other.
void entity_fsm::lose_and_recover(const error& why, actions& out, std::uint32_t own_retries_max) {
  bool comes_again = false;
  undurable_.each([&](const entity_call& c) { comes_again = comes_again || !c.counted || c.own; });
  lose(why, out, {.of_own = closing_ ? 0 : own_retries_max});
  comes_again ? back_off(out) : begin_recovery(out);
}

// Who stops waiting before it is over is told that much.
void entity_fsm::in_doubt(const error& why) {
  doubt_ = std::make_unique<error>(why);
  const auto note = [&](entity_call& c) { c.note_trouble(why.message); };
  undurable_.each(note);
  waiting_.each(note);
}

void entity_fsm::give_up_settling(actions& out) {
  if (in_flight()) {
    error why{errc::outcome_unknown, "stopped before the storage told whether it kept the events"};
    if (doubt_ != nullptr) why.message += "; its last trouble: " + doubt_->message;
    lose(why, out, {});
  }
  close(out);
}

// Callers learn why they wait; the entity goes on asking, and recovers once it knows. An answer to an
// own question that is not decided yet has no caller, and can wait.
void entity_fsm::tell_unsettled(const error& why, actions& out) {
  if (in_flight()) {
    lose({errc::outcome_unknown,
          fmt::format("the storage has not told yet whether it kept the events: {}", why.message)},
         out, {});
    pending_.reset();
    beyond_.reset();
  }
  refuse_waiting(why, out, [](const entity_call& c) { return !c.own; });
}

void entity_fsm::back_off(actions& out) {
  if (closing_) return close(out);
  lost_ = lost_ || phase_ == phase::running;
  restarting_ = false;  // whatever comes next starts anew
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, attempt_++});
}

// For as long as supervision said.
void entity_fsm::pause(actions& out) {
  hold_ = hold::none;
  restarting_ = true;  // even if nobody waits for it
  phase_ = phase::backing_off;
  out.emplace_back(wait{++epoch_, 0, std::exchange(pause_, {})});
}

// A process has begun something, which nobody may be going to ask for.
bool entity_fsm::comes_back() const noexcept {
  return !waiting_.empty() || restarting_ || (model_.is_process() && !passivating_);
}

void entity_fsm::step(const moment& /*now*/, wait_over input, actions& out) {
  if (input.epoch != epoch_) return;
  if (phase_ == phase::settling) {
    out.emplace_back(settle{});
  } else if (phase_ == phase::backing_off) {
    if (comes_back()) return begin_recovery(out);
    stop(passivating_ ? ending::passivated : ending::failed, out);
  }
}

}
