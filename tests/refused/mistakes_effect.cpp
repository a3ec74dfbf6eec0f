// Beginner's mistakes in what `decide` returns; see mistakes_behavior.cpp.
#include "mistakes.hpp"

struct withdrawn {
  static constexpr std::string_view type_name = "withdrawn";
};

#ifdef PERSIST_IS_FORGOTTEN  // by default
// error: effect_from_decide<account, parts::deposit, parts::deposited>' is unavailable: decide returns an
struct account : applying {
  static auto decide(const state&, const deposit& c) { return deposited{c.cents}; }
};
#endif

#ifdef DECIDE_RETURNS_A_VALUE
// error: effect_from_decide<account, parts::deposit, int>' is unavailable: decide returns an effect
struct account : applying {
  static int decide(const state& s, const deposit& c) { return s.cents + c.cents; }
};
#endif

#ifdef AN_EVENT_THAT_IS_NOT_LISTED  // by default
// error: event_of<account, withdrawn>' is unavailable: persist takes an event that using event =
struct account : applying {
  static auto decide(const state&, const deposit&) { return nexus::persist(withdrawn{}); }
};
#endif

#ifdef EVENTS_THAT_ARE_NOT_LISTED
// error: event_of<account, withdrawn>' is unavailable: persist takes an event that using event =
struct account : applying {
  static nexus::effect<account> decide(const state&, const deposit&) {
    return nexus::persist(std::vector<withdrawn>{});
  }
};
#endif

#ifdef EVENTS_WITHOUT_A_LIST
// error: event_of<account, withdrawn>' is unavailable: persist takes an event that using event =
struct account {
  static constexpr std::string_view entity_type = "account";
  using deposit = parts::deposit;
  using command = std::variant<deposit>;
  struct state {};
  static auto decide(const state&, const deposit&) { return nexus::persist(withdrawn{}); }
  static void apply(state&, const withdrawn&) {}
};
#endif

#ifdef NO_REPLY
// error: reply_of<account, int>' is unavailable: the caller waits for this reply: add .then_reply
struct account : applying {
  static nexus::effect<account, int> decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents});
  }
};
#endif

#ifdef A_REPLY_OF_ANOTHER_TYPE
// error: given_reply_of<account, int,
// error: is unavailable: then_reply and reply give the reply type of nexus::effect<BEHAVIOR, REPLY>
struct account : applying {
  static nexus::effect<account, int> decide(const state&, const deposit&) {
    return nexus::reply(std::string{"done"});
  }
};
#endif

#ifdef A_REPLY_FROM_ANOTHER_STRUCT
// g++: reply_from_state_of<account, int parts::deposited::*>' is unavailable: then_reply takes a member
// clang++: reply_from_state_of<account, int parts::deposited::*>' is unavailable: then_reply takes
struct account : applying {
  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_reply(&deposited::cents);
  }
};
#endif

#ifdef A_RUN_ON_SOMETHING_ELSE
// error: run_on_state_of<account,
// error: is unavailable: then_run takes a callable that takes const state&
struct account : applying {
  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_run([](const deposited&) {});
  }
};
#endif

#ifdef TWO_KINDS_OF_EFFECT  // by default
// The compiler's own words, with a name of Nexus that says what to write.
// g++: inconsistent deduction for auto return type: 'nexus::v0::detail::refusal' and then
// clang++: 'auto' in return type deduced as
// error: if_effects_differ_return_nexus_effect_B_R<nexus::
// error: one_record<parts::deposited>
struct account : applying {
  static auto decide(const state& s, const deposit& c) {
    if (s.cents < 0) return nexus::reject("closed");
    return nexus::persist(deposited{c.cents});
  }
};
#endif

#ifdef TWO_KINDS_OF_REPLY
// error: if_effects_differ_return_nexus_effect_B_R<nexus::
// error: one_record<parts::deposited>
// error: constant_reply<int>
struct account : applying {
  static auto decide(const state& s, const deposit& c) {
    if (s.cents < 0) return nexus::reply(s.cents);
    return nexus::persist(deposited{c.cents}).then_reply(&state::cents).then_snapshot();
  }
};
#endif

#ifdef TWO_STATES_AT_ONCE
// error: one_state_of<account>' is unavailable: a behavior without events persists one state at a time
struct account {
  static constexpr std::string_view entity_type = "account";
  using deposit = parts::deposit;
  using command = std::variant<deposit>;
  using state = parts::state;
  static auto decide(const state& s, const deposit&) { return nexus::persist(s, s); }
};
#endif

#ifdef A_QUESTION_OF_ANOTHER_BEHAVIOR
// error: command_of<bank, withdrawn>' is unavailable: this type is none of the behavior's commands
struct account : applying {
  static auto decide(const state&, const deposit&) {
    return nexus::ask<bank>("b", withdrawn{}, [](const nexus::result<void>&) { return deposit{}; });
  }
};
#endif

#ifdef AN_ANSWER_THAT_MAKES_NO_COMMAND  // by default
// error: command_from_answer<account, withdrawn>' is unavailable: the last argument of ask and then_ask
struct account : applying {
  static auto decide(const state&, const deposit&) {
    return nexus::ask<bank>("b", bank::deposit{},
                            [](const nexus::result<void>&) { return withdrawn{}; });
  }
};
#endif

#ifdef A_TIMER_OF_ANOTHER_COMMAND  // by default
// error: timed_command_of<account, withdrawn>' is unavailable: a timer's command is one of the behavior's
struct account : applying {
  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents})
        .then_after("later", std::chrono::seconds{1}, withdrawn{});
  }
};
#endif

#ifdef A_TIMER_OF_ANOTHER_COMMAND_IN_A_NAMED_EFFECT
// error: timed_command_of<account, withdrawn>' is unavailable: a timer's command is one of the behavior's
struct account : applying {
  static nexus::effect<account> decide(const state&, const deposit&) {
    return nexus::when_idle("later", std::chrono::seconds{1}, withdrawn{});
  }
};
#endif

#ifdef AN_ANSWER_OF_ANOTHER_TYPE
// error: answer_taken_by<account, bank, parts::deposit,
// error: is unavailable: the last argument of ask and then_ask takes nexus::result<REPLY
struct account : applying {
  static auto decide(const state&, const deposit&) {
    return nexus::ask<bank>("b", bank::deposit{}, [](int) { return deposit{}; });
  }
};
#endif

#ifdef A_WATCH_THAT_TAKES_SOMETHING_ELSE
// error: ending_taken_by<account,
// error: is unavailable: the last argument of watch and then_watch takes nexus::result<nexus::ending>
struct account : applying {
  static auto decide(const state&, const deposit&) {
    return nexus::watch<bank>("b", [](int) { return deposit{}; });
  }
};
#endif

#ifdef A_WATCH_THAT_MAKES_NO_COMMAND
// error: command_from_answer<account, withdrawn>' is unavailable: the last argument of
struct account : applying {
  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents})
        .then_watch<bank>("b", [](const nexus::result<nexus::ending>&) { return withdrawn{}; });
  }
};
#endif

void serve(nexus::system& sys, const nexus::store& in) {
  const nexus::entities<account> accounts{sys, in};
  (void)accounts.of("alice").ask(parts::deposit{1}).get();
}
