#include "alarms.hpp"

namespace nexus::simulation {
namespace {

enum : std::uint32_t { of_due = 600, of_wake };

command draw_effect(random& r, const command_mix& mix) {
  command c;
  c.events = 1;
  c.amount = static_cast<std::int64_t>(r.between(1, 50));
  for (const auto& effect : drawn_effects) {
    c.then.*effect.flag = mix.effects.*effect.flag && r.chance(effect.permille);
  }
  if (mix.gates && r.chance(100)) {
    c.sets = gate_change::opens;
    c.then.unstashes = true;
  }
  return c;
}

}  // namespace

std::optional<vtime> due_of(const plan& p, const state& s) {
  if (p.wakes == alarms::none || s.count == 0) return {};
  random r{p.seed, of_due, s.digest};
  const auto which = r.below(100);
  const auto end = p.faults_until;
  if (which < 35) return {};
  if (p.wakes == alarms::distant || which < 43) {
    return distant + (r.chance(700) ? 10 * s.count : r.below(2'000));
  }
  if (which < 58) return r.below(end + 1);
  if (which < 75) return end / 8 + 200 * s.count;  // later with every event
  if (which < 95) return end / 2 * r.below(3);     // often the same
  return r.below(100);
}

std::optional<wake> alarm_of(const plan& p, const state& s) {
  const auto due = due_of(p, s);
  if (!due) return {};
  random r{p.seed, of_wake, s.digest};
  wake made{*due, *due, {}, draw_effect(r, p.mix)};
  if (r.chance(300)) made.from += r.below(3'000);
  made.before.what = r.pick({kind::refuse, kind::write, kind::write, kind::throws});
  return made;
}

}
