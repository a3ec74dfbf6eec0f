#include "plan.hpp"

#include <fmt/format.h>

namespace nexus::simulation {
namespace {

// Names of streams, so that no two choices share a stream.
enum : std::uint32_t { of_plan = 100, of_hot_plan, of_command, of_moment };

void draw_machine(random& r, plan& p) {
  auto& m = p.machine;
  m.undurable_max = static_cast<std::uint32_t>(r.chance(250) ? 1 : r.between(2, 16));
  m.undurable_bytes_max = r.pick<std::size_t>({100, 300, 4'000'000, 4'000'000});
  m.stash_max = r.pick<std::uint32_t>({1, 2, 3, 100, 100});
  m.conflict_retries_max = r.pick<std::uint32_t>({0, 0, 1, 2, 10, 10});
  m.snapshot_every = r.pick<std::uint64_t>({0, 1, 2, 3, 5, 10});
  m.replay_chunk_events = r.pick<std::size_t>({1, 2, 3, 5, 100});
  p.chunk_bytes_max = r.pick<std::size_t>({1, 60, 200, 1 << 20});
  p.keep_snapshots = r.pick<unsigned>({0, 1, 1, 2, 3});
  p.erase_events = p.keep_snapshots != 0 && r.chance(600);
  m.erases_events = p.erase_events;
  m.snapshot_optional = !p.erase_events && r.chance(300);
  // The writers of one system follow each other, so the filter cannot object.
  m.filter.mode = p.nodes == 1 && r.chance(300)
                      ? replay_filter_mode::fail
                      : r.pick({replay_filter_mode::off, replay_filter_mode::warn});
}

void draw_mix(random& r, command_mix& m) {
  m = {.withdraws = r.chance(800),
       .refusals = r.chance(700),
       .gates = r.chance(700),
       .throws = r.chance(500),
       .verified = r.chance(700),
       .deadlines = r.chance(500),
       .effects = {.runs = r.chance(500),
                   .stops = r.chance(500),
                   .passivates = r.chance(500),
                   .snapshots = r.chance(400)}};
}

void draw_faults(random& r, plan& p) {
  if (r.chance(120)) return;
  const std::uint64_t likely = r.pick({150, 400, 700});
  for (int f = 0; f < faults_drawn; ++f) {
    if (r.chance(likely)) p.faults |= bit(static_cast<fault>(f));
  }
  p.fault_permille = static_cast<std::uint32_t>(r.pick({30, 100, 250}));
  p.moments = static_cast<std::uint32_t>(r.below(16));
  if (r.chance(500)) p.faults |= bit(fault::moments);
}

void keep_only_the_state(plan& p) {
  p.durable_state = true;
  p.machine.snapshot_every = 0;
  p.machine.erases_events = p.erase_events = false;
  p.keep_snapshots = 0;
  p.mix.effects.snapshots = false;
}

}  // namespace

const char* to_string(fault f) noexcept {
  static constexpr const char* names[] = {
      "rejected",     "failed",       "unknown_stored", "unknown_late", "unknown_nothing",
      "own_conflict", "settle_error", "load_error",     "load_stall",   "replay_error",
      "replay_stall", "cut_short",    "bad_snapshot",   "hole",         "save_error",
      "prune_error",  "encode_error", "slow",           "outage",       "process_fails",
      "alarm_fails",  "moments",      "lost_write"};
  return names[static_cast<int>(f)];
}

command recovered_command(on_recovered wanted) {
  command made;
  made.events = wanted == on_recovered::persists ? 1 : 0;
  return made;
}

command plan::command_of(std::uint32_t caller, std::uint32_t number) const {
  random r{seed, of_command, caller, number};
  return draw_command(r, mix);
}

moment plan::moment_of(std::uint32_t number) const {
  random r{seed, of_moment, number};
  const auto what =
      r.pick({moment_kind::crash, moment_kind::close, moment_kind::close, moment_kind::passivate,
              moment_kind::passivate, moment_kind::passivate_now, moment_kind::passivate_now,
              moment_kind::restart, moment_kind::restart});
  const auto node = static_cast<std::uint32_t>(r.below(nodes));
  if (r.chance(500)) {  // at any time
    const auto sends = static_cast<std::uint32_t>(r.between(1, std::uint64_t{callers} * commands));
    return {sends, r.below(r.pick<vtime>({4, 20, 200, 2'000})), what, node};
  }
  // Most of it happens early.
  const auto latest = r.chance(700) ? faults_until / 8 : faults_until;
  return {0, r.below(latest + 1), what, node};
}

plan plan_of(std::uint64_t seed) {
  random r{seed, of_plan};
  plan p;
  p.seed = seed;
  p.nodes = r.chance(350) ? 2 : 1;
  p.callers = static_cast<std::uint32_t>(r.between(1, 6));
  p.commands = static_cast<std::uint32_t>(r.chance(300) ? r.between(1, 8) : r.between(5, 40));
  p.window = static_cast<std::uint32_t>(r.between(1, 10));
  p.preloaded = r.chance(400) ? static_cast<std::uint32_t>(r.below(20)) : 0;
  p.faults_until = r.between(10'000, 200'000);
  p.think_max = r.pick<vtime>({0, 50, 500, 3'000});
  p.storage_max = r.pick<vtime>({20, 200, 1'000, 5'000});
  p.recovered = r.pick({on_recovered::nothing, on_recovered::reads, on_recovered::persists});
  draw_machine(r, p);
  // The command that opens the gate must find room beside those waiting for it.
  const auto room = static_cast<std::uint32_t>(r.between(1, 10));
  p.mailbox_max = r.chance(150) ? p.machine.stash_max + room : 1'000;
  draw_mix(r, p.mix);
  draw_faults(r, p);
  if (r.chance(150)) keep_only_the_state(p);
  if (r.chance(500)) p.wakes = alarms::any;
  p.machine.append_events_max = r.pick<std::size_t>({events_max, events_max, 100, 100});
  return p;
}

plan hot_plan_of(std::uint64_t seed) {
  random r{seed, of_hot_plan};
  plan p;
  p.seed = seed;
  p.callers = static_cast<std::uint32_t>(r.between(1, 6));
  p.commands = static_cast<std::uint32_t>(r.between(3, 30));
  p.open_loop = true;
  p.preloaded = r.chance(300) ? static_cast<std::uint32_t>(r.below(20)) : 0;
  p.think_max = r.pick<vtime>({10, 100, 1'000});
  p.storage_max = r.pick<vtime>({5, 200, 5'000});
  p.recovered = r.pick({on_recovered::nothing, on_recovered::reads, on_recovered::persists});
  draw_machine(r, p);
  p.machine.undurable_max = 256;
  draw_mix(r, p.mix);
  p.mix.deadlines = false;  // their outcome depends on the speed
  // An entity's idleness depends on its speed, and so do its recoveries.
  if (p.recovered == on_recovered::persists) p.mix.effects.passivates = false;
  if (r.chance(300)) p.wakes = alarms::distant;  // the time of a firing depends on the speed
  return p;
}

std::string to_string(const plan& p) {
  auto text = fmt::format("{} node(s), {} caller(s) of {} commands, {} preloaded;", p.nodes,
                          p.callers, p.commands, p.preloaded);
  text += fmt::format(
      " undurable_max {} bytes {}, stash_max {}, conflict retries {}, snapshot_every {} keep {}{}, "
      "chunk {} of {} "
      "bytes, appends of {} events;",
      p.machine.undurable_max, p.machine.undurable_bytes_max, p.machine.stash_max,
      p.machine.conflict_retries_max, p.machine.snapshot_every, p.keep_snapshots,
      p.erase_events ? " erasing events" : "", p.machine.replay_chunk_events, p.chunk_bytes_max,
      p.machine.append_events_max);
  if (p.durable_state) text += " a durable state;";
  if (p.wakes == alarms::any) text += " alarms;";
  if (p.wakes == alarms::distant) text += " distant alarms;";
  text += fmt::format(" {} moments; faults ({}/1000):", p.moments, p.fault_permille);
  for (int f = 0; f <= faults_drawn; ++f) {
    if (p.has(static_cast<fault>(f))) text.append(" ").append(to_string(static_cast<fault>(f)));
  }
  return text;
}

}
