#include "words.hpp"

#include <fmt/format.h>

namespace nexus::simulation {
namespace {

std::string number_of(const envelope& e) {
  const auto id = e.as<sim_call>().id();
  if (id == of_alarm) return "that of the alarm";
  return id == 0 ? "on_recovered" : fmt::format("#{}", id);
}

struct outcome_word {
  std::string operator()(const stored&) const { return "stored"; }
  std::string operator()(const conflict& c) const {
    return fmt::format("conflict, highest {}", c.highest);
  }
  std::string operator()(const rejected&) const { return "rejected"; }
  std::string operator()(const failed&) const { return "failed"; }
  std::string operator()(const unknown&) const { return "unknown"; }
  std::string operator()(const partly& p) const { return fmt::format("{} stored", p.count); }
};

}  // namespace

std::string word(const envelope& e) { return "command " + number_of(e); }
std::string word(const d::loaded& i) {
  if (!i.what) return "loading failed";
  const auto& snapshot = i.what->snapshot;
  const auto& due = i.what->alarm;
  return fmt::format("loaded: highest {}, snapshot {}{}", i.what->highest,
                     snapshot && *snapshot ? (*snapshot)->number : 0,
                     due ? fmt::format(", alarm {}", vtime_of(due->due)) : std::string{});
}
std::string word(const d::replayed& i) {
  if (!i.what) return fmt::format("replaying {}..{} failed", i.from, i.to);
  return fmt::format("replayed {}..{}: {} events", i.from, i.to, i.what->size());
}
std::string word(const d::appended& i) {
  return "appended: " + std::visit(outcome_word{}, i.outcome);
}
std::string word(const d::settle_answered& i) {
  if (!i.what) return "settled: ask again";
  if (*i.what == settlement::superseded) return "settled: superseded";
  return *i.what == settlement::stored ? "settled: stored" : "settled: not stored";
}
std::string word(const d::snapshot_saved&) { return "snapshot saved or not"; }
std::string word(const d::wait_over&) { return "waited"; }
std::string word(const d::recovery_stalled&) { return "the recovery stalls"; }
std::string word(const d::passivate_asked& i) {
  return i.only_now ? "asked to passivate now" : "asked to passivate";
}
std::string word(const d::restart_asked&) { return "asked to restart"; }
std::string word(const d::highest_checked& i) {
  if (!i.what) return fmt::format("reading {} of the highest failed", i.check);
  return fmt::format("reading {}: the highest is {}", i.check, *i.what);
}
std::string word(const d::alarm_due& i) {
  return fmt::format("asked for the alarm, seen at {}", vtime_of(i.seen_at));
}
std::string word(const d::close_asked&) { return "asked to close"; }

std::string word(const d::load&) { return "load"; }
std::string word(const d::replay& a) { return fmt::format("replay {}..{}", a.from, a.to); }
std::string word(const d::decode_chunk&) { return "decode"; }
std::string word(const d::append& a) {
  auto text = a.events == nullptr
                  ? fmt::format("after {}:", a.expected)
                  : fmt::format("append {}..{}", a.expected + 1, a.expected + a.events->size());
  if (a.due.what == due_change::kind::clear) text += " no alarm";
  if (a.due.what == due_change::kind::set) text += fmt::format(" alarm {}", vtime_of(a.due.at));
  return text;
}
std::string word(const d::settle&) { return "settle"; }
std::string word(const d::save& a) { return fmt::format("save {}", a.snapshot.number); }
std::string word(const d::release& a) { return "release " + number_of(a.call); }
std::string word(const d::discard& a) { return fmt::format("discard {}", number_of(a.call)); }
std::string word(const d::refuse& a) {
  return fmt::format("refuse {}: {}", number_of(a.call), a.why.message);
}
std::string word(const d::run& a) { return "run " + number_of(a.call); }
std::string word(const d::wait& a) { return fmt::format("wait, attempt {}", a.attempt); }
std::string word(const d::tell& a) {
  static constexpr const char* names[] = {"recovered",        "recovery_failed", "snapshot_failed",
                                          "snapshot_ignored", "prune_failed",    "interleaved",
                                          "append_failed"};
  return fmt::format("tell {} {}", names[static_cast<int>(a.what)], a.number);
}
std::string word(const d::read_highest&) { return "read highest"; }
std::string word(const d::due_stored& a) {
  return a.due ? fmt::format("stored: alarm {}", vtime_of(*a.due)) : "stored: no alarm";
}
std::string word(const d::alarm_seen& a) {
  return a.why.message.empty() ? "alarm seen" : "alarm seen: " + a.why.message;
}
std::string word(const d::stopped&) { return "stopped"; }

}
