// What a behavior must have, for the compiler's first error to name.
//
// Each name stands for one requirement and is marked unavailable: see storable.hpp. Both compilers
// print
//
//   error: 'nexus::v0::required::decide_for<account, account::withdraw>' is unavailable: write in
//   the behavior: static auto decide(const state&, const COMMAND&)
#pragma once

#include "nexus/detail/storable.hpp"

namespace nexus { inline namespace v0 { namespace required {

// -- the struct -----------------------------------------------------------------------------------

template <class Behavior>
NEXUS_REQUIRED("a behavior has a public: static constexpr std::string_view entity_type = \"NAME\";")
entity_type_of = false;

template <class Behavior>
NEXUS_REQUIRED(
    "an entity_type is not empty, and at most 253 bytes of valid UTF-8 without NUL and '|'")
valid_entity_type_of = false;

template <class Behavior>
NEXUS_REQUIRED("a behavior lists its commands: using command = std::variant<COMMAND, ...>;")
command_list_of = false;

template <class Behavior, class Command>
NEXUS_REQUIRED("a behavior's command is there twice: list it once in using command")
distinct_commands_of = false;

template <class Behavior>
NEXUS_REQUIRED("a behavior lists its events: using event = std::variant<EVENT, ...>;")
event_list_of = false;

template <class Behavior>
NEXUS_REQUIRED("a behavior has a public: struct state { ... };")
state_of = false;

template <class Behavior, class State>
NEXUS_REQUIRED("a new entity begins with state{}: give the state a default constructor")
default_state_of = false;

template <class Behavior>
NEXUS_REQUIRED(
    "a behavior with a row says where it is stored: static nexus::entity_rows<row> rows()")
rows_of = false;

template <class Behavior>
NEXUS_REQUIRED("a behavior with a row has no events: its state is the row")
row_or_events_of = false;

// -- decide ---------------------------------------------------------------------------------------

template <class Behavior, class Command>
NEXUS_REQUIRED("write in the behavior: static auto decide(const state&, const COMMAND&)")
decide_for = false;

template <class Behavior, class Command>
NEXUS_REQUIRED("decide is called without an object: make it static")
static_decide_for = false;

template <class Behavior, class Command>
NEXUS_REQUIRED("decide changes neither: take the state and the command by const reference")
const_decide_for = false;

template <class Behavior, class Command, class Returned>
NEXUS_REQUIRED(
    "decide returns an effect of its behavior: nexus::persist(EVENT), nexus::reply(VALUE), "
    "nexus::none(), nexus::reject(WHY), ...")
effect_from_decide = false;

template <class Behavior>
NEXUS_REQUIRED("write: static nexus::effect<BEHAVIOR> on_recovered(const state&)")
static_on_recovered_of = false;

template <class Behavior>
NEXUS_REQUIRED("write: static std::optional<nexus::alarm<BEHAVIOR>> alarm(const state&)")
static_alarm_of = false;

template <class Behavior>
NEXUS_REQUIRED("write: static constexpr std::uint32_t alarm_version = …, at least 1")
alarm_version_of = false;

template <class Behavior>
NEXUS_REQUIRED(
    "write: static bool snapshot_when(const state&, const event&, nexus::sequence_nr), where event "
    "is the variant")
static_snapshot_when_of = false;

// -- events and apply -----------------------------------------------------------------------------

template <class Event>
NEXUS_REQUIRED("an event has a public: static constexpr std::string_view type_name = \"NAME\";")
type_name_of = false;

template <class Event>
NEXUS_REQUIRED("a type_name is not empty, and at most 255 bytes of valid UTF-8 without NUL")
valid_type_name_of = false;

template <class First, class Second>
NEXUS_REQUIRED(
    "two events of one behavior have the same type_name: what is stored of one would be read as "
    "the "
    "other. Give one of them another name")
distinct_type_names_of = false;

template <class Stored>
NEXUS_REQUIRED(
    "write: static void upcast(nexus::from_version<N>, nexus::document&) for N = 1, 2, ..., and "
    "static constexpr std::uint32_t schema_version with the version that the last one leads to")
upcast_from_version_of = false;

template <class Behavior, class Event>
NEXUS_REQUIRED("write in the behavior: static void apply(state&, const EVENT&)")
apply_for = false;

template <class Behavior, class Event>
NEXUS_REQUIRED("apply is called without an object: make it static")
static_apply_for = false;

template <class Behavior, class Event>
NEXUS_REQUIRED(
    "apply changes the state that it is given and returns nothing: "
    "static void apply(state&, const EVENT&)")
void_apply_for = false;

template <class Behavior, class Event>
NEXUS_REQUIRED("apply changes the state that it is given: take it as state&, the event as const&")
changing_apply_for = false;

// -- old events -----------------------------------------------------------------------------------

template <class Behavior>
NEXUS_REQUIRED("old events are listed like events: using old_event = std::variant<OLD_EVENT, ...>;")
old_event_list_of = false;

template <class Behavior, class Old>
NEXUS_REQUIRED("write in the behavior: static std::vector<event> adapt(const OLD_EVENT&)")
adapt_for = false;

template <class Old, class Event>
NEXUS_REQUIRED(
    "an old event with the type_name of another event has a lower schema_version, and is listed "
    "before it in using old_event")
older_version_of = false;

template <class Behavior>
NEXUS_REQUIRED(
    "names of removed events are texts in a container: static constexpr "
    "std::array<std::string_view, N> removed_events{\"NAME\", ...};")
removed_events_of = false;

template <class Behavior>
NEXUS_REQUIRED(
    "a stored event of a behavior with old_event or removed_events may become none or several: use "
    "decode_events")
decode_events_of = false;

// -- effects --------------------------------------------------------------------------------------

template <class Behavior, class Persisted>
NEXUS_REQUIRED(
    "persist takes an event that using event = std::variant<EVENT, ...> lists, or, in a behavior "
    "without events, the state")
event_of = false;

template <class Behavior>
NEXUS_REQUIRED("a behavior without events persists one state at a time")
one_state_of = false;

template <class Behavior, class Reply>
NEXUS_REQUIRED("the caller waits for this reply: add .then_reply(&state::MEMBER), or use reply")
reply_of = false;

template <class Behavior, class Reply, class Given>
NEXUS_REQUIRED("then_reply and reply give the reply type of nexus::effect<BEHAVIOR, REPLY>")
given_reply_of = false;

template <class Behavior, class Given>
NEXUS_REQUIRED(
    "then_reply takes a member of the behavior's own state, or a callable that takes const state&")
reply_from_state_of = false;

template <class Behavior, class Function>
NEXUS_REQUIRED("then_run takes a callable that takes const state&")
run_on_state_of = false;

template <class Behavior, class Command>
NEXUS_REQUIRED(
    "a timer's command is one of the behavior's own: add it to using command = "
    "std::variant<COMMAND, ...>")
timed_command_of = false;

// -- asking ---------------------------------------------------------------------------------------

template <class Behavior, class Command>
NEXUS_REQUIRED(
    "this type is none of the behavior's commands: add it to using command = "
    "std::variant<COMMAND, ...>, or ask another behavior")
command_of = false;

template <class Asker, class Asked, class Command, class Function>
NEXUS_REQUIRED("the last argument of ask and then_ask takes nexus::result<REPLY of the command>")
answer_taken_by = false;

template <class Watcher, class Function>
NEXUS_REQUIRED("the last argument of watch and then_watch takes nexus::result<nexus::ending>")
ending_taken_by = false;

template <class Asker, class Returned>
NEXUS_REQUIRED(
    "the last argument of ask and then_ask makes a command of the asking behavior out of the "
    "answer")
command_from_answer = false;

}}}  // namespace nexus::v0::required
