#include "model_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "alarms.hpp"
#include "nexus/journal_checks.hpp"

namespace nexus::simulation {
namespace {

enum : std::uint32_t { of_operation = 300, of_slow, of_outage, of_hole, of_preload };
constexpr vtime phase = 20'000;  // how long the storage keeps its condition

}  // namespace

ulid writer_named(std::uint64_t number) {
  ulid made;
  for (int i = 15; number != 0; --i, number >>= 8U) {
    made.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number);
  }
  return made;
}

model_journal::model_journal(surroundings& s) : s_{s}, lanes_(s.planned.nodes + 1) {}

std::vector<std::string> preloaded_events(const plan& p) {
  std::vector<std::string> made;
  random r{p.seed, of_preload};
  state now;
  for (std::uint32_t i = 0; i < p.preloaded; ++i) {
    event e{now.digest, 1, 0, gate_change::none, 0, 1, static_cast<std::uint32_t>(r.below(40))};
    apply(now, e);
    made.push_back(encode(e));
  }
  return made;
}

void model_journal::preload() {
  store_events({0, writer_named(1), preloaded_events(s_.planned)});
  preload_alarm();
  random r{s_.planned.seed, of_preload, 1};
  if (highest() == 0 || s_.planned.durable_state || r.chance(500)) return;
  stored_snapshot made;
  made.number = r.between(1, highest());
  made.data = encode(at(made.number));
  snapshots_[made.number] = made;
  if (s_.planned.erase_events) erased_to_ = made.number;
}

// That of the state, or another one: an earlier program may have had another `alarm`.
void model_journal::preload_alarm() {
  if (s_.planned.wakes == alarms::none || highest() == 0) return;
  random r{s_.planned.seed, of_preload, 2};
  auto due = due_of(s_.planned, at(highest()));
  const auto which = r.below(100);
  if (which < 20) due.reset();
  if (which >= 70 && s_.planned.wakes == alarms::any) due = r.below(s_.planned.faults_until + 1);
  if (due)
    alarm_ =
        stored_alarm{*persistence_id::make("simulated", "one"), time_of(*due), writer_named(1)};
}

// -- when -------------------------------------------------------------------------------------

model_journal::lane& model_journal::lane_of(std::uint32_t node) { return lanes_[node]; }

model_journal::operation model_journal::begin(std::uint32_t node) {
  auto& l = lane_of(node);
  return {node, l.generation, random{s_.planned.seed, of_operation, node, l.asked++}};
}

bool model_journal::lost_in_crash(operation& o) {
  return lane_of(o.node).generation != o.generation && o.choices.chance(500);
}

vtime model_journal::latency(random& r) const {
  auto longest = s_.planned.storage_max;
  if (s_.calm) longest = std::min<vtime>(longest, 100);
  if (!s_.calm && s_.planned.has(fault::slow)) {
    random now{s_.planned.seed, of_slow, s_.time.now() / phase};
    if (now.chance(200)) {
      longest *= 20;
      s_.happened |= bit(fault::slow);
    }
  }
  return 1 + r.below(r.chance(100) ? longest * 4 : longest);
}

bool model_journal::outage() const {
  if (s_.calm || !s_.planned.has(fault::outage)) return false;
  random now{s_.planned.seed, of_outage, s_.time.now() / phase};
  return now.chance(150);
}

bool model_journal::hole() const {
  if (s_.calm || !s_.planned.has(fault::hole)) return false;
  random now{s_.planned.seed, of_hole, s_.time.now() / phase};
  if (!now.chance(100)) return false;
  s_.happened |= bit(fault::hole);
  return true;
}

// `work` may delay the answer by adding to its second argument.
void model_journal::perform(operation o, bool write, std::function<void(operation&, vtime&)> work,
                            std::function<void()> answer) {
  auto when = s_.time.now() + latency(o.choices);
  if (write) when = lane_of(o.node).performed = std::max(when, lane_of(o.node).performed + 1);
  s_.time.at(when, [this, o, write, work = std::move(work), answer = std::move(answer)]() mutable {
    if (lost_in_crash(o)) return;
    vtime more = latency(o.choices);
    work(o, more);
    auto answered = s_.time.now() + more;
    if (write) {
      answered = lane_of(o.node).answered = std::max(answered, lane_of(o.node).answered + 1);
    }
    s_.time.at(answered, std::move(answer));
  });
}

// -- writes -----------------------------------------------------------------------------------

void model_journal::append(std::uint32_t node, std::shared_ptr<write> w,
                           std::function<void(append_outcome)> done) {
  auto outcome = std::make_shared<append_outcome>();
  perform(
      begin(node), true,
      [this, w = std::move(w), outcome](operation& o, vtime&) { *outcome = perform_append(o, w); },
      [outcome, done = std::move(done)] { done(std::move(*outcome)); });
}

append_outcome model_journal::perform_append(operation& o, const std::shared_ptr<write>& w) {
  ++appends_;
  auto& r = o.choices;
  const error trouble{errc::unavailable, "simulated trouble"};
  if (outage() && r.chance(800)) {
    s_.happened |= bit(fault::outage);
    if (r.chance(700)) return failed{trouble};
    return unknown{trouble};
  }
  if (s_.strikes(fault::rejected, r)) return rejected{{errc::too_large, "simulated refusal"}};
  if (s_.strikes(fault::failed, r)) return failed{trouble};
  if (s_.strikes(fault::unknown_nothing, r)) return unknown{trouble};
  if (s_.strikes(fault::unknown_late, r)) {
    store_later(o, w);
    return unknown{trouble};
  }
  if (s_.strikes(fault::lost_write, r)) return stored{};
  const bool done = store(*w);
  if (s_.strikes(fault::unknown_stored, r)) return unknown{trouble};
  // A repeated change of the alarm alone finds the number that it expects.
  if (!done || (!w->only_due() && s_.strikes(fault::own_conflict, r))) return conflict{highest()};
  return stored{{.epoch = 1, .major = highest()}};
}

void model_journal::store_later(operation& o, const std::shared_ptr<write>& w) {
  const auto late = o.choices.chance(500) ? o.choices.below(2 * s_.planned.storage_max + 2)
                                          : o.choices.below(30'000);
  s_.time.after(late, [this, w] {
    if (w->fenced || !store(*w)) return;
    s_.reaches(w->only_due() ? landmark::alarm_stored_late : landmark::stored_late);
    if (s_.trace) {
      s_.trace(
          fmt::format("{:>8}    stored late: {}..{}", s_.time.now(), w->expected + 1, highest()));
    }
  });
}

bool model_journal::store(const write& w) {
  if (w.expected != highest() || !store_events(w)) return false;
  if (w.due) {
    alarm_.reset();
    if (w.due.what == due_change::kind::set) {
      alarm_ = stored_alarm{*persistence_id::make("simulated", "one"), w.due.at, w.writer};
    }
    if (on_alarm_) on_alarm_();
  }
  check_alarm();
  return true;
}

bool model_journal::store_events(const write& w) {
  for (const auto& data : w.events) {
    auto next = states_.back();
    const auto e = decode_event(data);
    if (!e) {
      s_.judge.broken("events decode", "an event of unknown bytes was appended");
      return false;
    }
    check_stored(*e, next);
    simulation::apply(next, *e);
    records_.push_back({data, w.writer, s_.time.now()});
    states_.push_back(next);
  }
  return true;
}

void model_journal::check_stored(const event& e, const state& before) {
  if (e.before == before.digest) return;
  s_.judge.broken("an event is stored after the state it was decided on",
                  fmt::format("command {} at number {}", e.command, highest() + 1));
}

// So an alarm can neither be lost nor remain for what is not stored.
void model_journal::check_alarm() {
  const auto wanted = due_of(s_.planned, states_.back());
  if (!wanted && alarm_) {
    s_.judge.broken("no alarm is stored if the newest state has none",
                    fmt::format("after {} events: at {}", highest(), vtime_of(alarm_->due)));
  }
  if (wanted && !alarm_) {
    s_.judge.broken("the alarm of the newest state is stored",
                    fmt::format("after {} events: none instead of {}", highest(), *wanted));
  }
  if (wanted && alarm_ && vtime_of(alarm_->due) > *wanted) {
    s_.judge.broken("the stored alarm is not later than that of the newest state",
                    fmt::format("after {} events: {} instead of {}", highest(),
                                vtime_of(alarm_->due), *wanted));
  }
}

void model_journal::settle(std::uint32_t node, std::shared_ptr<write> w,
                           std::function<void(result<settlement>)> done) {
  auto outcome = std::make_shared<result<settlement>>();
  perform(
      begin(node), true,
      [this, w = std::move(w), outcome](operation& o, vtime&) { *outcome = perform_settle(o, *w); },
      [outcome, done = std::move(done)] { done(std::move(*outcome)); });
}

// The contract does not define settling of erased records; this journal remembers them.
result<settlement> model_journal::perform_settle(operation& o, write& w) {
  const bool out = outage() && o.choices.chance(800);
  if (out) s_.happened |= bit(fault::outage);
  if (out || s_.strikes(fault::settle_error, o.choices)) {
    return fail(errc::unavailable, "simulated: ask again");
  }
  w.fenced = true;
  if (w.only_due()) return settled_as(w.due, w.writer, alarm_);
  const auto last = w.expected + w.events.size();
  if (last > highest()) return settlement::not_stored;
  if (s_.planned.durable_state && last < highest()) return settlement::superseded;
  for (std::size_t i = 0; i < w.events.size(); ++i) {
    const auto& r = records_[w.expected + i];
    if (r.writer != w.writer || r.data != w.events[i]) return settlement::not_stored;
  }
  return settlement::stored;
}

void model_journal::save(std::uint32_t node, stored_snapshot s, std::function<void(bool)> done) {
  auto saved = std::make_shared<bool>();
  perform(
      begin(node), true,
      [this, s = std::move(s), saved](operation& o, vtime&) { *saved = perform_save(o, s); },
      [saved, done = std::move(done)] { done(*saved); });
}

bool model_journal::perform_save(operation& o, stored_snapshot s) {
  if (outage() || s_.strikes(fault::save_error, o.choices)) return false;
  const auto what = decode_state(s.data);
  if (!what || what->count != s.number || !knows(*what)) {
    s_.judge.broken("a snapshot is the state after its number, which is durable",
                    fmt::format("snapshot {} with {} events stored", s.number, highest()));
  }
  snapshots_[s.number] = std::move(s);
  if (s_.planned.keep_snapshots == 0 || s_.strikes(fault::prune_error, o.choices)) return true;
  s_.time.after(o.choices.below(s_.planned.storage_max), [this, o]() mutable { prune(o); });
  return true;
}

void model_journal::prune(operation& o) {
  if (lost_in_crash(o)) return;
  const auto keep = s_.planned.keep_snapshots;
  if (snapshots_.size() < keep) return;
  const auto oldest = std::prev(snapshots_.end(), static_cast<std::ptrdiff_t>(keep));
  const auto number = oldest->first;
  snapshots_.erase(snapshots_.begin(), oldest);
  if (!s_.planned.erase_events || s_.strikes(fault::prune_error, o.choices)) return;
  s_.time.after(o.choices.below(s_.planned.storage_max),
                [this, number] { erased_to_ = std::max(erased_to_, number); });
}

}
