// The entity state machine as a table: commands by number, actions as words.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "entity_fsm.hpp"

namespace nexus::test {

namespace d = nexus::detail;

struct plan;

/// A state that is the sum of its events, each event's bytes being a number.
struct sum_model final : d::entity_model {
  int sum = 0;
  bool persists_once_recovered = false;
  bool fails_once_recovered = false;  ///< in apply
  bool process = false;               ///< has an on_recovered, which does nothing
  bool looks = false;                 ///< a sum of 0 means that there is no state
  plan* once_recovered = nullptr;     ///< or this on_recovered
  /// The due time, in microseconds, of a sum; 0: none, negative: throws. Null: has no alarm.
  int (*alarm)(int sum) = nullptr;
  plan* once_due = nullptr;  ///< the command of the alarm; null: a read

  bool has_alarm() const noexcept override { return alarm != nullptr; }
  result<void> look_at_alarm() override {
    if (alarm == nullptr) return {};
    const auto at = alarm(sum);
    if (at < 0) return fail(errc::apply_failed, "alarm threw");
    due_.reset();
    if (at != 0) due_ = timestamp{std::chrono::microseconds{at}};
    return {};
  }
  result<envelope> alarm_call() override;
  bool looks_again() const noexcept override { return looks && sum == 0; }
  bool is_process() const noexcept override {
    return process || persists_once_recovered || fails_once_recovered || once_recovered != nullptr;
  }
  envelope recovered_call() override;
  void reset() override {
    sum = 0;
    due_.reset();
  }
  result<void> restore(const stored_snapshot& from) override {
    if (from.data == "bad") return fail(errc::corrupt, "does not decode");
    sum = std::stoi(from.data);
    return {};
  }
  result<void> replay(const event_view& event) override {
    if (event.data == "bad") return fail(errc::corrupt, "does not decode");
    sum += std::stoi(std::string{event.data});
    return {};
  }
  result<stored_snapshot> encode_snapshot() const override {
    stored_snapshot made;
    made.type = "sum";
    made.data = std::to_string(sum);
    return made;
  }
};

/// What a command does when it is decided.
struct plan {
  int persists = 0;        ///< events, each adding 1
  d::effect_flags then{};  ///< `stashes` only unless the sum is positive
  bool throws = false;     ///< in apply
  bool fails = false;      ///< in decide
  bool rejects = false;
  bool own = false;  ///< the answer to an own question
};

/// The outcome of a command; outlives the command.
struct fate {
  bool decided = false;
  int seen = -1;       ///< the sum after it was decided
  int ran_at = -1;     ///< the sum when its chain ran
  timestamp now{};     ///< the time it was decided at
  std::string answer;  ///< "ok", or the error's code
};

/// A host without surroundings.
struct no_host final : d::entity_host {
  std::shared_ptr<d::entity_directory> own_directory() override { return nullptr; }
  const persistence_id& own_id() const override { return id; }
  std::shared_ptr<d::entity_directory> directory_of(std::string_view) override { return nullptr; }
  result<void> set_timer(d::timer_wish) override { return {}; }
  void cancel_timer(std::string_view) override {}
  void unhandled(const d::entity_call&, const error&) override {}
  persistence_id id = *persistence_id::make("sum", "one");
};

class planned_call final : public d::entity_call, public d::answer_slot<int> {
 public:
  planned_call(plan p, fate& f) : plan_{p}, fate_{f} {
    size_bytes = 10;
    own = told = p.own;
  }

  d::decision decide(d::entity_model& model, const context& c, const d::decision_limits& limits,
                     d::event_batch& out) noexcept override {
    auto& m = static_cast<sum_model&>(model);
    if (plan_.then.stashes && m.sum <= 0) {
      if (!limits.stash_full) return {.flags = {.stashes = true}};
      set_error({errc::overloaded, "the stash is full"});
      return {};
    }
    fate_.decided = true;
    if (plan_.rejects) {
      set_error({errc::rejected, "sum|one: not now"});
      return {};
    }
    if (plan_.throws) {
      m.sum = -1000;
      set_error({errc::apply_failed, "threw"});
      return {.rebuilds = true, .failed = true};
    }
    if (plan_.fails) {
      set_error({errc::decide_failed, "threw"});
      return {.failed = true};
    }
    fate_.now = c.now();
    const auto before = out.size();
    for (int i = 0; i < plan_.persists; ++i) {
      event_view e;
      e.type = "added";
      e.data = "1";
      out.add(e);
      ++m.sum;
    }
    if (auto looked = m.look_at_alarm(); !looked) {
      out.truncate(before);
      set_error(std::move(looked.error()));
      return {.rebuilds = true, .failed = true};
    }
    fate_.seen = m.sum;
    answer.emplace(m.sum);
    auto flags = plan_.then;
    flags.stashes = false;
    return {.flags = flags};
  }

  void finish(const d::entity_model& model, d::entity_host& /*host*/) noexcept override {
    if (plan_.then.runs) fate_.ran_at = static_cast<const sum_model&>(model).sum;
    complete();
    note();
  }

  [[nodiscard]] const error* refusal() const noexcept override {
    return answer && !*answer ? &answer->error() : nullptr;
  }

  void note() { fate_.answer = *answer ? "ok" : std::string{to_string(answer->error().code)}; }

 private:
  void set_error(error why) noexcept override { answer.emplace(tl::unexpected<error>(why)); }

  plan plan_;
  fate& fate_;
};

/// The command of on_recovered; its number is 0.
inline envelope sum_model::recovered_call() {
  static fate nobodys;
  if (!is_process()) return {};
  plan wanted{.persists = persists_once_recovered ? 1 : 0, .throws = fails_once_recovered};
  if (once_recovered != nullptr) wanted = *once_recovered;
  auto* call = new planned_call{wanted, nobodys};
  call->counted = false;
  envelope made{call};
  call->leave();
  return made;
}

/// The fate of the commands of alarms; their number is 0.
inline fate& of_alarms() {
  static fate one;
  return one;
}

inline result<envelope> sum_model::alarm_call() {
  if (!due()) return envelope{};
  auto* call = new planned_call{once_due != nullptr ? *once_due : plan{}, of_alarms()};
  call->counted = false;
  call->alarm = true;
  envelope made{call};
  call->leave();
  return made;
}

/// Feeds inputs and returns the actions, e.g. "append 8..9" or "release 1".
class fsm_driver {
 public:
  explicit fsm_driver(d::fsm_options options = {}, int (*alarm)(int sum) = nullptr)
      : options_{options}, model_{alarm}, fsm_{id_, model_.is, options_, own_writer} {
    fates_.reserve(fates_max);
  }

  /// A driver whose entity has `events` stored and is running.
  static std::unique_ptr<fsm_driver> running_at(sequence_nr events, d::fsm_options options = {},
                                                int (*alarm)(int sum) = nullptr,
                                                std::optional<stored_alarm> found = {}) {
    auto made = std::make_unique<fsm_driver>(options, alarm);
    made->command({});
    made->load_answer(events, {}, std::move(found));
    for (sequence_nr n = 0; n < events; n += 1'000) {
      made->chunk(n + 1, std::min<sequence_nr>(events, n + 1'000));
    }
    EXPECT_EQ(made->fsm_.durable(), events);
    made->fates_.clear();
    made->commands_ = 0;
    return made;
  }

  using words = std::vector<std::string>;

  words command(plan p, call_header header = {}, bool verified = false) {
    auto& f = fates_.emplace_back();
    EXPECT_LE(fates_.size(), fates_max);
    auto* call = new planned_call{p, f};
    call->header = std::move(header);
    if (verified) call->verify = d::entity_call::check::wanted;
    calls_.emplace_back(call, ++commands_);
    auto done = step(envelope{call});
    return done;
  }
  /// As a chain sets it. Its command is told, and gets the next number.
  result<void> sets_timer(std::string key, std::chrono::nanoseconds delay, plan p = {},
                          bool when_idle = false) {
    auto& f = fates_.emplace_back();
    auto* call = new planned_call{p, f};
    call->told = true;
    calls_.emplace_back(call, ++commands_);
    return fsm_.set_timer(now, {std::move(key), envelope{call}, delay, when_idle, false});
  }
  /// Time passes, and the driver looks for timers that are due.
  words passes(std::chrono::nanoseconds time) {
    now.steady += time;
    words done;
    while (auto due = fsm_.due_timer(now)) {
      for (auto& one : step(std::move(due))) done.push_back(std::move(one));
    }
    return done;
  }
  words load_answer(sequence_nr highest, std::optional<stored_snapshot> snapshot = {},
                    std::optional<stored_alarm> alarm = {}) {
    d::load_result found{highest, std::move(snapshot), std::move(alarm)};
    return step(d::loaded{epoch_, std::move(found)});
  }
  /// The waker found the alarm due at `seen`, in microseconds; `found` is what the journal had.
  words alarm_due(int seen, std::optional<int> found = {}) {
    d::alarm_due asked{timestamp{std::chrono::microseconds{seen}}, {}};
    if (found) asked.found = timestamp{std::chrono::microseconds{*found}};
    return step(std::move(asked));
  }
  words sweep_asks(int seen) {
    return step(d::alarm_due{timestamp{std::chrono::microseconds{seen}}, {}, std::nullopt, true});
  }
  static stored_alarm stored_at(int due, ulid writer = own_writer) {
    return {*persistence_id::make("sum", "one"), timestamp{std::chrono::microseconds{due}}, writer};
  }
  static constexpr ulid own_writer{{1}};
  words snapshot_fails(sequence_nr highest, error why) {
    return step(d::loaded{epoch_, d::load_result{highest, fail(std::move(why))}});
  }
  words load_failed(errc code) { return step(d::loaded{epoch_, fail(code, "the disk is gone")}); }
  words chunk(sequence_nr from, sequence_nr to, std::string_view data = "1") {
    return step(d::replayed{epoch_, from, to, records(from, to, data)});
  }
  /// The answer to a read from..to that contained only records up to `last`.
  words chunk_cut_short(sequence_nr from, sequence_nr to, sequence_nr last) {
    return step(d::replayed{epoch_, from, to, records(from, last)});
  }
  words append_stored() { return step(d::appended{stored{}}); }
  words append_answers(append_outcome o) { return step(d::appended{std::move(o)}); }
  words settles(result<settlement> s) { return step(d::settle_answered{std::move(s)}); }
  words drained() { return step(d::drained{}); }
  words ran() { return step(d::run_done{}); }
  words saved() { return step(d::snapshot_saved{}); }
  words waited() { return step(d::wait_over{epoch_}); }
  words close() { return step(d::close_asked{}); }
  words passivate() { return step(d::passivate_asked{}); }
  words passivate_now() { return step(d::passivate_asked{.only_now = true}); }
  words displace() { return step(d::displaced{}); }
  words restart() { return step(d::restart_asked{}); }
  words highest_is(result<sequence_nr> n) { return step(d::highest_checked{check_, std::move(n)}); }
  words stalled() { return step(d::recovery_stalled{epoch_}); }

  static d::replay_chunk records(sequence_nr from, sequence_nr to, std::string_view data = "1") {
    d::replay_chunk made;
    for (auto n = from; n <= to; ++n) {
      record_view r;
      r.number = n;
      r.event.type = "added";
      r.event.data = data;
      made.add(r);
    }
    return made;
  }

  template <class Input>
  words step(Input input) {
    d::actions out;
    words done;
    fsm_.step(now, std::move(input), out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      auto one = std::move(out[i]);
      if (std::holds_alternative<d::decode_chunk>(one)) {
        fsm_.step(now, d::decode_due{}, out);  // not reported
        continue;
      }
      if (auto* t = std::get_if<d::tell>(&one)) {
        signals.push_back(*t);
        continue;
      }
      done.push_back(std::visit([&](auto& a) { return word(a); }, one));
    }
    return done;
  }

  fate& fate_of(int command) { return fates_[static_cast<std::size_t>(command - 1)]; }
  d::entity_fsm& fsm() { return fsm_; }
  std::string_view trouble_of(int command) {
    const auto at = std::find_if(calls_.rbegin(), calls_.rend(),
                                 [&](const asker& a) { return a.number == command; });
    return at->call->trouble();
  }
  sum_model& model() { return model_.is; }
  d::moment now{timestamp{}};
  std::optional<ending> ended;
  std::string last_error;
  std::vector<d::tell> signals;
  std::uint32_t last_epoch() const { return epoch_; }

 private:
  static constexpr std::size_t fates_max = 2000;

  std::string word(d::load& a) {
    epoch_ = a.epoch;
    return "load";
  }
  std::string word(d::replay& a) { return fmt::format("replay {}..{}", a.from, a.to); }
  std::string word(d::decode_chunk&) { return "decode"; }
  std::string word(d::append& a) {
    if (a.events == nullptr) return fmt::format("after {}{}", a.expected, word(a.due));
    return fmt::format("append {}..{}{}", a.expected + 1, a.expected + a.events->size(),
                       word(a.due));
  }
  static std::string word(const due_change& c) {
    if (!c) return {};
    if (c.what == due_change::kind::clear) return " no alarm";
    return fmt::format(" alarm {}", c.at.time_since_epoch().count());
  }
  std::string word(d::due_stored& a) {
    if (!a.due) return "stored no alarm";
    return fmt::format("stored alarm {}", a.due->time_since_epoch().count());
  }
  std::string word(d::alarm_seen& a) {
    if (a.why.message.empty()) return "seen";
    return fmt::format("seen {}", to_string(a.why.code));
  }
  std::string word(d::settle&) { return "settle"; }
  std::string word(d::save& a) { return fmt::format("save {}", a.snapshot.number); }
  std::string word(d::release& a) { return "release " + finish(a.call); }
  std::string word(d::discard& a) { return fmt::format("discard {}", number_of(a.call)); }
  std::string word(d::run& a) { return "run " + finish(a.call); }
  std::string word(d::refuse& a) {
    auto number = number_of(a.call);
    auto& call = a.call.as<planned_call>();
    last_error = a.why.message;
    call.fail(a.why);
    call.note();
    return fmt::format("refuse {} {}", number, to_string(a.why.code));
  }
  std::string word(d::wait& a) {
    epoch_ = a.epoch;
    if (a.pause.count() > 0) return fmt::format("wait for {} us", a.pause.count());
    return fmt::format("wait {}", a.attempt);
  }
  std::string word(d::read_highest& a) {
    check_ = a.number;
    return "read highest";
  }
  std::string word(d::tell&) { return "tell"; }
  std::string word(d::stopped& a) {
    ended = a.why;
    return "stopped";
  }

  std::string finish(const envelope& e) {
    e.as<planned_call>().finish(model_.is, host_);
    return std::to_string(number_of(e));
  }
  int number_of(const envelope& e) {
    for (auto& [call, number] : calls_) {
      if (static_cast<message*>(call) == e.get()) return number;
    }
    return 0;
  }

  struct asker {  // holds the asking side
    asker(planned_call* c, int n) : call{c}, number{n} {}
    asker(asker&& o) noexcept : call{std::exchange(o.call, nullptr)}, number{o.number} {}
    asker& operator=(asker&&) = delete;
    ~asker() {
      if (call != nullptr) call->leave();
    }
    planned_call* call;
    int number;
  };

  persistence_id id_ = *persistence_id::make("sum", "one");
  d::fsm_options options_;
  struct sum_model_with_alarm {  // set before the machine asks for it
    explicit sum_model_with_alarm(int (*f)(int)) { is.alarm = f; }
    sum_model is;
  } model_;
  no_host host_;
  std::vector<fate> fates_;
  std::vector<asker> calls_;
  int commands_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint32_t check_ = 0;
  d::entity_fsm fsm_;
};

// The plan of a read, used by every table.
inline const plan reads{};
inline const plan persists_one{.persists = 1};
inline const plan persists_two{.persists = 2};

using words = fsm_driver::words;

inline auto running_at(sequence_nr events, d::fsm_options options = {}) {
  return fsm_driver::running_at(events, options);
}
inline auto running_at(sequence_nr events, int (*alarm)(int sum),
                       std::optional<stored_alarm> found = {}) {
  return fsm_driver::running_at(events, {}, alarm, std::move(found));
}

}
