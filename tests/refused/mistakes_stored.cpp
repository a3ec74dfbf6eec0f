// Beginner's mistakes in what is stored; see mistakes_behavior.cpp.
#include "mistakes.hpp"

template <class Event>
struct storing : parts {
  using event = std::variant<Event>;
  static auto decide(const state&, const deposit&) { return nexus::persist(Event{}); }
  static void apply(state&, const Event&) {}
};

/// A durable state that is no struct.
template <class State>
struct plain {
  static constexpr std::string_view entity_type = "account";
  using deposit = parts::deposit;
  using command = std::variant<deposit>;
  using state = State;
  static auto decide(const state& s, const deposit&) { return nexus::persist(s); }
};

#ifdef NO_TYPE_NAME  // by default
// error: type_name_of<paid>' is unavailable
// error: static constexpr std::string_view type_name = "NAME"
struct paid {
  int cents = 0;
  MSGPACK_DEFINE_MAP(cents)
};
using account = storing<paid>;
#endif

#ifdef TYPE_NAME_IS_NOT_STATIC
// error: type_name_of<paid>' is unavailable: an event has a public: static constexpr
struct paid {
  std::string_view type_name = "paid";
};
using account = storing<paid>;
#endif

#ifdef TWO_EVENTS_WITH_ONE_TYPE_NAME
// error: distinct_type_names_of<paid, parts::deposited>' is unavailable: two events of one behavior
struct paid {
  static constexpr std::string_view type_name = "deposited";
};
struct account : storing<paid> {
  using event = std::variant<paid, deposited>;
  static void apply(state&, const paid&) {}
  static void apply(state&, const deposited&) {}
};
#endif

#ifdef AN_EMPTY_TYPE_NAME
// error: valid_type_name_of<paid>' is unavailable: a type_name is not empty
struct paid {
  static constexpr std::string_view type_name = "";
};
using account = storing<paid>;
#endif

#ifdef AN_ENTITY_TYPE_WITH_A_BAR
// error: valid_entity_type_of<account>' is unavailable: an entity_type is not empty
struct account : bank {
  static constexpr std::string_view entity_type = "bank|account";
};
#endif

#ifdef AN_EVENT_WITHOUT_THE_MACRO  // by default
// error: stored_fields_of<paid>' is unavailable: name every field of the struct with MSGPACK_DEFINE_MAP
struct paid {
  static constexpr std::string_view type_name = "paid";
  int cents = 0;
};
using account = storing<paid>;
#endif

#ifdef A_STATE_WITHOUT_THE_MACRO
// error: stored_fields_of<account::state>' is unavailable: name every field of the struct
struct account : parts {
  struct state {
    int cents = 0;
  };
  static auto decide(const state&, const deposit& c) { return nexus::persist(deposited{c.cents}); }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};
#endif

#ifdef STATES_OF_STRUCTS_WITHOUT_THE_MACRO
// error: stored_fields_of<line>' is unavailable: name every field of the struct with MSGPACK_DEFINE_MAP
struct line {
  int cents = 0;
};
struct account : plain<std::vector<line>> {};
#endif

#ifdef A_VIEW_AS_A_STATE
// error: owned_value_instead_of<std::
// error: is unavailable: a stored value owns what it holds: use std::string or std::vector
struct account : plain<std::string_view> {};
#endif

#ifdef A_MULTIMAP_AS_A_STATE
// error: stored_container_instead_of<std::multimap<
// error: is unavailable: a stored container is a std::array, vector, deque, list, set or map
struct account : plain<std::multimap<int, int>> {};
#endif

#ifdef AN_OPTIONAL_OF_AN_OPTIONAL_AS_A_STATE
// error: one_empty_value_in<std::optional<std::optional<int>
// error: is unavailable: std::optional or a pointer directly inside another one
struct account : plain<std::optional<std::optional<int>>> {};
#endif

#ifdef A_LONG_DOUBLE_AS_A_STATE
// error: float_or_double_instead_of<long double>' is unavailable: a stored number is a float or a double
struct account : plain<long double> {};
#endif

#ifdef A_NUMBER_OF_ANOTHER_TYPE_THAN_THE_STATE
// error: event_of<account, int>' is unavailable: persist takes an event that using event =
struct account : plain<double> {
  static auto decide(const state&, const deposit& c) { return nexus::persist(c.cents); }
};
#endif

#ifdef SEVERAL_STATES_OF_A_VECTOR
// error: one_state_of<account>' is unavailable: a behavior without events persists one state at a time
struct account : plain<std::vector<int>> {
  static auto decide(const state& s, const deposit&) { return nexus::persist(std::vector{s, s}); }
};
#endif

#ifdef A_FIELD_WITHOUT_THE_MACRO
// error: stored_fields_of<line>' is unavailable: name every field of the struct with MSGPACK_DEFINE_MAP
struct line {
  int cents = 0;
};
struct paid {
  static constexpr std::string_view type_name = "paid";
  std::vector<line> lines;
  MSGPACK_DEFINE_MAP(lines)
};
using account = storing<paid>;
#endif

#ifdef A_VIEW_AS_A_FIELD
// error: owned_value_instead_of<std::
// error: is unavailable: a stored value owns what it holds: use std::string or std::vector
struct paid {
  static constexpr std::string_view type_name = "paid";
  std::string_view by;
  MSGPACK_DEFINE_MAP(by)
};
using account = storing<paid>;
#endif

#ifdef A_MULTIMAP_AS_A_FIELD
// error: stored_container_instead_of<std::multimap<
// error: is unavailable: a stored container is a std::array, vector, deque, list, set or map
struct paid {
  static constexpr std::string_view type_name = "paid";
  std::multimap<int, int> by_day;
  MSGPACK_DEFINE_MAP(by_day)
};
using account = storing<paid>;
#endif

#ifdef AN_OPTIONAL_OF_AN_OPTIONAL
// error: one_empty_value_in<std::optional<std::optional<int>
// error: is unavailable: std::optional or a pointer directly inside another one
struct paid {
  static constexpr std::string_view type_name = "paid";
  std::optional<std::optional<int>> note;
  MSGPACK_DEFINE_MAP(note)
};
using account = storing<paid>;
#endif

#ifdef A_LONG_DOUBLE
// error: float_or_double_instead_of<long double>' is unavailable: a stored number is a float or a double
struct paid {
  static constexpr std::string_view type_name = "paid";
  long double share = 0;
  MSGPACK_DEFINE_MAP(share)
};
using account = storing<paid>;
#endif

#ifdef A_TIME_IN_DOUBLE
// error: stored_time_instead_of<std::chrono::time_point<
// error: is unavailable: a stored time point counts whole seconds
struct paid {
  static constexpr std::string_view type_name = "paid";
  std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<double>> at;
  MSGPACK_DEFINE_MAP(at)
};
using account = storing<paid>;
#endif

#ifdef A_MISSPELLED_FIELD
// The compiler's own words.
// g++: 'centz' was not declared in this scope; did you mean 'cents'?
// clang++: use of undeclared identifier 'centz'; did you mean 'cents'?
struct paid {
  static constexpr std::string_view type_name = "paid";
  int cents = 0;
  MSGPACK_DEFINE_MAP(centz)
};
using account = storing<paid>;
#endif

#ifdef AN_UPCAST_WITHOUT_ITS_VERSION
// error: upcast_from_version_of<paid>' is unavailable: write: static void upcast(nexus::from_version<N>
struct paid {
  static constexpr std::string_view type_name = "paid";
  static constexpr std::uint32_t schema_version = 2;
  int cents = 0;
  MSGPACK_DEFINE_MAP(cents)
  static void upcast(nexus::document& d) { d.rename("amount", "cents"); }
};
using account = storing<paid>;
#endif

/// Reads events that it does not make any more.
struct adapting : parts {
  struct moved {
    static constexpr std::string_view type_name = "moved";
  };
  using old_event = std::variant<moved>;
  static std::vector<event> adapt(const moved&) { return {}; }
  static auto decide(const state&, const deposit& c) { return nexus::persist(deposited{c.cents}); }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};

#ifdef AN_OLD_EVENT_WITHOUT_ADAPT
// error: adapt_for<account, account::closed>' is unavailable: write in the behavior: static std::vector<event>
struct account : adapting {
  struct closed {
    static constexpr std::string_view type_name = "closed";
  };
  using old_event = std::variant<moved, closed>;
};
#endif

#ifdef OLD_EVENTS_WITHOUT_A_LIST
// error: old_event_list_of<account>' is unavailable: old events are listed like events
struct account : adapting {
  using old_event = moved;
};
#endif

#ifdef AN_OLD_EVENT_OF_THE_CURRENT_VERSION
// error: older_version_of<account::old_deposited, parts::deposited>' is unavailable: an old event with
struct account : adapting {
  struct old_deposited {
    static constexpr std::string_view type_name = "deposited";
  };
  using old_event = std::variant<old_deposited>;
  static deposited adapt(const old_deposited&) { return {}; }
};
#endif

#ifdef REMOVED_EVENTS_THAT_ARE_NO_LIST
// error: removed_events_of<account>' is unavailable: names of removed events are texts in a container
struct account : adapting {
  static constexpr std::string_view removed_events = "audited";
};
#endif

#ifdef DECODING_ONE_EVENT_OF_SEVERAL
// error: decode_events_of<adapting>' is unavailable: a stored event of a behavior with old_event or
using account = adapting;
auto one_event(const nexus::event_view& stored) { return nexus::decode_event<account>(stored); }
#endif

void serve(nexus::system& sys, const nexus::store& in) {
  const nexus::entities<account> accounts{sys, in};
  (void)accounts.of("alice").ask(parts::deposit{1}).get();
}
