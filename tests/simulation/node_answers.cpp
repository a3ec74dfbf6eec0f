// The answers of a node, and whether they are allowed.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node.hpp"

namespace nexus::simulation {

void node::give_answer(fate& f, fate::answer is, errc code) {
  if (f.is != fate::answer::none) {
    s_.judge.broken("a command is answered once", fmt::format("command {}", f.id));
    return;
  }
  f.is = is;
  f.code = code;
  f.answered = s_.time.now();
  if (auto at = std::find(outstanding_.begin(), outstanding_.end(), f.id);
      at != outstanding_.end()) {
    outstanding_.erase(at);
  }
  if (is == fate::answer::done || is == fate::answer::refused) check_shown(f);
  to_.answered(f);
}

// Nothing leaves before what caused it is durable.
void node::check_shown(const fate& f) {
  if (!journal_.knows(f.seen)) {
    s_.judge.broken("what is shown is durable",
                    fmt::format("command {} was answered from {} events; {} are stored", f.id,
                                f.seen.count, journal_.highest()));
  }
  shown_ = std::max(shown_, f.seen.count);
}

// A conflict is reported only for a command that may not be decided again.
void node::check_retries(const fate& f) {
  const auto most = s_.planned.machine.conflict_retries_max;
  if (f.again < most && !closing_) {
    s_.judge.broken("a command is decided again as often as it may",
                    fmt::format("command {}: {} times of {}", f.id, f.again, most));
  }
  if (most != 0 && f.again == most) s_.reaches(landmark::retries_exhausted);
}

// Each refusal must have a cause in the run.
void node::check_refusal(const fate& f, const error& why) {
  constexpr auto uncertain = bit(fault::unknown_stored) | bit(fault::unknown_late) |
                             bit(fault::unknown_nothing) | bit(fault::outage);
  std::uint32_t causes = 0;
  bool other = false;
  switch (why.code) {
    case errc::conflict:
      causes = bit(fault::own_conflict) | bit(fault::unknown_late);
      other = s_.planned.nodes > 1 || s_.crashed;
      check_retries(f);
      break;
    case errc::unavailable:
      causes = uncertain | bit(fault::failed) | bit(fault::load_error) | bit(fault::replay_error) |
               bit(fault::settle_error) | bit(fault::hole);
      // A recovery that is overtaken again and again by the other system's retention.
      other = s_.planned.nodes > 1 && s_.planned.erase_events;
      break;
    case errc::too_large:
      causes = bit(fault::rejected);
      break;
    case errc::timeout:
      causes = bit(fault::load_stall) | bit(fault::replay_stall) | bit(fault::slow);
      other = f.late_at(s_.time.now()) && f.decided == f.stashed + f.again;
      if (other) s_.reaches(landmark::expired);
      break;
    case errc::apply_failed:
    case errc::decide_failed:
      causes = bit(fault::process_fails) | bit(fault::alarm_fails);
      break;
    case errc::corrupt:
      causes = bit(fault::bad_snapshot) | bit(fault::hole);
      break;
    case errc::stopped:
      other = closing_;
      break;
    case errc::outcome_unknown:
      // A storage that does not answer, a close during that, or a durable state that another writer
      // has replaced since.
      other = f.decided > 0 &&
              (closing_ || (s_.planned.durable_state && (s_.planned.nodes > 1 || s_.crashed)) ||
               (s_.happened & (bit(fault::settle_error) | bit(fault::outage))) != 0);
      break;
    default:
      break;
  }
  if (other || (causes & s_.happened) != 0) return;
  s_.judge.broken("a refusal has a cause",
                  fmt::format("command {}: {}: {}", f.id, to_string(why.code), why.message));
}

void node::check_empty() {
  if (on_its_way_ != 0 && gate_open_) {
    s_.judge.broken("nothing is left over", fmt::format("the gate counts {}", on_its_way_));
  }
  if (firing_ != 0) {
    s_.judge.broken("every firing is answered", fmt::format("firing {} is not", firing_));
  }
  if (!outstanding_.empty()) {
    s_.judge.broken("every command is answered", fmt::format("{} are not", outstanding_.size()));
  }
}

}
