#include "reference.hpp"

#include <fmt/format.h>

#include <deque>
#include <utility>
#include <vector>

#include "model_journal.hpp"

namespace nexus::simulation {
namespace {

class interpreter {
 public:
  interpreter(const plan& p, const outcome& ran) : plan_{p}, made_{ran} {
    made_.chains.clear();
    made_.stored = preloaded_events(p);
    for (const auto& bytes : made_.stored) apply(now_, *decode_event(bytes));
    for (auto& f : made_.fates) {
      f.is = fate::answer::none;
      f.chained = false;
      waiting_.push_back(&f);
    }
  }

  outcome result() && {
    while (!waiting_.empty()) {
      if (std::exchange(fresh_, false)) recover();
      auto& next = *waiting_.front();
      waiting_.pop_front();
      execute(next);
    }
    return std::move(made_);
  }

 private:
  void execute(fate& f) {
    const auto v = decide(now_, f.what, f.id);
    f.seen = v.is == verdict::outcome::done ? v.after : now_;
    switch (v.is) {
      case verdict::outcome::stash:
        if (stash_.size() >= plan_.machine.stash_max) return refuse(f, errc::overloaded);
        return stash_.push_back(&f);
      case verdict::outcome::rejected:
        return refuse(f, errc::rejected);
      case verdict::outcome::threw:
        refuse(f, errc::apply_failed);
        return recover();  // the state is rebuilt
      default:
        store(v);
    }
    f.is = fate::answer::done;
    if (f.what.then.runs) {
      f.chained = true;
      f.chain_saw = now_;
      made_.chains.push_back(f.id);
    }
    if (f.what.then.unstashes || f.what.then.stops) {
      waiting_.insert(waiting_.begin(), stash_.begin(), stash_.end());
      stash_.clear();
    }
    if (f.what.then.stops) fresh_ = true;
  }

  void refuse(fate& f, errc why) {
    f.is = fate::answer::refused;
    f.code = why;
  }

  void store(const verdict& v) {
    for (std::size_t i = 0; i < v.count; ++i) made_.stored.push_back(encode(v.events[i]));
    now_ = v.after;
  }

  void recover() {
    if (plan_.recovered != on_recovered::persists) return;
    store(decide(now_, recovered_command(plan_.recovered), 0));
  }

  const plan& plan_;
  outcome made_;
  state now_{};
  bool fresh_ = true;
  std::deque<fate*> waiting_;
  std::vector<fate*> stash_;
};

std::string difference(const fate& a, const fate& b) {
  if (a.is != b.is || a.code != b.code) return "is answered otherwise";
  if (a.is != fate::answer::failed && a.seen != b.seen) return "sees another state";
  if (a.chained != b.chained) return "has its chain run or not";
  if (a.chained && a.chain_saw != b.chain_saw) return "has a chain that sees another state";
  return {};
}

}  // namespace

outcome one_at_a_time(const plan& p, const outcome& ran) { return interpreter{p, ran}.result(); }

std::string difference(const outcome& a, const outcome& b) {
  if (a.fates.size() != b.fates.size()) return "other commands were sent";
  for (std::size_t i = 0; i < a.fates.size(); ++i) {
    auto found = difference(a.fates[i], b.fates[i]);
    if (!found.empty()) return fmt::format("command {} {}", i + 1, found);
  }
  if (a.stored != b.stored) return "other events are stored";
  if (a.chains != b.chains) return "chains run in another order";
  return {};
}

outcome run_hot(const plan& p, const listener& trace) {
  auto many = run(p, trace);
  if (!many.ok()) return many;
  const auto expected = one_at_a_time(p, many);
  auto compare = [&](outcome& with, const char* rule) {
    with.detail = difference(with, expected);
    if (!with.detail.empty()) with.rule = rule;
  };
  compare(many, "a pipelined entity is indistinguishable from one-at-a-time execution");
  if (!many.ok()) return many;
  auto one = p;
  one.machine.undurable_max = 1;
  auto slow = run(one, trace);
  if (slow.ok()) compare(slow, "an entity with one undurable command executes one at a time");
  if (!slow.ok()) return slow;
  many.appends_one_at_a_time = slow.appends;
  return many;
}

}
