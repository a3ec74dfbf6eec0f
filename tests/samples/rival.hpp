// An entity that two processes write at once: each command persists several events, and each event
// says on which state it was decided, so the journal shows torn, doubled and stale commands.
#pragma once

#include <cstdint>
#include <nexus/nexus.hpp>
#include <string_view>
#include <variant>
#include <vector>

namespace samples {

struct rival {
  static constexpr std::string_view entity_type = "rival";
  static constexpr std::uint32_t events_per_command = 3;

  struct noted {
    static constexpr std::string_view type_name = "noted";
    std::uint64_t token = 0;  ///< of its command
    std::uint32_t index = 0;  ///< among the command's events, from 0
    std::uint64_t place = 0;  ///< of the command among the entity's, as decided, from 1
    MSGPACK_DEFINE_MAP(token, index, place)
  };
  using event = std::variant<noted>;

  struct state {
    std::uint64_t commands = 0;
    MSGPACK_DEFINE_MAP(commands)
  };

  /// Answers the command's place.
  struct note {
    std::uint64_t token = 0;
  };
  struct count {};
  using command = std::variant<note, count>;

  static auto decide(const state& s, const note& c) {
    std::vector<event> events;
    for (std::uint32_t i = 0; i < events_per_command; ++i) {
      events.emplace_back(noted{c.token, i, s.commands + 1});
    }
    return nexus::persist(std::move(events)).then_reply(&state::commands);
  }
  static auto decide(const state& s, const count&) { return nexus::reply(s.commands); }

  static void apply(state& s, const noted& e) {
    if (e.index + 1 == events_per_command) ++s.commands;
  }
};

/// Where the writers wait for each other before they begin.
inline constexpr std::string_view meeting_id = "meeting";

}  // namespace samples
