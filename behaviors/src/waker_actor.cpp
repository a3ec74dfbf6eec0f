#include "waker_actor.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/journal_errors.hpp"

namespace nexus { inline namespace v0 { namespace detail {

waker_actor::waker_actor(system& sys, std::shared_ptr<const alarm_times> times,
                         std::shared_ptr<std::atomic<std::uint64_t>> unknown)
    : sys_{sys}, times_{std::move(times)}, unknown_{std::move(unknown)} {}

actor::verdict waker_actor::receive(envelope m) {
  auto next = verdict::go_on;
  const auto tell = [](const std::string& why) { log().error("the waker of alarms: {}", why); };
  (void)guarded([&] { next = handle(m); }, tell);
  if (next == verdict::go_on) (void)guarded([&] { schedule(); }, tell);
  return next;
}

actor::verdict waker_actor::handle(const envelope& m) {
  switch (static_cast<kind>(m.get()->kind())) {
    case kind::join:
      join(m.as<join_message>());
      break;
    case kind::leave:
      leave(m.as<leave_message>().key);
      if (m.as<leave_message>().last) return verdict::stop;
      break;
    case kind::stored:
      if (auto* of = type_of(m.as<stored_message>().key)) look(*of, now());
      break;
    case kind::tick:
      if (m.as<tick_message>().turn != turn_) return verdict::go_on;
      tick_at_ = never;
      look_at_all();
      break;
    case kind::recovered:
      recovered(m.as<recovered_message>());
      break;
    case kind::answer:
      answered(m.as<answer_message>());
      break;
    case kind::arrival:
      m.as<arrival>().arrive(*this);
      break;
  }
  return verdict::go_on;
}

// -- types ------------------------------------------------------------------------------------

void waker_actor::join(join_message& m) {
  auto type = m.type.lock();
  if (type == nullptr) return;
  auto& in = journals_[m.journal];
  if (in == nullptr) {
    in = std::make_unique<journal_state>(*times_, sys_.writer_id());
    in->types_at = later(sys_.steady(), times_->look_every);
  }
  in->beat = m.beat;
  const std::string name{type->info.entity_type};
  const metric_labels labels{{"entity", name}};
  auto& all = sys_.metrics();
  const std::size_t recoveries = type->options.recoveries_max;
  m.shared->told = false;
  types_.push_back(
      {m.key, m.type, m.shared, m.journal, in.get(), name,
       alarm_queue{*times_, name, recoveries / 2},
       alarm_sweep{*times_, type->info.alarm_version, sys_.writer_id(), recoveries / 4},
       type->info.of_state,
       &all.count("nexus_alarms_fired_total", "Alarms that were due and have been decided.",
                  labels),
       &all.count("nexus_alarms_failed_total", "Alarms that were due and have to be tried again.",
                  labels),
       &all.measure("nexus_alarm_lateness_seconds",
                    "From the due time of an alarm until its outcome was durable.",
                    growing_bounds(0.001, 4, 10), labels)});
  look_at_all();
}

void waker_actor::leave(std::uint64_t key) {
  const auto* of = type_of(key);
  if (of == nullptr) return;
  const auto* journal = of->journal_key;
  std::erase_if(types_, [&](const type_state& one) { return one.key == key; });
  const bool used = std::any_of(types_.begin(), types_.end(),
                                [&](const type_state& one) { return one.journal_key == journal; });
  if (!used) journals_.erase(journal);
}

waker_actor::type_state* waker_actor::type_of(std::uint64_t key) {
  auto at = std::find_if(types_.begin(), types_.end(),
                         [&](const type_state& one) { return one.key == key; });
  return at == types_.end() ? nullptr : &*at;
}

// -- time -------------------------------------------------------------------------------------

void waker_actor::look_at_all() {
  const auto at = now();
  for (auto& [key, in] : journals_) look_at_journal(key, *in, at);
  for (auto& one : types_) look(one, at);
}

steady_time waker_actor::next_wake(const moment& now) {
  auto made = later(now.steady, times_->slice_max);
  for (const auto& [key, in] : journals_) {
    if (!in->beats) made = std::min(made, in->beat_at);
    if (!in->counts_types) made = std::min(made, in->types_at);
  }
  for (const auto& one : types_) {
    if (one.shared->barred) continue;
    const auto next = one.queue.next_wake();
    made = std::min({made, next.steady, one.sweep.next_wake()});
    if (next.wall != timestamp::max()) {
      made = std::min(made, later(now.steady, time_until(now.wall, next.wall)));
    }
  }
  return made;
}

// A sleep is short, whatever is planned: the wall clock may be set meanwhile.
void waker_actor::schedule() {
  if (types_.empty()) return;
  const auto at = now();
  const auto next = std::max(at.steady, next_wake(at));
  if (tick_at_ <= next) return;
  tick_at_ = next;
  self_.send_after(next - at.steady, envelope{new tick_message{++turn_}});
}

// -- journals ---------------------------------------------------------------------------------

waker_actor::directory waker_actor::any_of(const void* journal_key) const {
  for (const auto& one : types_) {
    if (one.journal_key != journal_key) continue;
    if (auto found = one.to.lock()) return found;
  }
  return nullptr;
}

void waker_actor::look_at_journal(const void* key, journal_state& in, const moment& now) {
  const auto by = any_of(key);
  if (by == nullptr) return;
  if (!in.beats && in.beat_at <= now.steady) beat(key, in, by, now);
  if (!in.counts_types && in.types_at <= now.steady) count_types(key, in, by, now);
}

// Other heartbeats are read only while they are needed, and rarely besides, for removing old ones. A
// database that refuses documents is no reason to open the circuit breaker.
void waker_actor::beat(const void* key, journal_state& in, const directory& by, const moment& now) {
  in.beats = true;
  in.beat_at = later(now.steady, times_->beat_every);
  const bool all = in.writers.watches(now.steady) || in.read_beats_at <= now.steady;
  if (all) in.read_beats_at = later(now.steady, times_->beats_every);
  const auto touch = [own = in.beat, all, old = std::exchange(in.old_beats, {})](
                         journal_session& s) -> result<std::optional<std::vector<heartbeat>>> {
    if (auto done = own->beat(s); !done) return fail(std::move(done.error()));
    if (auto done = remove_heartbeats(s, old); !done) return fail(std::move(done.error()));
    if (!all) return std::nullopt;
    return read_heartbeats(s);
  };
  const auto f = [touch](journal_session& s) -> result<beats_read> {
    auto done = touch(s);
    if (done) return beats_read{*std::move(done)};
    const auto code = done.error().code;
    if (code == errc::unavailable || code == errc::timeout) return fail(std::move(done.error()));
    return beats_read{.refused = std::move(done.error())};
  };
  read(*by, f,
       [key](waker_actor& self, result<beats_read> got) { self.took_beats(key, std::move(got)); });
}

void waker_actor::took_beats(const void* key, result<beats_read> got) {
  auto at = journals_.find(key);
  if (at == journals_.end()) return;
  auto& in = *at->second;
  in.beats = false;
  const auto& why = got ? got->refused : got.error();
  const bool failed = !why.message.empty();
  if (failed && !std::exchange(in.told_beat, true)) {
    log().warn("the waker of alarms: the heartbeat of this process was not stored: {}",
               why.message);
  }
  if (!got) {
    in.beats_fail = in.beats_fail || counts_for_breaker(why.code);
    return;
  }
  if (!failed) in.told_beat = false;
  if (std::exchange(in.beats_fail, false)) hurry_all_of(in);
  if (!got->all) return;
  in.old_beats = in.writers.saw(*got->all, sys_.steady());
  if (!in.writers.found_stopped()) return;
  const auto moment = now();
  for (auto& one : types_) {
    if (one.journal_key != key) continue;
    one.queue.scan().look_at_all();
    look(one, moment);
  }
}

// When the storage is back, everything that failed because of it runs soon.
void waker_actor::hurry_all_of(const journal_state& in) {
  const auto at = now();
  for (auto& one : types_) {
    if (one.in == &in && !one.down()) hurry(one, at);
  }
}

void waker_actor::hurry(type_state& of, const moment& now) {
  const auto random = [this] { return sys_.random(); };
  of.queue.hurry(now.steady, random);
  of.sweep.hurry(now.steady, random);
  look(of, now);
}

// -- types without entities -------------------------------------------------------------------

void waker_actor::count_types(const void* key, journal_state& in, const directory& by,
                              const moment& now) {
  in.counts_types = true;
  in.types_at = later(now.steady, times_->types_every);
  const auto late = saturated<std::chrono::microseconds>(times_->overdue_after);
  const auto until = moved(now.wall, -late);
  read(
      *by,
      [until, max = times_->types_count_max](journal_session& s) {
        return read_due_types(s, until, max);
      },
      [key](waker_actor& self, const result<std::vector<due_type>>& found) {
        self.took_types(key, found);
      });
}

void waker_actor::took_types(const void* key, const result<std::vector<due_type>>& found) {
  auto at = journals_.find(key);
  if (at == journals_.end()) return;
  auto& in = *at->second;
  in.counts_types = false;
  if (!found) {
    if (!std::exchange(in.told_types, true)) {
      log().warn("the waker of alarms: types without entities were not counted: {}",
                 found.error().message);
    }
    return;
  }
  in.told_types = false;
  tell_unknown(in, *found, key);
}

void waker_actor::tell_unknown(journal_state& in, const std::vector<due_type>& found,
                               const void* key) {
  const auto told = std::exchange(in.unknown, {});
  for (const auto& one : found) {
    const bool known = std::any_of(types_.begin(), types_.end(), [&](const type_state& t) {
      return t.journal_key == key && t.name == one.type;
    });
    if (known) continue;
    in.unknown.emplace(one.type, one.count);
    if (told.contains(one.type)) continue;
    log().warn(
        "{} alarms of the type \"{}\" are overdue, and this system has no entities of it "
        "that have alarms: make its nexus::entities in some process",
        one.count, one.type);
  }
  std::uint64_t sum = 0;
  for (const auto& [journal, state] : journals_) {
    for (const auto& [type, count] : state->unknown) sum += count;
  }
  unknown_->store(sum);
}

}}}
