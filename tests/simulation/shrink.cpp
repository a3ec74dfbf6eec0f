#include <fmt/format.h>

#include <deque>
#include <utility>

#include "run.hpp"

namespace nexus::simulation {
namespace {

class shrinker {
 public:
  shrinker(plan p, std::string rule, const runner& runs)
      : best_{std::move(p)}, rule_{std::move(rule)}, runner_{runs} {}

  plan smallest() {
    for (bool smaller = true; smaller && runs_ < runs_max;) {
      smaller = false;  // every pass is made, even if earlier ones changed nothing
      for (auto pass : {&shrinker::fewer_parts, &shrinker::fewer_faults, &shrinker::fewer_features,
                        &shrinker::fewer_commands, &shrinker::fewer_moments}) {
        if ((this->*pass)()) smaller = true;
      }
    }
    return best_;
  }

 private:
  static constexpr int runs_max = 3'000;

  template <class Change>
  bool tried(Change change) {
    if (runs_ >= runs_max) return false;
    auto smaller = best_;
    change(smaller);
    ++runs_;
    if (runner_(smaller, {}).rule != rule_) return false;
    best_ = std::move(smaller);
    return true;
  }

  bool fewer_parts() {
    bool any = false;
    while (best_.callers > 1 && tried([](plan& p) { --p.callers; })) any = true;
    while (best_.commands > 1 && tried([](plan& p) { p.commands /= 2; })) any = true;
    while (best_.commands > 1 && tried([](plan& p) { --p.commands; })) any = true;
    if (best_.nodes > 1) any |= tried([](plan& p) { p.nodes = 1; });
    if (best_.preloaded > 0) any |= tried([](plan& p) { p.preloaded = 0; });
    if (best_.window > 1) any |= tried([](plan& p) { p.window = 1; });
    if (best_.think_max > 0 && !best_.open_loop) any |= tried([](plan& p) { p.think_max = 0; });
    if (best_.fault_permille < 1'000) any |= tried([](plan& p) { p.fault_permille = 1'000; });
    return any;
  }

  bool fewer_faults() {
    bool any = false;
    for (int f = 0; f < faults_drawn; ++f) {
      const auto one = bit(static_cast<fault>(f));
      if ((best_.faults & one) != 0) any |= tried([one](plan& p) { p.faults &= ~one; });
    }
    return any;
  }

  bool fewer_features() {
    static constexpr bool command_mix::*features[] = {
        &command_mix::withdraws, &command_mix::refusals, &command_mix::gates,
        &command_mix::throws,    &command_mix::verified, &command_mix::deadlines};
    bool any = false;
    for (auto one : features) {
      if (best_.mix.*one) any |= tried([one](plan& p) { p.mix.*one = false; });
    }
    for (const auto& effect : drawn_effects) {
      const auto one = effect.flag;
      if (best_.mix.effects.*one) any |= tried([one](plan& p) { p.mix.effects.*one = false; });
    }
    if (best_.machine.snapshot_every != 0) {
      any |= tried([](plan& p) { p.machine.snapshot_every = 0; });
    }
    if (best_.machine.append_events_max == events_max) {
      any |= tried([](plan& p) { p.machine.append_events_max = 100; });
    }
    if (best_.machine.conflict_retries_max != 0) {
      any |= tried([](plan& p) { p.machine.conflict_retries_max = 0; });
    }
    if (best_.keep_snapshots != 0) {
      any |= tried([](plan& p) {
        p.keep_snapshots = 0;
        p.erase_events = p.machine.erases_events = false;
      });
    }
    if (best_.wakes != alarms::none) any |= tried([](plan& p) { p.wakes = alarms::none; });
    if (best_.recovered != on_recovered::nothing) {
      any |= tried([](plan& p) { p.recovered = on_recovered::nothing; });
    }
    return any;
  }

  bool fewer_commands() {
    bool any = false;
    for (std::uint32_t c = 0; c < best_.callers; ++c) {
      for (std::uint32_t n = 0; n < best_.commands; ++n) {
        const auto key = command_key(c, n);
        if (best_.skipped.count(key) == 0) any |= tried([key](plan& p) { p.skipped.insert(key); });
      }
    }
    return any;
  }

  bool fewer_moments() {
    bool any = false;
    for (std::uint32_t m = 0; m < best_.moments; ++m) {
      if (best_.moments_skipped.count(m) == 0) {
        any |= tried([m](plan& p) { p.moments_skipped.insert(m); });
      }
    }
    return any;
  }

  plan best_;
  std::string rule_;
  const runner& runner_;
  int runs_ = 0;
};

}  // namespace

plan shrink(plan p, const std::string& rule, const runner& runs) {
  return shrinker{std::move(p), rule, runs}.smallest();
}

std::string report(const plan& p, const outcome& o, const runner& runs) {
  constexpr std::size_t lines_max = 150;
  auto text = fmt::format("seed {} breaks the rule \"{}\": {}\n", p.seed, o.rule, o.detail);
  text += fmt::format("repeat it with NEXUS_SIMULATION_SEED={}\n  {}\n", p.seed, to_string(p));
  const auto small = shrink(p, o.rule, runs);
  std::deque<std::string> lines;
  const auto again = runs(small, [&](const std::string& line) {
    lines.push_back(line);
    if (lines.size() > lines_max) lines.pop_front();
  });
  text += fmt::format("made smaller: {}\n  {}\n", again.detail, to_string(small));
  for (const auto& line : lines) text.append(line).append("\n");
  return text;
}

}
