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

// Reads by `submit`, a call with a job, and sends the answer to `to`.
template <class Answer, class F, class Submit>
void read_for(const mailbox& to, Answer* answer, F f, const Submit& submit) {
  envelope held{answer};
  auto queued = submit([answer, held, f = std::move(f), to](journal_session& session) {
    answer->what = f(session);
    auto done = ended(answer->what);
    to.send(held);
    return done;
  });
  if (queued) return;
  answer->what = fail(std::move(queued.error()));
  to.send(std::move(held));
}

// The job must not hold the directory: it could be the last holder, and would destroy the directory
// and the store on one of the store's threads.
auto load_job(const directory_core& in, const persistence_id& id, bool alarm) {
  return [id, of_state = in.info.of_state, alarm](journal_session& session) {
    return load_from(session, id, of_state, alarm);
  };
}

}  // namespace

// Runs `f(session)` on a thread that may block, and sends its answer back.
template <class Answer, class F>
void entity_actor::read(Answer* answer, F f) {
  read_for(self_, answer, std::move(f), [&](auto job) {
    const bool has_own = session_ != nullptr && session_->is;
    return has_own ? core_->dedicated->read(session_->is, std::move(job))
                   : core_->in.read(std::move(job));
  });
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

// A turn that had to be waited for begins the load by itself, which saves a message. The one that
// gives the turn is an entity of the same directory, which so lives that long.
recoveries::ticket entity_actor::ask_for_turn(std::uint32_t epoch) {
  const auto& id = slot_->id;
  if (core_->dedicated != nullptr) {
    return core_->turns.ask(self_, id.id(), [to = self_] { to.send(envelope{new turn_message}); });
  }
  auto begin = [core = core_.get(), slot = slot_, to = self_, epoch, alarm = model_->has_alarm()] {
    read_for(to, new load_answer{epoch}, load_job(*core, slot->id, alarm),
             [&](auto job) { return core->in.read(std::move(job)); });
  };
  return core_->turns.ask(self_, id.id(), std::move(begin));
}

void entity_actor::perform(const moment& now, load a, actions& /*out*/) {
  if (!has_session(a)) return;
  if (!turn_) {
    turn_ = std::make_unique<recovery_turn>(recovery_turn{ask_for_turn(a.epoch)});
    if (turn_->ticket.waited() && core_->dedicated == nullptr) turn_->begins = a.epoch;
  }
  turn_->due = a;
  turn_->begun = now.steady;
  load_now();
}

void entity_actor::load_now() {
  if (!turn_ || !turn_->due || !turn_->ticket.called()) return;  // or it was an abandoned turn
  const auto epoch = std::exchange(turn_->due, {})->epoch;
  if (epoch == turn_->begins) return;
  read(new load_answer{epoch}, load_job(*core_, slot_->id, model_->has_alarm()));
}

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
