#include "checks.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "alarms.hpp"

namespace nexus::simulation {
namespace {

/// The place of a command's events, in the journal's order.
struct place {
  sequence_nr last = 0;  ///< the number of the last one; 0: nothing is stored
  bool twice = false;
};

class history_check {
 public:
  history_check(surroundings& s, const model_journal& journal)
      : s_{s}, journal_{journal}, places_(s.fates.size() + 1) {}

  void check() {
    fold();
    for (const auto& f : s_.fates) {
      check_answer(f);
      check_chain(f);
    }
  }

 private:
  void broken(const char* rule, const fate& f, std::string detail = {}) {
    s_.judge.broken(rule, fmt::format("command {} ({}){}{}", f.id, to_string(f.what),
                                      detail.empty() ? "" : ": ", detail));
  }

  // As if commands had never overlapped: each command's events are together and complete, and equal
  // those that it would have persisted on the state before them.
  void fold() {
    state now;
    const auto& records = journal_.records();
    for (std::size_t n = 0; n < records.size();) {
      const auto first = decode_event(records[n].data).value_or(event{});
      const auto total = std::max<std::size_t>(first.total, 1);
      const auto before = now;
      for (std::size_t i = 0; i < total; ++i, ++n) {
        const auto e =
            n < records.size() ? decode_event(records[n].data).value_or(event{}) : event{};
        if (e.command != first.command || e.index != i || e.total != first.total) {
          s_.judge.broken("an append is all or nothing, and nothing is in between",
                          fmt::format("event {} of command {}", n + 1, first.command));
          return;
        }
        apply(now, e);
      }
      if (first.command == of_alarm) {
        check_alarm(before, now, records[n - 1].stored);
      } else if (first.command != 0) {
        placed(s_.fate_of(first.command), before, now);
      }
    }
  }

  // Of the state before, at its time or later.
  void check_alarm(const state& before, const state& after, vtime stored) {
    const auto named = alarm_of(s_.planned, before);
    const auto again = decide(before, named ? named->after : command{}, of_alarm);
    if (!named || again.after != after) {
      s_.judge.broken("an alarm's event is that of the command that the state named",
                      fmt::format("event {}", after.count));
    } else if (named->from > stored && named->due != named->from) {
      s_.judge.broken("an alarm has its effect when its time has come",
                      fmt::format("event {} at {}", after.count, stored));
    }
  }

  void placed(const fate& f, const state& before, const state& after) {
    auto& at = places_[f.id];
    if (at.last != 0) broken("a command is stored once", f);
    at.last = after.count;
    const auto again = decide(before, f.what, f.id);
    if (again.is != verdict::outcome::done || again.after != after) {
      broken("a stored command is what one-at-a-time execution would have stored", f);
    }
  }

  void check_answer(const fate& f) {
    const auto at = places_[f.id].last;
    switch (f.is) {
      case fate::answer::none:
        return broken("every command is answered", f);
      case fate::answer::done:
        return check_done(f, at);
      case fate::answer::refused:
        return check_refused(f, at);
      case fate::answer::failed:
        if (at != 0 && f.code != errc::outcome_unknown) {
          broken("what was told not to be stored is not", f, std::string{to_string(f.code)});
        }
        return;
      default:
        return;  // all or nothing, which `fold` has checked
    }
  }

  void check_done(const fate& f, sequence_nr at) {
    if (!journal_.knows(f.seen)) broken("an answer is a state of the journal", f);
    if (f.what.events == 0) return;
    if (at == 0) return broken("what was acknowledged is stored", f);
    if (f.seen.count != at) {
      return broken("an answer is the state right after the command", f,
                    fmt::format("{} instead of {}", f.seen.count, at));
    }
    if (f.again > 0) s_.reaches(landmark::stored_again);
    const auto when = journal_.records()[at - 1].stored;
    if (when < f.sent || when > f.answered) broken("it is stored while it is waited for", f);
  }

  void check_refused(const fate& f, sequence_nr at) {
    if (at != 0) return broken("what was refused is not stored", f);
    if (!journal_.knows(f.seen)) return broken("a refusal is based on a state of the journal", f);
    const auto again = decide(f.seen, f.what, f.id);
    const bool right = (f.code == errc::rejected && again.is == verdict::outcome::rejected) ||
                       (f.code == errc::apply_failed && again.is == verdict::outcome::threw) ||
                       (f.code == errc::overloaded && again.is == verdict::outcome::stash);
    if (!right) broken("a refusal is what the state calls for", f, std::string{to_string(f.code)});
  }

  void check_chain(const fate& f) {
    const bool due = f.is == fate::answer::done && f.last.flags.runs;
    if (f.chained != due) {
      return broken("a chain runs if its command is acknowledged, and only then", f);
    }
    if (f.chained && f.chain_saw != f.seen) {
      broken("a chain sees the state its command produced", f,
             fmt::format("{} events instead of {}", f.chain_saw.count, f.seen.count));
    }
  }

  surroundings& s_;
  const model_journal& journal_;
  std::vector<place> places_;
};

}  // namespace

void check_history(surroundings& s, const model_journal& journal) {
  history_check{s, journal}.check();
}

}
