// The part of an entity's actor that reads the journal: for recoveries and for verified commands.
#include <fmt/format.h>

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

// Runs `f(session)` on a thread that may block, and sends its answer back.
template <class Answer, class F>
void entity_actor::read(Answer* answer, F f) {
  envelope held{answer};
  const auto job = [answer, held, f, to = self_](journal_session& session) {
    answer->what = f(session);
    auto done = ended(answer->what);
    to.send(held);
    return done;
  };
  const bool has_own = session_ != nullptr && session_->is;
  auto queued = has_own ? core_->dedicated->read(session_->is, job) : core_->in.read(job);
  if (queued) return;
  answer->what = fail(std::move(queued.error()));
  self_.send(std::move(held));
}

void entity_actor::write_out(const envelope& job) {
  if (session_ == nullptr || !session_->is) return write(core_->in, job);
  core_->dedicated->write(session_->is, job);
}

// Else the load goes on when the session comes. A load that gives up leaves its entity's place in
// the queue to the next one.
bool entity_actor::has_session(load a) {
  if (core_->dedicated == nullptr) return true;
  if (session_ == nullptr) session_ = std::make_unique<own_session>();
  if (session_->is) return true;
  session_->waits = a;
  core_->dedicated->tend();  // a stepped pool does nothing by itself
  const auto patience = core_->options.recovery_timeout;
  if (patience.count() > 0) {
    self_.send_after(patience, envelope{new session_late_message{a.epoch}});
  }
  if (std::exchange(session_->asked, true)) return false;
  core_->dedicated->ask(slot_->id.str(), session_->cancel.get_token(),
                        [to = self_](result<session_holder> got) {
                          to.send(envelope{new session_answer{std::move(got)}});
                        });
  return false;
}

void entity_actor::take_session(const moment& now, result<session_holder> got, actions& out) {
  session_->asked = false;
  const auto waits = std::exchange(session_->waits, std::nullopt);
  if (got) {
    session_->is = *std::move(got);
    if (waits) perform(now, *waits, out);
  } else if (waits) {
    fsm_.step(now, loaded{waits->epoch, fail(std::move(got.error()))}, out);
  }
}

void entity_actor::look_after_session(const moment& now, std::uint32_t epoch, actions& out) {
  if (session_ == nullptr || !session_->waits || session_->waits->epoch != epoch) return;
  session_->waits.reset();
  const auto is = core_->dedicated->statistics();
  auto why =
      fail(errc::pool_exhausted,
           fmt::format("no connection became free within {} ms: {} of {} are held, and {} "
                       "entities wait",
                       core_->options.recovery_timeout.count(), is.in_use, is.max, is.waiting));
  fsm_.step(now, loaded{epoch, std::move(why)}, out);
}

void entity_actor::perform(const moment& now, load a, actions& /*out*/) {
  if (!has_session(a)) return;
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
