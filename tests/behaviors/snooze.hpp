// A durable state with an alarm.
#pragma once

#include <nexus/nexus.hpp>
#include <variant>

#include "hold.hpp"

namespace nexus::test {

/// The first version of it knew no alarm.
template <std::uint32_t Version>
struct snooze {
  static constexpr std::string_view entity_type = "snooze";
  static constexpr std::uint32_t alarm_version = Version;
  struct set {
    std::int64_t ms = 0;
    MSGPACK_DEFINE_MAP(ms)
  };
  struct ring {};
  struct rings {};
  using command = std::variant<set, ring, rings>;
  struct state {
    static constexpr std::string_view type_name = "snooze_state";
    std::int64_t at_us = 0;
    std::int64_t rings = 0;
    MSGPACK_DEFINE_MAP(at_us, rings)
  };
  static std::optional<nexus::alarm<snooze>> alarm(const state& s) {
    if (Version == 1 || s.at_us == 0) return std::nullopt;
    return nexus::alarm<snooze>{hold::at(s.at_us), ring{}};
  }
  static auto decide(const state& s, const set& c, const context& x) {
    return nexus::persist(state{hold::us(x.now()) + 1'000 * c.ms, s.rings});
  }
  static auto decide(const state& s, const ring&) { return nexus::persist(state{0, s.rings + 1}); }
  static auto decide(const state& s, const rings&) { return nexus::reply(s.rings); }
};

}
