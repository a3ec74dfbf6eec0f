// A transfer between two accounts: a process that survives crashes.
//
//   started ─▶ withdrawing ─▶ depositing ─▶ clearing ─▶ over
//                  │refused        │refused     ▲
//                  │               └▶ refunding ┤
//                  └────────────────────────────┘
//
// Every event leads to the next question: `then_next` derives it from the state alone. So
// `on_recovered` asks the questions again that were unanswered when the process died; only the
// events have to be kept. An alarm wakes a transfer that is not over in time, so it goes on after a
// crash or an outage although no caller asks for it. Asking twice is harmless, since an account decides each leg once, and
// forgets it only when asked to in `clearing`, when the verdicts are stored here. If two processes
// run the same transfer, it still happens once: the second one to write an event gets a conflict,
// reads the new events, and continues from there.
//
// After sagas (Garcia-Molina and Salem, 1987), with the log and the recovery of an ordinary entity.
//
// Pure: no clock, no I/O, no actor. tests/samples/transfer_test.cpp needs no runtime.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <nexus/nexus.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "account.hpp"
#include "trouble.hpp"

namespace bank {

/// How a transfer ended.
struct ending {
  std::string refusal;  ///< why no money moved; empty: it did

  friend bool operator==(const ending&, const ending&) = default;
};

struct transfer {
  static constexpr std::string_view entity_type = "transfer";

  struct started {
    static constexpr std::string_view type_name = "started";
    std::string from;
    std::string to;
    std::int64_t hundredths = 0;  ///< above zero
    std::string currency;
    MSGPACK_DEFINE_MAP(from, to, hundredths, currency)
    friend bool operator==(const started&, const started&) = default;
  };
  struct leg_posted {
    static constexpr std::string_view type_name = "leg_posted";
    leg which{};
    MSGPACK_DEFINE_MAP(which)
  };
  struct leg_refused {
    static constexpr std::string_view type_name = "leg_refused";
    leg which{};
    std::string why;
    MSGPACK_DEFINE_MAP(which, why)
  };
  /// An account cannot be asked, e.g. its history is damaged.
  struct held_up {
    static constexpr std::string_view type_name = "held_up";
    std::string why;
    MSGPACK_DEFINE_MAP(why)
  };
  /// It is asked again, after the start of a process.
  struct resumed {
    static constexpr std::string_view type_name = "resumed";
  };
  /// When it is woken if it is not over by then.
  struct reminder_set {
    static constexpr std::string_view type_name = "reminder_set";
    nexus::timestamp at{};
    MSGPACK_DEFINE_MAP(at)
  };
  struct completed {
    static constexpr std::string_view type_name = "completed";
  };
  using event =
      std::variant<started, leg_posted, leg_refused, held_up, resumed, reminder_set, completed>;

  enum class step : std::uint8_t {
    fresh = 0,
    withdrawing = 1,
    depositing = 2,
    refunding = 3,
    clearing = 4,
    over = 5
  };

  struct state {
    static constexpr std::uint32_t schema_version = 2;
    started what;
    step at = step::fresh;
    std::string refusal;
    std::string held_up_by;
    nexus::timestamp reminded_at{};
    unsigned reminders = 0;
    MSGPACK_DEFINE_MAP(what, at, refusal, held_up_by, reminded_at, reminders)

    static void upcast(nexus::from_version<1>, nexus::document& d) {
      d.set("reminded_at", nexus::timestamp{});
      d.set("reminders", 0U);
    }
  };

  struct start {
    started what;
  };
  /// Answers when the transfer is over, or fails if it is held up.
  struct await {};
  /// An account's answer to a leg; `attempt` counts from 1.
  struct leg_answered {
    leg which{};
    nexus::result<verdict> answer;
    unsigned attempt = 1;
  };
  /// An account's answer to `forget`.
  struct forget_answered {
    leg which{};  ///< `withdraw`: the paying account; `deposit`: the other
    nexus::result<void> answer;
    unsigned attempt = 1;
  };
  /// Asks again: the command of the alarm.
  struct resume {};
  using command = std::variant<start, await, leg_answered, forget_answered, resume>;

  static std::optional<nexus::alarm<transfer>> alarm(const state& s) {
    if (s.at == step::fresh || s.at == step::over) return std::nullopt;
    return nexus::alarm<transfer>{s.reminded_at, resume{}};
  }

  /// Before the reminder number `n`, from 0: 5 s, doubled up to 43 minutes.
  static constexpr std::chrono::seconds pause_before(unsigned n) {
    return std::chrono::seconds{5} * (1 << std::min(n, 9U));
  }
  static nexus::effect<transfer> decide(const state& s, const start& c,
                                        const nexus::context& self) {
    if (s.at == step::fresh) {
      state after = s;
      apply(after, c.what);
      const reminder_set reminder{self.now() + pause_before(0)};
      return then_next(nexus::persist(c.what, reminder), after, self.id());
    }
    if (s.what == c.what) return nexus::none();
    return nexus::reject("there is another transfer of this id");
  }

  static nexus::effect<transfer, ending> decide(const state& s, const await&) {
    if (s.at == step::fresh) return nexus::reject("there is no such transfer");
    if (s.at == step::over) return nexus::reply(ending{s.refusal});
    if (!s.held_up_by.empty()) return nexus::reject(s.held_up_by);
    return nexus::stash();
  }

  static nexus::effect<transfer> decide(const state& s, const leg_answered& c,
                                        const nexus::context& self) {
    if (s.at != step_of(c.which)) return nexus::none();  // asked twice
    if (!c.answer) return trouble(s, c.answer.error(), c.attempt, self.id());
    if (c.answer->posted()) return record(s, leg_posted{c.which}, self.id());
    if (c.which == leg::refund) return hold_up(s, c.answer->refusal);  // accounts keep room for it
    return record(s, leg_refused{c.which, c.answer->refusal}, self.id());
  }

  static nexus::effect<transfer> decide(const state& s, const forget_answered& c,
                                        const nexus::context& self) {
    if (s.at != step::clearing) return nexus::none();
    if (!c.answer) return trouble(s, c.answer.error(), c.attempt, self.id());
    if (c.which == leg::deposit) return record(s, completed{}, self.id());
    return then_forget(nexus::none(), s.what.to, leg::deposit, self.id(), c.attempt);
  }

  static nexus::effect<transfer> decide(const state& s, const resume&, const nexus::context& self) {
    if (!alarm(s)) return nexus::none();
    const reminder_set next{self.now() + pause_before(s.reminders)};
    if (s.held_up_by.empty()) return then_next(nexus::persist(next), s, self.id());
    return then_next(nexus::persist(resumed{}, next), s, self.id());
  }

  static nexus::effect<transfer> on_recovered(const state& s, const nexus::context& self) {
    if (!s.held_up_by.empty()) return record(s, resumed{}, self.id());
    return then_next(nexus::none(), s, self.id());
  }

  static void apply(state& s, const started& e) {
    s.what = e;
    s.at = step::withdrawing;
  }
  static void apply(state& s, const leg_posted& e) {
    s.at = e.which == leg::withdraw ? step::depositing : step::clearing;
    s.held_up_by.clear();
  }
  static void apply(state& s, const leg_refused& e) {
    s.refusal = e.why;
    s.at = e.which == leg::withdraw ? step::clearing : step::refunding;
    s.held_up_by.clear();
  }
  static void apply(state& s, const held_up& e) { s.held_up_by = e.why; }
  static void apply(state& s, const resumed&) { s.held_up_by.clear(); }
  static void apply(state& s, const reminder_set& e) {
    s.reminded_at = e.at;
    ++s.reminders;
  }
  static void apply(state& s, const completed&) {
    s.at = step::over;
    s.held_up_by.clear();
  }

 private:
  static step step_of(leg which) {
    switch (which) {
      case leg::withdraw:
        return step::withdrawing;
      case leg::deposit:
        return step::depositing;
      case leg::refund:
        break;
    }
    return step::refunding;
  }

  // Adds to an effect the next step for the state `after`.
  template <class Draft>
  static nexus::effect<transfer> then_next(Draft d, const state& after, std::string_view self,
                                           unsigned attempt = 1) {
    const auto& what = after.what;
    std::string id{self};
    auto ask = [&](leg which, const std::string& whom, std::int64_t amount,
                   const std::string& other) -> nexus::effect<transfer> {
      return std::move(d).template then_ask<account>(
          whom, account::move{{id, which, amount, what.currency, other}},
          [=](nexus::result<verdict> answer) {
            return command{leg_answered{which, std::move(answer), attempt}};
          },
          pause_before_asking(attempt));
    };
    switch (after.at) {
      case step::withdrawing:
        return ask(leg::withdraw, what.from, -what.hundredths, what.to);
      case step::depositing:
        return ask(leg::deposit, what.to, what.hundredths, what.from);
      case step::refunding:
        return ask(leg::refund, what.from, what.hundredths, what.to);
      case step::clearing:
        return then_forget(std::move(d), what.from, leg::withdraw, self, attempt);
      case step::over:
        return std::move(d).then_unstash().then_passivate();
      case step::fresh:
        break;
    }
    return d;
  }

  template <class Draft>
  static nexus::effect<transfer> then_forget(Draft d, const std::string& whom, leg which,
                                             std::string_view self, unsigned attempt) {
    return std::move(d).template then_ask<account>(
        whom, account::forget{std::string{self}},
        [=](nexus::result<void> answer) {
          return command{forget_answered{which, std::move(answer), attempt}};
        },
        pause_before_asking(attempt));
  }

  // The first attempt, which is number 1, is made at once.
  static nexus::ask_options pause_before_asking(unsigned attempt) {
    using namespace std::chrono_literals;
    return {.after = nexus::growing_pause(attempt - 1, 10ms, 5s)};
  }

  // Stores the event and takes the next step.
  template <class Event>
  static nexus::effect<transfer> record(const state& s, Event e, std::string_view self) {
    state after = s;
    apply(after, e);
    return then_next(nexus::persist(std::move(e)), after, self);
  }

  // No answer came.
  static nexus::effect<transfer> trouble(const state& s, const nexus::error& why, unsigned attempt,
                                         std::string_view self) {
    if (is_trouble(why.code)) {
      return then_next(nexus::none(), s, self, attempt + 1);
    }
    return hold_up(s, why.message);
  }

  static nexus::effect<transfer> hold_up(const state& s, const std::string& why) {
    if (!s.held_up_by.empty()) return nexus::none();
    return nexus::persist(held_up{why}).then_unstash();
  }
};

}  // namespace bank
