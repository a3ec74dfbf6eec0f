// The part of an entity's actor that reads the journal: for recoveries and for verified commands.
#include <utility>

#include "entity_actor.hpp"
#include "messages.hpp"
#include "nexus/detail/saturating.hpp"
#include "recovery_reads.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

// Drops the value: the circuit breaker needs only the error.
template <class T>
result<void> ended(const result<T>& r) {
  if (r) return {};
  return fail(r.error());
}

}  // namespace

// Runs `f(session)` on a reader's thread, and sends its answer back.
template <class Answer, class F>
void entity_actor::read(Answer* answer, F f) {
  envelope held{answer};
  auto queued = core_->in.read([answer, held, f, to = self_](journal_session& session) {
    answer->what = f(session);
    auto done = ended(answer->what);
    to.send(held);
    return done;
  });
  if (queued) return;
  answer->what = fail(std::move(queued.error()));
  self_.send(std::move(held));
}

void entity_actor::perform(const moment& now, load a, actions& /*out*/) {
  if (!turn_)
    turn_ = std::make_unique<recovery_turn>(recovery_turn{core_->turns.ask(self_, slot_->id.id())});
  turn_->due = a;
  turn_->begun = now.steady;
  load_now();
}

void entity_actor::load_now() {
  if (!turn_ || !turn_->due || !turn_->ticket.called()) return;  // or it was an abandoned turn
  read(new load_answer{std::exchange(turn_->due, {})->epoch},
       [id = slot_->id, of_state = core_->info.of_state, alarm = model_->has_alarm()](
           journal_session& session) { return load_from(session, id, of_state, alarm); });
}

// The job must not hold the directory: it could be the last holder, and would destroy the directory
// and the store on one of the store's threads.
void entity_actor::perform(const moment& /*now*/, replay a, actions& /*out*/) {
  const chunk_shape shape{core_->options.replay_chunk_bytes,
                          core_->options.replay_filter.mode != replay_filter_mode::off};
  read(new replay_answer{a}, [id = slot_->id, a, shape](journal_session& session) {
    return replay_from(session, id, a, shape);
  });
}

// A silent storage also delays all later commands, so the wait is bounded.
void entity_actor::perform(const moment& now, read_highest a, actions& /*out*/) {
  core_->metrics.verified.add();
  begin_check(now, a.number);
  read(new check_answer{a.number},
       [id = slot_->id, of_state = core_->info.of_state](journal_session& session) {
         return highest_of(session, id, of_state);
       });
}

// One timer serves all reads: if it fires too early, it stays for the next read.
void entity_actor::begin_check(const moment& now, std::uint32_t number) {
  check_ = number;
  check_begun_ = now.steady;
  const auto patience = core_->options.recovery_timeout;
  if (patience.count() <= 0 || std::exchange(check_watched_, true)) return;
  self_.send_after(patience, envelope{new check_due_message});
}

void entity_actor::look_after_check(const moment& now, actions& out) {
  check_watched_ = false;
  if (check_ == 0) return;
  const auto patience = saturated<std::chrono::nanoseconds>(core_->options.recovery_timeout);
  const auto waited = now.steady - check_begun_;
  if (waited < patience) {
    check_watched_ = true;
    return self_.send_after(patience - waited, envelope{new check_due_message});
  }
  const auto late = std::exchange(check_, 0);
  auto why = fail(errc::timeout, "the storage did not return the highest number in time");
  fsm_.step(now, highest_checked{late, std::move(why)}, out);
}

// Called once per recovery_timeout: checks whether anything has moved since the last call.
void entity_actor::look_after_recovery(const moment& now, actions& out) {
  if (!turn_) return;
  const bool same = fsm_.recovering() && turn_->watched_epoch == fsm_.epoch() &&
                    turn_->watched_progress == fsm_.progress();
  turn_->watched_epoch = fsm_.epoch();
  turn_->watched_progress = fsm_.progress();
  if (same) fsm_.step(now, recovery_stalled{fsm_.epoch()}, out);
}

void entity_actor::perform(const moment& now, decode_chunk /*a*/, actions& out) {
  fsm_.step(now, decode_due{}, out);
}

}}}
