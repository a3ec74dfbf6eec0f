// A node performs its machine's actions, as entity_actor does.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "incarnation.hpp"

namespace nexus::simulation {

void node::perform(const d::moment& /*now*/, d::load& a) {
  const auto to = live_->number;
  auto& [all, commands, storage, alarm] = live_->seen;
  storage.loads(commands.anybody_waits() || alarm.asked());
  journal_.load(number_, [this, to, epoch = a.epoch](result<d::load_result> what) {
    post(to, d::loaded{epoch, std::move(what)});
  });
  if (!live_->watched) watch(to, a.epoch, live_->machine.progress());
}

// Checks from time to time whether a recovery has moved.
void node::watch(std::uint64_t of, std::uint32_t epoch, std::uint32_t progress) {
  live_->watched = true;
  s_.time.after(model_journal::stall, [this, of, epoch, progress] {
    if (live_ == nullptr || live_->number != of) return;
    live_->watched = false;
    const auto& m = live_->machine;
    if (!m.recovering()) return;
    const bool same = m.epoch() == epoch && m.progress() == progress;
    if (same) {
      s_.time.after(choices_.chance(500) ? 0 : choices_.below(5'000),
                    [this, of, epoch] { post(of, d::recovery_stalled{epoch}); });
    }
    watch(of, m.epoch(), m.progress());
  });
}

void node::perform(const d::moment& /*now*/, d::replay& a) {
  const auto to = live_->number;
  live_->seen.storage.reads(a);
  journal_.replay(number_, a.from, a.to, [this, to, a](result<d::replay_chunk> what) {
    post(to, d::replayed{a.epoch, a.from, a.to, std::move(what)});
  });
}

void node::perform(const d::moment& now, d::decode_chunk& /*a*/) {
  live_->machine.step(now, d::decode_due{}, out_);
}

void node::perform(const d::moment& /*now*/, d::append& a) {
  live_->seen.commands.appends();
  live_->seen.storage.appends(a, live_->machine.durable());
  live_->seen.alarms.appends(a);
  auto w = std::make_shared<write>(write{.expected = a.expected, .writer = writer(), .due = a.due});
  if (a.events != nullptr) {
    for (const auto& e : a.events->events()) w->events.emplace_back(e.data);
  }
  live_->in_flight = w;
  journal_.append(number_, w, [this, to = live_->number](append_outcome o) {
    post(to, d::appended{std::move(o)});
  });
}

void node::perform(const d::moment& /*now*/, d::settle& /*a*/) {
  live_->seen.storage.settles();
  journal_.settle(number_, live_->in_flight, [this, to = live_->number](result<settlement> s) {
    post(to, d::settle_answered{std::move(s)});
  });
}

void node::perform(const d::moment& /*now*/, d::save& a) {
  live_->seen.storage.saves();
  journal_.save(number_, std::move(a.snapshot),
                [this, to = live_->number](bool /*saved*/) { post(to, d::snapshot_saved{}); });
}

void node::perform(const d::moment& /*now*/, d::release& a) {
  auto& call = a.call.as<sim_call>();
  live_->seen.commands.releases(call.id(), call.last());
  if (call.counted) --on_its_way_;
  call.finish(live_->model, *this);
  if (call.alarm) return release_alarm(call);
  if (!call.of_caller()) return;
  auto& f = s_.fate_of(call.id());
  if (f.chained != f.last.flags.runs) {
    s_.judge.broken("a chain runs before its command is over", fmt::format("command {}", f.id));
  }
  if (*call.answer) return give_answer(f, fate::answer::done);
  give_answer(f, fate::answer::refused, call.answer->error().code);
}

void node::perform(const d::moment& /*now*/, d::refuse& a) {
  auto& call = a.call.as<sim_call>();
  if (live_->seen.commands.refuses(call.id())) live_->seen.storage.check_told(a.why.code);
  if (call.counted) --on_its_way_;
  const auto why = a.why;
  call.fail(std::move(a.why));
  if (call.alarm) {
    s_.reaches(landmark::alarm_lost);
    live_->seen.alarms.over();
    if (firing_arrived_) alarm_over(false);
    return;
  }
  if (!call.of_caller()) return;
  auto& f = s_.fate_of(call.id());
  check_refusal(f, why);
  give_answer(f, fate::answer::failed, why.code);
}

void node::perform(const d::moment& /*now*/, d::discard& a) {
  s_.judge.broken("only a timer's command is discarded",
                  fmt::format("command {}", a.call.as<sim_call>().id()));
}

// The waker looks at what is stored, so it only has to know that its firing is over.
void node::release_alarm(const sim_call& call) {
  live_->seen.alarms.over();
  if (*call.answer) live_->seen.alarms.fired(**call.answer);
  if (firing_arrived_)
    alarm_over(false);  // a state that another writer overtook may have decided it
}

void node::alarm_over(bool seen) {
  if (firing_ == 0) return;
  firing_arrived_ = false;
  const auto due = seen ? live_->machine.stored_due() : std::nullopt;
  to_.alarm_over(std::exchange(firing_, 0), seen, due);
}

void node::perform(const d::moment& /*now*/, d::due_stored& a) { live_->seen.alarms.noted(a.due); }

void node::perform(const d::moment& /*now*/, d::alarm_seen& a) {
  live_->seen.alarms.seen(a.why);
  if (firing_arrived_) alarm_over(a.why.message.empty());
}

void node::perform(const d::moment& now, d::run& a) {
  ran_ = true;
  const bool unstashes = a.call.as<sim_call>().last().flags.unstashes;
  d::release first{std::move(a.call)};
  perform(now, first);
  if (unstashes) live_->seen.commands.unstashes();
  live_->machine.step(now, d::run_done{}, out_);
}

void node::perform(const d::moment& /*now*/, d::wait& a) {
  live_->seen.storage.waits(a.attempt);
  const auto delay = (100U << std::min(a.attempt, 7U)) + choices_.below(50);
  s_.time.after(delay,
                [this, to = live_->number, epoch = a.epoch] { post(to, d::wait_over{epoch}); });
}

void node::perform(const d::moment& /*now*/, d::tell& a) {
  auto& [all, commands, storage, alarm] = live_->seen;
  switch (a.what) {
    case entity_signal::kind::append_failed:
      commands.loses(a.why.code == errc::conflict);
      break;
    case entity_signal::kind::recovered:
      commands.recovers();
      storage.recovers();
      alarm.recovers(a.number);
      break;
    case entity_signal::kind::recovery_failed:
      commands.recovery_fails(!alarm.threw() && a.why.code != errc::corrupt &&
                              a.why.code != errc::conflict);
      storage.recovery_fails(a.why.code);
      break;
    default:
      break;
  }
  const bool overtaken =
      a.what == entity_signal::kind::interleaved ||
      (a.what == entity_signal::kind::recovery_failed && a.why.code == errc::conflict);
  if (overtaken && s_.planned.nodes == 1) {
    s_.judge.broken("one system's writers follow each other", a.why.message);
  }
}

// One read at a time, abandoned after a while; its answer may still come.
void node::perform(const d::moment& /*now*/, d::read_highest& a) {
  if (live_->checking != 0) s_.judge.broken("the highest number is read once at a time", "");
  live_->checking = a.number;
  live_->seen.commands.checks();
  if (live_->seen.storage.writing()) {
    s_.judge.broken("the highest number is read once all is durable", "");
  }
  auto answer = [this, to = live_->number, number = a.number](result<sequence_nr> what) {
    post(to, d::highest_checked{number, std::move(what)});
  };
  journal_.read_highest(number_, answer);
  s_.time.after(model_journal::stall, [answer] { answer(fail(errc::timeout, "too slow")); });
}

void node::perform(const d::moment& /*now*/, d::stopped& /*a*/) {
  live_->in_flight.reset();
  live_->seen.commands.stops(live_->seen.storage.saving());
  live_->seen.storage.stops();
  live_->seen.alarms.stops();
  if (firing_arrived_) {
    s_.reaches(landmark::alarm_dropped);
    alarm_over(false);
  }
  if (closing_) {
    up_ = false;
  } else if (on_its_way_ != 0) {
    s_.reaches(landmark::went_on);
    return;  // a command is on its way: this machine goes on and serves it
  }
  end_incarnation();
}

}
