#include "entity_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "messages.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 { namespace detail {

entity_actor::entity_actor(std::shared_ptr<directory_core> in,
                           std::shared_ptr<entity_directory::slot> at)
    : core_{std::move(in)},
      slot_{std::move(at)},
      model_{core_->info.make_model(slot_->id.id())},
      fsm_{slot_->id, *model_, core_->machine, core_->sys.writer_id()} {
  core_->live_ones->born();  // last: an entity whose constructor throws must not be counted
}

entity_actor::~entity_actor() { core_->gone(); }

// Each callback of the user is guarded, so that an exception harms only its own command. Other
// exceptions mean that memory ran out: then the entity cannot be trusted any more.
actor::verdict entity_actor::receive(envelope m) {
  try {
    return handle(std::move(m));
  } catch (...) {
    give_up(what_was_thrown());
    return verdict::stop;
  }
}

// Its commands are dropped, and so answered `stopped`; the next command starts it again.
void entity_actor::give_up(const std::string& why) noexcept {
  slot_->close();
  core_->remove(*slot_);
  session_.reset();
  over_ = true;
  try {
    core_->metrics.failed.add();
    const auto name = slot_->id.str();
    log().error("{}: was ended: {}", name, why);
    tell_watchers(ending::failed);
    constexpr auto stopped = entity_signal::kind::stopped;
    if (!core_->hears(stopped)) return;
    core_->tell({stopped, name, fsm_.durable(), {errc::actor_failed, why}, ending::failed}, false);
  } catch (...) {  // NOLINT: no memory for a log line
  }
}

// An entity whose append is in flight is not idle anyway.
static bool is_use(const envelope& m) {
  const auto kind = static_cast<message_kind>(m.get()->kind());
  return kind != message_kind::passivate && kind != message_kind::timers &&
         kind != message_kind::written;
}

actor::verdict entity_actor::handle(envelope m) {
  thread_local actions out;
  const moment now{core_->sys.time().now(), core_->sys.steady()};
  if (is_use(m)) slot_->used(now.steady);
  if (asked_in_vain_ && static_cast<message_kind>(m.get()->kind()) != message_kind::passivate) {
    asked_in_vain_ = false;
    slot_->asked_to_leave(false);
  }
  out.clear();
  if (parked_) slot_->park(0);
  dispatch(now, std::move(m), out);
  auto perform_all = [&] {
    for (std::size_t i = 0; i < out.size(); ++i) {
      auto next = std::move(out[i]);
      std::visit([&](auto& a) { perform(now, std::move(a), out); }, next);
    }
    out.clear();
  };
  perform_all();
  // The gate counts every command sent, so commands that the machine does not hold are still
  // queued.
  const auto on_their_way = slot_->count();
  if (!over_ && on_their_way == fsm_.held()) {
    fsm_.step(now, drained{}, out);
    perform_all();
  }
  if (woken_ && !over_) {
    leave_if_woken(now, out);
    perform_all();
  }
  if (turn_ && !fsm_.recovering()) {
    turn_.reset();
    if (alarm_) alarm_.as<alarm_message>().has_recovered();
  }
  if (over_) return verdict::stop;
  if (kept_ || fsm_.timers() != nullptr) look_after_timers();
  // Another one has to go instead of one that could not.
  if (on_their_way == 0 || asked_in_vain_) core_->live_ones->at_rest();
  show_rest(on_their_way);
  return verdict::go_on;
}

// For a shutdown, which waits until nothing is in flight: see shutdown_participant.
void entity_actor::show_rest(std::uint64_t on_their_way) {
  if (paused_) {
    using phase = entity_fsm::phase;
    paused_ = fsm_.at() == phase::backing_off || fsm_.at() == phase::settling;
    if (!paused_) slot_->pause(false);
  }
  if (on_their_way == 0 && !parked_) return;
  const auto stashed = fsm_.only_stashed();
  parked_ = stashed != 0;
  if (parked_) slot_->park(stashed);
}

void entity_actor::dispatch(const moment& now, envelope m, actions& out) {
  switch (static_cast<message_kind>(m.get()->kind())) {
    case message_kind::command:
      take_command(now, std::move(m), out);
      break;
    case message_kind::written:
      written(now, m, out);
      break;
    case message_kind::loaded: {
      auto& a = m.as<load_answer>();
      fsm_.step(now, loaded{a.epoch, std::move(a.what)}, out);
      load_now();  // if this was the answer of an earlier epoch
      break;
    }
    case message_kind::replayed: {
      auto& a = m.as<replay_answer>();
      fsm_.step(now, replayed{a.asked.epoch, a.asked.from, a.asked.to, std::move(a.what)}, out);
      break;
    }
    case message_kind::timer:
      if (paused_ && fsm_.at() == entity_fsm::phase::settling) {
        paused_ = false;
        slot_->pause(false);
      }
      fsm_.step(now, wait_over{m.as<timer_message>().epoch}, out);
      break;
    case message_kind::timers:
      take_timers(now, out);
      break;
    case message_kind::checked: {
      auto& a = m.as<check_answer>();
      if (a.number == check_) check_ = 0;
      fsm_.step(now, highest_checked{a.number, std::move(a.what)}, out);
      break;
    }
    case message_kind::check_due:
      look_after_check(now, out);
      break;
    case message_kind::session:
      take_session(now, std::move(m.as<session_answer>().what), out);
      break;
    case message_kind::session_late:
      look_after_session(now, m.as<session_late_message>().epoch, out);
      break;
    case message_kind::turn:
      load_now();
      break;
    case message_kind::turn_watch:
      look_after_recovery(now, out);
      break;
    case message_kind::watch:
      keep_watcher(std::move(m));
      break;
    case message_kind::passivate:
      passivate(now, m.as<passivation::request>(), out);
      break;
    case message_kind::group:
      m.as<group_message>().restart ? fsm_.step(now, restart_asked{}, out)
                                    : fsm_.step(now, passivate_asked{}, out);
      break;
    case message_kind::alarm:
      take_alarm(now, std::move(m), out);
      break;
    case message_kind::close:
      fsm_.step(now, close_asked{}, out);
      break;
    default:
      log().error("{}: a message of unknown kind {}", slot_->id.str(), m.get()->kind());
  }
}

void entity_actor::take_command(const moment& now, envelope m, actions& out) {
  const bool too_many = core_->options.when_full == overflow::drop_oldest &&
                        slot_->count() > core_->options.mailbox_max;
  if (too_many) fsm_.step(now, displaced{}, out);
  const auto& call = m.as<entity_call>();
  if (!call.own) {
    woken_ = false;
  } else if (!call.of_watch && questions_ > 0) {
    --questions_;
  }
  fsm_.step(now, std::move(m), out);
}

// -- the alarm --------------------------------------------------------------------------------

void entity_actor::take_alarm(const moment& now, envelope m, actions& out) {
  auto& asked = m.as<alarm_message>();
  if (alarm_) {
    return asked.answer(
        {.why = {errc::overloaded, slot_->id.str() + ": decides its alarm already"}, .busy = true});
  }
  woken_ = woken_ || fsm_.at() == entity_fsm::phase::fresh;
  const alarm_due input{asked.seen_at, core_->sys.next_id(), asked.found, !asked.found};
  alarm_ = std::move(m);
  fsm_.step(now, input, out);
}

// What the journal has is not known after a failure: the entity may not even have read it.
void entity_actor::alarm_over(const error* why, bool failed) {
  if (!alarm_) return;
  const auto asked = std::exchange(alarm_, {});
  asked.as<alarm_message>().answer(
      {.due = fsm_.stored_due(), .known = !failed, .why = why != nullptr ? *why : error{}});
}

void entity_actor::perform(const moment& /*now*/, due_stored a, actions& /*out*/) {
  if (a.due && core_->alarms != nullptr) core_->alarms->stored(*a.due);
}

void entity_actor::perform(const moment& /*now*/, alarm_seen a, actions& /*out*/) {
  alarm_over(&a.why, !a.why.message.empty());
}

// An entity that the waker woke stays for the answers to its questions, and for commands that come
// meanwhile; then nothing else would make it leave before it has been idle for long.
void entity_actor::leave_if_woken(const moment& now, actions& out) {
  const auto* timers = fsm_.timers();
  if (alarm_ || questions_ != 0 || (timers != nullptr && timers->keeps_live())) return;
  fsm_.step(now, passivate_asked{.only_now = true}, out);
}

void entity_actor::keep_watcher(envelope m) {
  constexpr std::size_t watchers_max = 10'000;
  if (watchers_ == nullptr) watchers_ = std::make_unique<std::vector<envelope>>();
  auto& all = *watchers_;
  if (all.size() >= std::min(watchers_swept_at_, watchers_max)) {
    std::erase_if(all, [](const envelope& one) { return one.as<watch_call>().asker_left(); });
    watchers_swept_at_ = 2 * std::max<std::size_t>(all.size(), 8);
  }
  if (all.size() < watchers_max) return all.push_back(std::move(m));
  m.as<watch_call>().fail({errc::overloaded, slot_->id.str() + ": has too many watchers"});
}

// The machine knows whether it is idle; commands that came meanwhile are queued or were handled.
void entity_actor::passivate(const moment& now, const passivation::request& asked, actions& out) {
  leaving_for_ = asked.why;
  leaving_ =
      fsm_.at() == entity_fsm::phase::running && !kept_ && slot_->last_used() <= asked.unused_since;
  if (leaving_) fsm_.step(now, passivate_asked{.only_now = true}, out);
  if (leaving_ && fsm_.at() == entity_fsm::phase::fresh) return;  // the action `stopped` decides
  leaving_ = false;
  if (slot_->last_used() > asked.unused_since) return core_->live_ones->stays(*slot_);
  // Until something else has come it would say the same, again and again.
  asked_in_vain_ = true;
}

void entity_actor::written(const moment& now, const envelope& m, actions& out) {
  auto& job = m.as<write_job>();
  switch (job.todo) {
    case write_job::step::append:
      if (std::holds_alternative<stored>(job.outcome)) core_->events_stored();
      fsm_.step(now, appended{job.outcome}, out);  // settling needs the outcome, too
      break;
    case write_job::step::settle:
      fsm_.step(now, settle_answered{std::move(job.settled)}, out);
      break;
    case write_job::step::save_snapshot:
      tell_saved(now, job, out);
      fsm_.step(now, snapshot_saved{}, out);
  }
}

void entity_actor::tell_saved(const moment& now, const write_job& job, actions& out) {
  using kind = entity_signal::kind;
  const auto& save = *job.save;
  const auto number = save.snapshot.number;
  if (!save.saved) {
    return perform(now, tell{kind::snapshot_failed, number, save.saved.error()}, out);
  }
  perform(now, tell{kind::snapshot_saved, number, {}}, out);
  if (!save.pruned) perform(now, tell{kind::prune_failed, number, save.pruned.error()}, out);
}

// -- actions ----------------------------------------------------------------------------------

std::unique_ptr<write_job> entity_actor::make_job(write_job::step todo) const {
  auto job = std::make_unique<write_job>(number(message_kind::written), slot_->id);
  job->reply_to = self_;
  job->todo = todo;
  job->writer = core_->sys.writer_id();
  job->of_state = core_->info.of_state;
  return job;
}

void entity_actor::perform(const moment& /*now*/, append a, actions& /*out*/) {
  auto job = make_job(write_job::step::append);
  job->expected = a.expected;
  job->events = std::move(a.events);
  job->due = a.due;
  in_flight_ = envelope{job.release()};
  write_out(in_flight_);
}

void entity_actor::perform(const moment& /*now*/, settle /*a*/, actions& /*out*/) {
  in_flight_.as<write_job>().todo = write_job::step::settle;
  write_out(in_flight_);
}

void entity_actor::perform(const moment& now, save a, actions& /*out*/) {
  auto job = make_job(write_job::step::save_snapshot);
  a.snapshot.writer = job->writer;
  a.snapshot.time = now.wall;
  job->save = std::make_unique<write_job::saving>(
      write_job::saving{.snapshot = std::move(a.snapshot),
                        .keep = {core_->options.keep_snapshots, core_->options.erase_events},
                        .saved = {},
                        .pruned = {}});
  write_out(envelope{job.release()});
}

// Counted out first, so that the asker finds room for its next command. A chain may ask others:
// until it has, the command counts as in flight.
void entity_actor::perform(const moment& /*now*/, release a, actions& /*out*/) {
  auto& call = a.call.as<entity_call>();
  over(call, call.refusal());
  core_->command_over(call);
  const bool chained = call.chained;
  if (chained) core_->question_asked();
  if (call.counted) slot_->leave(call.size_bytes);
  call.finish(*model_, *this);
  if (chained) core_->question_answered();
  if (call.alarm) alarm_over(call.refusal(), false);
}

void entity_actor::perform(const moment& /*now*/, refuse a, actions& /*out*/) {
  auto& call = a.call.as<entity_call>();
  over(call, &a.why);
  core_->command_over(call);
  if (call.counted) slot_->leave(call.size_bytes);
  if (call.alarm) alarm_over(&a.why, true);
  call.fail(std::move(a.why));
}

// The sender of a `tell` gets no answer, so the dead letters get it with every reason; asked
// commands only if they found no room or came too late. (`unhandled` is reported separately.)
void entity_actor::over(const entity_call& c, const error* why) {
  core_->metrics.command_over(c, why);
  if (why == nullptr || !c.counted || why->code == errc::unhandled) return;
  const bool no_room =
      why->code == errc::stopped || why->code == errc::overloaded || why->code == errc::timeout;
  if (!c.told && !no_room) return;
  core_->sys.letters().publish({slot_->id.str(), c.header.command_id, *why});
}

void entity_actor::perform(const moment& now, run a, actions& out) {
  perform(now, release{std::move(a.call)}, out);
  fsm_.step(now, run_done{}, out);
}

void entity_actor::perform(const moment& /*now*/, wait a, actions& /*out*/) {
  using std::chrono::microseconds;
  paused_ = true;
  slot_->pause(true);
  if (a.pause.count() > 0) return self_.send_after(a.pause, envelope{new timer_message{a.epoch}});
  const auto grown = doubled(saturated<microseconds>(core_->options.backoff_min), a.attempt);
  const auto delay = std::min(grown, saturated<microseconds>(core_->options.backoff_max));
  // Jitter, so that entities that failed together do not retry together.
  const auto jitter = 0.8 + 0.4 * static_cast<double>(core_->sys.random() % 1024) / 1024;
  self_.send_after(delay * jitter, envelope{new timer_message{a.epoch}});
}

void entity_actor::perform(const moment& now, tell a, actions& /*out*/) {
  auto& count = core_->metrics;
  if (a.what == entity_signal::kind::recovered) {
    count.recovered.add();
    count.recovered_events.observe(static_cast<double>(a.number));
    if (turn_) {
      const std::chrono::duration<double> took = now.steady - turn_->begun;
      count.recovery_seconds.observe(took.count());
    }
  } else if (a.what == entity_signal::kind::recovery_failed) {
    count.recoveries_failed.add();
  }
  if (!core_->hears(a.what)) return;
  const auto name = slot_->id.str();
  core_->tell({a.what, name, a.number, std::move(a.why), a.how}, a.unseen);
}

// Cached per thread, so that entities that ask each other do not compete for the system's names.
std::shared_ptr<entity_directory> entity_actor::directory_of(std::string_view type) {
  struct known {
    ulid on;  // the system's writer id, which is unique
    std::string type;
    std::weak_ptr<entity_directory> is;
  };
  constexpr std::size_t known_max = 256;
  thread_local std::vector<known> all;
  const auto same = [&](const known& k) {
    return k.on == core_->sys.writer_id() && k.type == type;
  };
  if (auto at = std::find_if(all.begin(), all.end(), same); at != all.end()) {
    if (auto found = at->is.lock(); found != nullptr && found->status()) return found;
    all.erase(at);
  }
  auto found = entity_directory::on(core_->sys, type);
  if (found == nullptr) return nullptr;
  if (all.size() >= known_max) all.clear();
  all.push_back({core_->sys.writer_id(), std::string{type}, found});
  return found;
}

void entity_actor::unhandled(const entity_call& c, const error& why) {
  core_->sys.letters().publish({slot_->id.str(), c.header.command_id, why});
}

void entity_actor::chain_threw(const entity_call& c, const error& why) noexcept {
  core_->metrics.chains_failed.add();
  auto told = guarded(errc::actor_failed, "reporting it", [&] {
    log().error("command {}: {}", c.header.command_id.to_string(), why.message);
    const auto name = slot_->id.str();
    core_->tell({entity_signal::kind::chain_failed, name, fsm_.durable(), why}, false);
  });
  (void)told;  // a failing log cannot be reported
}

void entity_actor::perform(const moment& /*now*/, stopped a, actions& /*out*/) {
  in_flight_ = {};
  alarm_ = {};
  tell_watchers(a.why);
  if (core_->closing()) {
    slot_->close();
  } else if (!slot_->try_close()) {
    // A command is on its way: this actor goes on and serves it.
    if (std::exchange(leaving_, false)) core_->live_ones->stays(*slot_);
    return;
  }
  count_ending(a.why);
  core_->remove(*slot_);
  session_.reset();
  over_ = true;
}

void entity_actor::tell_watchers(ending why) {
  if (watchers_ == nullptr) return;
  const auto told = std::move(watchers_);
  for (const auto& one : *told) one.as<watch_call>().ended(why);
}

void entity_actor::count_ending(ending why) {
  auto& count = core_->metrics;
  switch (why) {
    case ending::passivated:
      if (!leaving_) return count.passivated_asked.add();
      return (leaving_for_ == passivation::reason::cap ? count.passivated_cap
                                                       : count.passivated_idle)
          .add();
    case ending::stopped:
      return count.stopped.add();
    case ending::failed:
      return count.failed.add();
    case ending::closed:
      break;
  }
}

}}}
