// Beginner's mistakes in the struct itself. One name is defined when the file is compiled; the first
// error has to contain what the lines "// error:" (of one compiler: "// g++:", "// clang++:") say.
// Those marked "by default" are compiled in every test run, the others by NEXUS_LONG_TESTS.
#include "mistakes.hpp"

#ifdef NO_DECIDE  // by default
// error: decide_for<account, parts::deposit>' is unavailable: write in the behavior: static auto decide
struct account : applying {};
#endif

#ifdef DECIDE_OF_ANOTHER_BEHAVIORS_COMMAND
// error: decide_for<account, parts::deposit>' is unavailable
struct other {
  struct deposit {};
};
struct account : applying {
  static auto decide(const state&, const other::deposit&) { return nexus::none(); }
};
#endif

#ifdef DECIDE_IS_NOT_STATIC
// error: static_decide_for<account, parts::deposit>' is unavailable: decide is called without an object
struct account : applying {
  auto decide(const state&, const deposit& c) { return nexus::persist(deposited{c.cents}); }
};
#endif

#ifdef DECIDE_TAKES_A_MUTABLE_STATE
// error: const_decide_for<account, parts::deposit>' is unavailable
// error: take the state and the command by const reference
struct account : applying {
  static auto decide(state& s, const deposit& c) {
    s.cents += c.cents;
    return nexus::persist(deposited{c.cents});
  }
};
#endif

#ifdef NO_APPLY  // by default
// error: apply_for<account, parts::deposited>' is unavailable: write in the behavior: static void apply
struct account : deciding {};
#endif

#ifdef APPLY_IS_NOT_STATIC
// error: static_apply_for<account, parts::deposited>' is unavailable
struct account : deciding {
  void apply(state& s, const deposited& e) { s.cents += e.cents; }
};
#endif

#ifdef APPLY_TAKES_THE_STATE_BY_VALUE
// error: changing_apply_for<account, parts::deposited>' is unavailable: apply changes the state
struct account : deciding {
  static void apply(state s, const deposited& e) { s.cents += e.cents; }
};
#endif

#ifdef APPLY_TAKES_A_CONST_STATE
// error: changing_apply_for<account, parts::deposited>' is unavailable: apply changes the state
struct account : deciding {
  static void apply(const state&, const deposited&) {}
};
#endif

#ifdef APPLY_RETURNS_THE_NEXT_STATE
// error: void_apply_for<account, parts::deposited>' is unavailable: apply changes the state
struct account : deciding {
  static state apply(const state& s, const deposited& e) { return state{s.cents + e.cents}; }
};
#endif

#ifdef NO_ENTITY_TYPE  // by default
// error: entity_type_of<account>' is unavailable
// error: static constexpr std::string_view entity_type = "NAME"
struct account {
  struct deposit {};
  using command = std::variant<deposit>;
  struct state {};
  static auto decide(const state&, const deposit&) { return nexus::none(); }
};
#endif

#ifdef COMMAND_IS_NO_VARIANT
// error: command_list_of<account>' is unavailable: a behavior lists its commands: using command =
struct account : bank {
  using command = deposit;
};
#endif

#ifdef EVENT_IS_NO_VARIANT
// error: event_list_of<account>' is unavailable: a behavior lists its events: using event =
struct account : bank {
  using event = deposited;
};
#endif

#ifdef STATE_HAS_NO_DEFAULT_CONSTRUCTOR
// error: default_state_of<account, account::state>' is unavailable: a new entity begins with state{}
struct account : parts {
  struct state {
    explicit state(int c) : cents{c} {}
    int cents;
    MSGPACK_DEFINE_MAP(cents)
  };
  static auto decide(const state&, const deposit& c) { return nexus::persist(deposited{c.cents}); }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};
#endif

#ifdef A_COMMAND_TWICE
// error: distinct_commands_of<account, parts::deposit>' is unavailable: a behavior's command is there
struct account : bank {
  using command = std::variant<deposit, deposit>;
};
#endif

#ifdef ON_RECOVERED_IS_NOT_STATIC
// error: static_on_recovered_of<account>' is unavailable: write: static nexus::effect<BEHAVIOR>
struct account : bank {
  nexus::effect<account> on_recovered(const state&) { return nexus::none(); }
};
#endif

#ifdef ALARM_IS_NOT_STATIC
// error: static_alarm_of<account>' is unavailable: write: static std::optional
struct account : bank {
  std::optional<nexus::alarm<account>> alarm(const state&) { return std::nullopt; }
};
#endif

#ifdef ALARM_IS_OF_ANOTHER_BEHAVIOR
// error: static_alarm_of<account>' is unavailable: write: static std::optional
struct account : bank {
  static std::optional<nexus::alarm<bank>> alarm(const state&) { return std::nullopt; }
};
#endif

#ifdef ALARM_VERSION_IS_ZERO
// error: alarm_version_of<account>' is unavailable: write: static constexpr std::uint32_t
struct account : bank {
  static constexpr std::uint32_t alarm_version = 0;
  static std::optional<nexus::alarm<account>> alarm(const state&) { return std::nullopt; }
};
#endif

#ifdef ALARM_VERSION_IS_NEGATIVE
// error: alarm_version_of<account>' is unavailable: write: static constexpr std::uint32_t
struct account : bank {
  static constexpr int alarm_version = -1;
  static std::optional<nexus::alarm<account>> alarm(const state&) { return std::nullopt; }
};
#endif

void serve(nexus::system& sys, const nexus::store& in) {
  const nexus::entities<account> accounts{sys, in};
  (void)accounts.of("alice").ask(parts::deposit{1}).get();
}
