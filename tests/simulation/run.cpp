#include "run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "checks.hpp"
#include "node.hpp"
#include "waker.hpp"

namespace nexus::simulation {
namespace {

enum : std::uint32_t { of_time = 200, of_caller, of_send };

constexpr std::uint32_t simulator = 1'000;  // the caller of the simulator's own commands
constexpr vtime patience = 20'000;          // with commands waiting in a stash
constexpr std::uint64_t steps_max = 400'000;
constexpr int calm_rounds_max = 60;

class world {
 public:
  world(const plan& p, const listener& trace)
      : plan_{p},
        time_{random{p.seed, of_time}.next()},
        s_{p, time_, judge_},
        journal_{s_},
        waker_{s_, journal_, nodes_} {
    s_.trace = trace;
    journal_.on_alarm([this] { waker_.changed(); });
    for (std::uint32_t n = 0; n < p.nodes; ++n) add_node();
    for (std::uint32_t c = 0; c < p.callers; ++c) {
      callers_.push_back({c, c % p.nodes, random{p.seed, of_caller, c}});
    }
  }

  outcome run() {
    journal_.preload();
    waker_.changed();
    schedule();
    come_to_rest();
    outcome made;
    made.fates.assign(s_.fates.begin(), s_.fates.end());
    for (const auto& r : journal_.records()) made.stored.push_back(r.data);
    made.chains = s_.chains;
    made.appends = journal_.appends();
    if (judge_.ok()) recover_at_last();
    if (judge_.ok()) check_history(s_, journal_);
    made.rule = judge_.rule();
    made.detail = judge_.detail();
    made.steps = steps_;
    made.happened = s_.happened;
    made.reached = s_.reached;
    return made;
  }

 private:
  struct caller {
    std::uint32_t number;
    std::uint32_t node;
    random choices;
    std::uint32_t sent = 0;
    std::uint32_t unanswered = 0;
    bool sending = false;
  };

  void add_node() {
    const auto number = static_cast<std::uint32_t>(nodes_.size());
    node::listeners to{[this](const fate& f) { answered(f); },
                       [this](std::uint64_t firing, bool seen, std::optional<timestamp> due) {
                         waker_.answered(firing, seen, due);
                       }};
    nodes_.push_back(std::make_unique<node>(number, s_, journal_, std::move(to)));
  }

  void schedule() {
    for (auto& c : callers_) plan_.open_loop ? send_at_fixed_times(c) : next(c);
    if (plan_.open_loop) {
      time_.at(last_sent_ + 1, [this] { open_gates(); });
    } else {
      time_.after(patience, [this] { help_the_stashed(); });
    }
    time_.at(plan_.faults_until, [this] { s_.calm = true; });
    if (plan_.has(fault::moments)) {
      for (std::uint32_t m = 0; m < plan_.moments; ++m) {
        if (plan_.moments_skipped.count(m) != 0) continue;
        const auto what = plan_.moment_of(m);
        what.sends == 0 ? soon(what) : moments_.push_back(what);
      }
    }
  }

  void come_to_rest() {
    while (judge_.ok() && time_.step()) {
      if (++steps_ > steps_max) judge_.broken("a run comes to rest", "it does not");
    }
    for (auto& n : nodes_) n->check_empty();
    waker_.check_end();
  }

  // -- callers ----

  void send(std::uint32_t by, std::uint32_t number, std::uint32_t node, const command& what) {
    auto& f = s_.fates.emplace_back();
    f.id = static_cast<command_id>(s_.fates.size());
    f.what = what;
    f.caller = by;
    f.number = number;
    f.node = node;
    f.sent = time_.now();
    if (s_.trace) {
      s_.trace(fmt::format("{:>8} {}  #{} is sent: {}", time_.now(), char('A' + node), f.id,
                           to_string(what)));
    }
    nodes_[node]->send(f.id);
    for (const auto& m : moments_) {
      if (m.sends == s_.fates.size()) soon(m);
    }
  }

  void send_at_fixed_times(caller& c) {
    vtime when = 0;
    for (; c.sent < plan_.commands; ++c.sent) {
      when += c.choices.below(plan_.think_max);
      last_sent_ = std::max(last_sent_, when);
      if (plan_.skipped.count(command_key(c.number, c.sent)) != 0) continue;
      time_.at(when, [this, &c, number = c.sent] {
        ++c.unanswered;
        send(c.number, number, c.node, plan_.command_of(c.number, number));
      });
    }
  }

  // Sends the next command after a while, if the window and the node allow it.
  void next(caller& c) {
    while (c.sent < plan_.commands && plan_.skipped.count(command_key(c.number, c.sent)) != 0) {
      ++c.sent;
    }
    if (c.sending || c.sent >= plan_.commands || c.unanswered >= plan_.window) return;
    if (!nodes_[c.node]->up()) return;
    c.sending = true;
    // Mostly in bursts.
    const auto think = c.choices.chance(700) ? 0 : c.choices.below(plan_.think_max + 1);
    time_.after(think, [this, &c] {
      c.sending = false;
      if (!nodes_[c.node]->up()) return;
      ++c.unanswered;
      const auto number = c.sent++;
      send(c.number, number, c.node, plan_.command_of(c.number, number));
      next(c);
    });
  }

  void answered(const fate& f) {
    ++answers_;
    if (s_.trace) {
      static constexpr const char* names[] = {"none", "done", "refused", "failed", "lost"};
      s_.trace(fmt::format("{:>8} {}  #{} is {}", time_.now(), char('A' + f.node), f.id,
                           names[static_cast<int>(f.is)]));
    }
    if (f.caller == simulator) return;
    auto& c = callers_[f.caller];
    --c.unanswered;
    if (!plan_.open_loop) next(c);
  }

  // Opens the gate from time to time when no caller gets an answer any more.
  void help_the_stashed() {
    const bool over = answers_ == s_.fates.size() && everything_sent();
    if (s_.calm) start_all();
    if (over && s_.calm && all_serve()) return;
    if (std::exchange(answers_before_, answers_) == answers_ && !over) open_gates();
    if (s_.calm && ++calm_rounds_ > calm_rounds_max) {
      judge_.broken("a run comes to rest", "some command is never answered");
    }
    // A long history is replayed slowly: more commands would only make it longer.
    time_.after(patience * (1 + journal_.highest() / 100), [this] { help_the_stashed(); });
  }

  void open_gates() {
    command opens;
    opens.events = 1;
    opens.sets = gate_change::opens;
    opens.then.unstashes = true;
    for (std::uint32_t n = 0; n < plan_.nodes; ++n) {
      if (nodes_[n]->up()) send(simulator, 0, n, opens);
    }
  }

  [[nodiscard]] bool all_serve() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& n) { return n->serves(); });
  }

  [[nodiscard]] bool everything_sent() const {
    return std::all_of(callers_.begin(), callers_.end(),
                       [&](const caller& c) { return c.sent >= plan_.commands; });
  }

  // -- nodes ----

  void soon(const moment& m) {
    time_.after(m.when, [this, m] {
      if (!s_.calm) happen(m);
    });
  }

  void happen(const moment& m) {
    auto& to = *nodes_[m.node];
    s_.happened |= bit(fault::moments);
    switch (m.what) {
      case moment_kind::crash:
        to.crash();
        break;
      case moment_kind::close:
        to.close();
        break;
      case moment_kind::passivate:
        return to.passivate(false);
      case moment_kind::passivate_now:
        return to.passivate(true);
      case moment_kind::restart:
        return to.restart();
    }
    start_later(m.node);
  }

  // Repeated, since a close may take time.
  void start_later(std::uint32_t number) {
    time_.after(1 + random{plan_.seed, of_send, number, time_.now()}.below(2'000), [this, number] {
      if (nodes_[number]->up() && s_.calm) return;
      start(number);
    });
  }

  void start(std::uint32_t number) {
    nodes_[number]->start();
    if (plan_.open_loop) return;
    for (auto& c : callers_) {
      if (c.node == number) next(c);
    }
  }

  void start_all() {
    for (std::uint32_t n = 0; n < plan_.nodes; ++n) {
      if (!nodes_[n]->up()) start(n);
    }
  }

  // A new node finds the state that the events add up to.
  void recover_at_last() {
    add_node();
    const auto number = static_cast<std::uint32_t>(nodes_.size() - 1);
    waker_.begin_at(number);
    send(simulator, 0, number, {});
    const auto id = s_.fates.back().id;
    const auto stored = journal_.highest();
    come_to_rest();
    const auto& f = s_.fate_of(id);
    // on_recovered may have persisted first.
    if (f.is != fate::answer::done || f.seen.count < stored || !journal_.knows(f.seen)) {
      judge_.broken("a fresh system recovers the whole state",
                    fmt::format("{} of {} events", f.seen.count, stored));
    }
  }

  const plan& plan_;
  virtual_time time_;
  referee judge_;
  surroundings s_;
  model_journal journal_;
  std::vector<std::unique_ptr<node>> nodes_;
  waker waker_;
  std::vector<caller> callers_;
  std::vector<moment> moments_;  // waiting for a command to be sent
  std::uint64_t steps_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t answers_before_ = 0;
  int calm_rounds_ = 0;
  vtime last_sent_ = 0;
};

}  // namespace

outcome run(const plan& p, const listener& trace) { return world{p, trace}.run(); }

}
