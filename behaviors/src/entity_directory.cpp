#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "directory_core.hpp"
#include "entity_actor.hpp"
#include "messages.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/stepping.hpp"

namespace nexus { inline namespace v0 { namespace detail {

watch_call::watch_call() noexcept : call{number(message_kind::watch)} {}

namespace {

fsm_options machine_options(const entity_options& options, const journal_limits& limits) {
  fsm_options made;
  made.undurable_max = std::max(1u, options.undurable_max);
  made.undurable_bytes_max = std::max<std::size_t>(1, options.undurable_bytes_max);
  // One place stays free for the command that unstashes: it must be admitted.
  made.stash_max = std::min(options.stash_max, options.mailbox_max - 1);
  if (options.on_conflict == conflict_policy::decide_again) {
    made.conflict_retries_max = options.conflict_retries_max;
  }
  made.timers_max = options.timers_max;
  made.timers_bytes_max = options.mailbox_bytes_max;
  made.snapshot_every = options.snapshot_every;
  made.snapshot_optional = options.snapshot_optional;
  made.erases_events = options.erase_events;
  made.filter = options.replay_filter;
  made.replay_chunk_events = std::max<std::size_t>(1, options.replay_chunk_events);
  made.decisions.event_bytes_max = limits.payload_bytes_max;
  made.decisions.events_max = std::min(options.events_per_command_max, limits.request_events_max);
  made.decisions.by_journal = limits.request_events_max < options.events_per_command_max;
  made.decisions.events_bytes_max = limits.request_bytes_max;
  made.append_events_max = limits.request_events_max;
  made.append_bytes_max = limits.request_bytes_max;
  made.due_min = limits.time_min;
  made.due_max = limits.time_max;
  return made;
}

// Refuses options that would lose something, or cannot be kept.
result<void> check_options(const behavior_info& of, const entity_options& o) {
  auto bad = [&](std::string_view why) {
    return fail(errc::invalid_argument, fmt::format("entities \"{}\": {}", of.entity_type, why));
  };
  if (o.erase_events && o.keep_snapshots == 0) {
    return bad("erase_events needs keep_snapshots: only a kept snapshot can replace events");
  }
  if (o.erase_events && o.snapshot_optional) {
    return bad("snapshot_optional excludes erase_events: without the snapshot events are lost");
  }
  if (of.of_state && (o.snapshot_every != 0 || o.keep_snapshots != 0 || o.snapshot_optional)) {
    return bad("a durable state has no snapshots");
  }
  if (o.supervised) {
    if (auto fine = nexus::check(*o.supervised); !fine) return bad(fine.error().message);
  }
  if (o.on_conflict == conflict_policy::decide_again && o.conflict_retries_max == 0) {
    return bad("conflict_retries_max must be at least 1 to decide again");
  }
  if (o.events_per_command_max == 0) return bad("events_per_command_max must be at least 1");
  if (o.mailbox_max == 0) return bad("mailbox_max must be at least 1");
  if (!of.fault.empty()) return bad(of.fault);
  if (o.connection == connection_mode::dedicated) {
    if (of.storage == nullptr) return bad("only relational entities hold connections");
    if (o.dedicated_max == 0 || o.dedicated_max > 10'000) {
      return bad("dedicated_max must be within 1 and 10000");
    }
  }
  if (o.recoveries_max == 0) return bad("recoveries_max must be at least 1");
  using std::chrono::milliseconds;
  if (o.passivate_after < milliseconds{}) return bad("passivate_after must not be negative");
  if (o.recovery_timeout < milliseconds{}) return bad("recovery_timeout must not be negative");
  if (o.backoff_min <= milliseconds{}) return bad("backoff_min must be positive");
  if (o.backoff_max < o.backoff_min) return bad("backoff_max is less than backoff_min");
  return {};
}

result<store> storage_of(const behavior_info& of, const store& in) {
  if (of.storage == nullptr) return in;
  return of.storage(in);
}

// More than have connections are live only while they wait for one, so each of those asks an idle one
// to leave.
entity_options limits_of_life(entity_options o) {
  if (o.connection == connection_mode::dedicated) {
    o.live_max = std::min(o.live_max == 0 ? SIZE_MAX : o.live_max, o.dedicated_max);
  }
  return o;
}

std::string name_in_system(std::string_view type) { return fmt::format("entities {}", type); }

}  // namespace

std::shared_ptr<entity_directory> entity_directory::make(const behavior_info& of, system& sys,
                                                         const store& in,
                                                         const entity_options& options) {
  auto storage = storage_of(of, in);
  const auto& used = storage ? *storage : in;
  auto made = std::make_shared<directory_core>(of, sys, used, options);
  made->claim(storage ? result<void>{} : fail(std::move(storage.error())));
  return made;
}

directory_core::directory_core(const behavior_info& b, system& s, const store& st,
                               const entity_options& o)
    : info{b},
      kept{s.shared()},
      sys{*kept},
      in{st},
      options{o},
      machine{[&] {
        auto made = machine_options(o, st.limits());
        if (o.supervised) {
          made.on_failure = [this](const persistence_id& id, const error& why) {
            return supervise(id, why);
          };
        }
        return made;
      }()},
      metrics{sys.metrics(), b},
      live_ones{std::make_shared<passivation>(sys, limits_of_life(o), metrics.cap_exceeded)},
      timers{std::make_shared<wakeups>(sys)},
      questions_later{std::make_shared<wakeups>(sys)},
      turns{sys, o},
      status_{check_options(b, o)} {}

void directory_core::claim(result<void> storage) {
  if (status_ && !storage) status_ = std::move(storage);
  if (!status_) return;
  if (options.connection == connection_mode::dedicated) {
    auto made = dedicated_to(in, info.entity_type, options.dedicated_max);
    if (!made) {
      status_ = fail(std::move(made.error()));
      return;
    }
    dedicated = *std::move(made);
  }
  // Entities may start as soon as the name is claimed.
  if (info.alarm_version != 0) alarms = std::make_unique<waker::member>(waker::of(sys), in);
  status_ = sys.claim(name_in_system(info.entity_type), weak_from_this());
  if (!status_) {
    status_ = fail(taken());
    if (alarms) alarms->leave(in);
    return;
  }
  claimed_ = true;
  live_ones->open();
  sys.metrics().include(in.metrics());
  sys.join(std::shared_ptr<shutdown_participant>{shared_from_this()});
  sys.join(in.participant());
  sample();
  if (alarms) alarms->join(shared_from_this());
}

error directory_core::taken() const {
  const auto other = entity_directory::on(sys, info.entity_type);
  if (other == nullptr || other->behavior() == info.tag) {
    return {errc::already_exists,
            fmt::format("entities \"{}\": this system has entities of {} already; use those",
                        info.entity_type, info.cpp_name)};
  }
  return {errc::already_exists,
          fmt::format("entities \"{}\": two behaviors on this system have this entity_type, {} and "
                      "{}; give one of them another",
                      info.entity_type, other->behavior_name(), info.cpp_name)};
}

void directory_core::sample() {
  const metric_labels labels{{"entity", std::string{info.entity_type}}};
  auto gauge = [&](const char* name, const char* help, std::function<double()> f) {
    sampled_.push_back(sys.metrics().sample(name, help, labels, std::move(f)));
  };
  gauge("nexus_live_entities", "Entities that are live now.",
        [this] { return static_cast<double>(live()); });
  gauge("nexus_commands_on_their_way", "Commands taken and not yet answered.", [this] {
    std::uint64_t sum = 0;
    (void)live_ones->entities.every([&](const slot& s) { return sum += s.count(), true; });
    return static_cast<double>(sum);
  });
  gauge("nexus_recoveries_waiting", "Entities waiting to recover.",
        [this] { return static_cast<double>(turns.waiting()); });
  if (!alarms) return;
  gauge("nexus_alarms_in_flight", "Entities that are deciding their alarm.",
        [this] { return static_cast<double>(alarms->counts().in_flight.load()); });
  gauge("nexus_alarms_overdue", "Alarms read and not decided yet, and those to be tried again.",
        [this] { return static_cast<double>(alarms->counts().overdue.load()); });
}

std::shared_ptr<entity_directory> entity_directory::on(system& sys, std::string_view type) {
  return std::static_pointer_cast<directory_core>(sys.find(name_in_system(type)));
}

result<void> directory_core::status() const {
  if (closing()) {
    return fail(errc::stopped, fmt::format("entities \"{}\" were stopped", info.entity_type));
  }
  return status_;
}

bool directory_core::hears(entity_signal::kind what) const noexcept {
  using kind = entity_signal::kind;
  const bool fine = what == kind::recovered || what == kind::snapshot_saved ||
                    what == kind::passivated || what == kind::stopped;
  return !fine || options.on_signal;
}

// Without on_signal: failures that no caller sees are logged as warnings.
void directory_core::log_signal(const entity_signal& what, bool unseen) {
  switch (what.what) {
    case entity_signal::kind::recovered:
    case entity_signal::kind::snapshot_saved:
    case entity_signal::kind::passivated:
    case entity_signal::kind::stopped:
    case entity_signal::kind::chain_failed:  // logged already, as an error
      break;
    case entity_signal::kind::recovery_failed:
    case entity_signal::kind::append_failed:
    case entity_signal::kind::alarm_failed:
      unseen ? log().warn("{}", what.why.message) : log().debug("{}", what.why.message);
      break;
    case entity_signal::kind::snapshot_failed:
      log().warn("{}: snapshot {} was not saved: {}", what.id, what.number, what.why.message);
      break;
    case entity_signal::kind::prune_failed:
      log().warn("{}: the records that snapshot {} replaced were not erased: {}", what.id,
                 what.number, what.why.message);
      break;
    case entity_signal::kind::snapshot_ignored:
    case entity_signal::kind::interleaved:
      log().warn("{}", what.why.message);
  }
}

void directory_core::tell(const entity_signal& what, bool unseen) const noexcept {
  try {
    if (!options.on_signal) return log_signal(what, unseen);
    options.on_signal(what);
  } catch (...) {
    auto told = guarded(errc::actor_failed, "the log", [&] {
      log().error("{}: on_signal threw: {}", what.id, what_was_thrown());
    });
    (void)told;
  }
}

// -- sending ----------------------------------------------------------------------------------

// `closed` is a slot whose gate its entity has closed: a new slot takes its place.
result<entity_directory::slot_ref> directory_core::find_or_start(std::string_view id,
                                                                 const slot_ref& closed,
                                                                 admission by, bool& started) {
  return live_ones->entities.find_or_add(id, closed, [&] {
    started = true;
    return start(id, by);
  });
}

// Under the lock of the map's shard: `bar` either sees the new slot, or was seen here.
result<entity_directory::slot_ref> directory_core::start(std::string_view id, admission by) {
  if (closing()) {
    return fail(errc::stopped, fmt::format("{}|{}: is being stopped", info.entity_type, id));
  }
  const bool is_barred = (by == admission::outside && bars_outside_.load()) ||
                         (by == admission::inside && bars_inside_.load());
  if (is_barred) return fail(why_barred(id));
  auto name = persistence_id::make(info.entity_type, id);
  if (!name) return fail(std::move(name.error()));
  try {
    auto made = std::make_shared<slot>(std::move(*name), sys.steady());
    for (auto from : {admission::outside, admission::inside}) {
      if (barred(from)) made->bar(from);
    }
    made->to = sys.spawn(std::make_unique<entity_actor>(shared_from_this(), made));
    return made;
  } catch (...) {
    return fail(threw(errc::actor_failed, info.entity_type, id, "starting it"));
  }
}

result<void> directory_core::send(std::string_view id, const slot_ref& known, entity_call& c,
                                  envelope e, admission by) {
  if (!status_) return refuse(id, c, status_.error(), by);
  if (by != admission::always && c.size_bytes > options.mailbox_bytes_max) {
    return refuse(id, c, {errc::too_large, never_fits(id, c)}, by);
  }
  c.from_outside = by == admission::outside;
  slot_ref closed;
  bool started = false;
  for (slot_ref to = known;;) {
    if (to == nullptr) {
      auto found = find_or_start(id, closed, by, started);
      if (!found) return refuse(id, c, std::move(found.error()), by);
      to = std::move(*found);
    }
    switch (to->enter(c.size_bytes, options, by)) {
      case slot::entry::admitted:
        metrics.admitted.add();
        to->to.send(std::move(e));
        if (started) live_ones->started();  // after it is busy: passivation asks another one
        return {};
      case slot::entry::full:
        return refuse(id, c, {errc::overloaded, full(id)}, by);
      case slot::entry::barred:
        return refuse(id, c, why_barred(id), by);
      case slot::entry::closed:
        closed = std::exchange(to, nullptr);
        break;
    }
  }
}

std::string directory_core::never_fits(std::string_view id, const entity_call& c) const {
  return fmt::format(
      "{}|{}: a command of {} bytes is larger than mailbox_bytes_max ({}): it never fits",
      info.entity_type, id, c.size_bytes, options.mailbox_bytes_max);
}

std::string directory_core::full(std::string_view id) const {
  return fmt::format("{}|{}: too many commands are waiting (at most {}, or {} bytes)",
                     info.entity_type, id, options.mailbox_max, options.mailbox_bytes_max);
}

// Answers the call. The sender gets the error too, unless the policy drops the newest silently.
result<void> directory_core::refuse(std::string_view id, entity_call& c, error why, admission by) {
  metrics.command_over(c, &why);
  const bool dropped = why.code == errc::overloaded && options.when_full == overflow::drop_newest;
  if (by == admission::always || why.code == errc::overloaded || why.code == errc::stopped) {
    sys.letters().publish({fmt::format("{}|{}", info.entity_type, id), c.header.command_id, why});
  }
  c.fail(why);
  if (dropped) return {};
  return fail(std::move(why));
}

// The message may reach an entity that is just closing: then it is answered `stopped`, and the waker
// sends another one later.
result<void> directory_core::wake(std::string_view id, envelope alarm) {
  if (!status_) return status_;
  bool started = false;
  auto to = find_or_start(id, nullptr, admission::inside, started);
  if (!to) return fail(std::move(to.error()));
  (*to)->to.send(std::move(alarm));
  if (started) live_ones->started();
  return {};
}

void directory_core::watch(std::string_view id, call& c, envelope e) {
  if (auto to = find(id)) return to->to.send(std::move(e));
  c.fail({errc::stopped, fmt::format("{}|{} is not live", info.entity_type, id)});
}

result<entity_directory::later_call> directory_core::call_later(time_span delay,
                                                                std::function<void(bool due)> f) {
  constexpr std::size_t calls_max = 1'000'000;
  later_call made;
  switch (questions_later->at(later(steady(), delay), std::move(f), made, calls_max)) {
    case wakeups::refusal::closed:
      return fail(errc::stopped, fmt::format("entities \"{}\" were stopped", info.entity_type));
    case wakeups::refusal::full:
      return fail(errc::overloaded,
                  fmt::format("entities \"{}\": {} delays and deadlines of questions are running, "
                              "which is the most",
                              info.entity_type, calls_max));
    case wakeups::refusal::none:
      break;
  }
  return made;
}

// -- stopping ---------------------------------------------------------------------------------

void directory_core::gone() {
  if (live_ones->gone() != 0 || !closing()) return;
  if (alarms) alarms->leave(in);
  if (closed_already_.load()) release_name();
  std::lock_guard guard{closed_lock_};
  closed_.notify_all();
}

std::string directory_core::name() const { return name_in_system(info.entity_type); }

std::string directory_core::parent() const {
  return options.parent.empty() ? std::string{} : name_in_system(options.parent);
}

error directory_core::why_barred(std::string_view id) const {
  return {errc::stopped,
          fmt::format("{}|{}: takes no more commands: the system is being shut down, "
                      "or its entities are being closed",
                      info.entity_type, id)};
}

// New entities are started under the locks that this takes, see `start`.
void directory_core::bar(admission from) {
  (from == admission::outside ? bars_outside_ : bars_inside_).store(true);
  if (alarms) alarms->bar();
  live_ones->entities.each([&](slot& s) { s.bar(from); });
}

bool directory_core::is_quiet() {
  return questions_.load() == 0 &&
         live_ones->entities.every([](const slot& s) { return s.is_quiet(); });
}

// Also true for an entity that waits for another one's answer; the other one reports for itself.
bool directory_core::is_held_up() {
  return live_ones->entities.every([](const slot& s) { return s.is_quiet() || s.is_paused(); });
}

// The tickers, the waker and the calls that are due later end here, or with the last entity, since
// the system waits for them.
void directory_core::stop() {
  if (closing_.exchange(true)) return;
  if (alarms) alarms->bar();
  for (auto& one : live_ones->entities.all()) one->to.send(envelope{new close_message});
  if (alarms && live() == 0) alarms->leave(in);
  live_ones->close();
  timers->close();
  questions_later->close();
  turns.close();
}

// Lets work from inside go on as long as callers from outside still get answers.
void directory_core::finish_in_flight() {
  constexpr std::chrono::seconds patience{10};
  bar(admission::outside);
  bar(admission::inside);
  for (auto before = answered_outside_.load();; before = answered_outside_.load()) {
    if (sys.drain(shared_from_this(), patience) || before == answered_outside_.load()) return;
  }
}

std::vector<std::string> directory_core::remaining() {
  constexpr std::size_t names_max = 1'000;
  std::vector<std::string> names;
  (void)live_ones->entities.every([&](const slot& s) {
    names.push_back(s.id.str());
    return names.size() < names_max;
  });
  if (names.empty() && live() != 0) names.push_back(name());
  return names;
}

void directory_core::close() {
  if (closed_already_.exchange(true)) return;
  const bool may_wait = no_waiting_here() == nullptr;
  if (may_wait && !closing() && live() != 0) finish_in_flight();
  stop();
  auto none_live = [&] { return live() == 0; };
  if (!may_wait) {
    if (!none_live()) {
      log().warn("{}: closing does not wait in {}: undecided commands are answered \"stopped\"",
                 name(), no_waiting_here());
    }
  } else if (auto* by_hand = sys.stepping()) {
    (void)by_hand->run_until(none_live, std::chrono::hours{1});
  } else if (!sys.has_ended()) {
    std::unique_lock guard{closed_lock_};
    closed_.wait(guard, none_live);
  }
  sampled_.clear();
  if (none_live()) release_name();
}

// Only when no entity is left, so that no entity is live twice. The first thread to see that does
// it; the other one waits for it, since the name is free when `close` returns.
void directory_core::release_name() {
  std::lock_guard guard{closed_lock_};
  if (std::exchange(claimed_, false)) sys.release(name_in_system(info.entity_type));
}

}}}
