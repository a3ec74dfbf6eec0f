// The simulated behavior as plain functions: the state, and the effects of commands.
//
// The state is a digest of every event in order, so two states are equal only if their histories
// are; and an event carries the digest of the state it was decided on, so a journal shows whether
// each decision was made on the state before it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "nexus/detail/effect_flags.hpp"
#include "random.hpp"

namespace nexus::simulation {

/// The number of a command in a run, from 1.
using command_id = std::uint32_t;
/// The number of the commands that alarms name.
inline constexpr command_id of_alarm = UINT32_MAX;

/// The event's effect on the flag that stashed commands wait for.
enum class gate_change : std::uint32_t { none, opens, shuts };

struct event {
  std::uint64_t before = 0;  ///< digest of the state this was decided on
  std::int64_t amount = 0;
  command_id command = 0;
  gate_change sets = gate_change::none;
  std::uint16_t index = 0;  ///< of the command's events, from 0
  std::uint16_t total = 0;
  std::uint32_t padding = 0;  ///< bytes that follow, for bounds by bytes

  friend bool operator==(const event&, const event&) = default;
};

struct state {
  std::uint64_t digest = 0;
  std::uint64_t count = 0;  ///< events, which is also the last number
  std::int64_t balance = 0;
  std::uint64_t open = 0;

  friend bool operator==(const state&, const state&) = default;
};

static_assert(std::has_unique_object_representations_v<event>);
static_assert(std::has_unique_object_representations_v<state>);

void apply(state& s, const event& e) noexcept;

[[nodiscard]] std::string encode(const event& e);
[[nodiscard]] std::optional<event> decode_event(std::string_view bytes);
[[nodiscard]] std::string encode(const state& s);
[[nodiscard]] std::optional<state> decode_state(std::string_view bytes);

inline constexpr std::size_t events_max = 3;    ///< of one command
inline constexpr std::size_t padding_max = 40;  ///< of one event, in bytes

enum class kind : std::uint8_t {
  write,     ///< persists `events` events; none: a read
  withdraw,  ///< persists one event, if the balance allows it
  refuse,    ///< is rejected
  gated,     ///< is stashed unless the gate is open
  throws     ///< apply throws at its last event
};

struct command {
  kind what = kind::write;
  gate_change sets = gate_change::none;
  std::uint8_t events = 0;
  bool verified = false;
  nexus::detail::effect_flags then{};
  std::int64_t amount = 0;
  std::uint32_t bytes = 0;     ///< its share of the bounds
  std::uint32_t padding = 0;   ///< of each event
  std::uint32_t patience = 0;  ///< its deadline, this long after it is sent; 0: none
};

[[nodiscard]] std::string to_string(const command& c);

/// The behavior's decision on a command and a state.
struct verdict {
  enum class outcome : std::uint8_t { done, rejected, stash, threw };
  outcome is = outcome::done;
  std::uint8_t count = 0;
  std::array<event, events_max> events{};
  state after{};  ///< unless it threw
};

[[nodiscard]] verdict decide(const state& s, const command& c, command_id id);

/// The features that a plan allows its commands.
struct command_mix {
  bool withdraws = true;
  bool refusals = true;
  bool gates = true;
  bool throws = true;
  bool verified = true;
  bool deadlines = true;
  nexus::detail::effect_flags effects{
      .runs = true, .stops = true, .passivates = true, .snapshots = true};
};

/// The effects that commands are given by chance, in the order they are drawn.
struct drawn_effect {
  bool nexus::detail::effect_flags::*flag;
  const char* name;
  std::uint32_t permille;
};
inline constexpr std::array<drawn_effect, 4> drawn_effects{{
    {&nexus::detail::effect_flags::runs, "runs", 120},
    {&nexus::detail::effect_flags::stops, "stops", 30},
    {&nexus::detail::effect_flags::passivates, "passivates", 30},
    {&nexus::detail::effect_flags::snapshots, "snapshots", 60},
}};

[[nodiscard]] command draw_command(random& r, const command_mix& mix);

}
