// An entity that ticks by its alarm until it has ticked as often as wanted.
#pragma once

#include <cstdint>
#include <nexus/nexus.hpp>
#include <optional>
#include <variant>

namespace nexus::test {

/// In version 1 a tick is due some time after the last one, in version 2 at once.
template <std::uint32_t Version>
struct ticker {
  static constexpr std::string_view entity_type = "ticker";
  static constexpr std::uint32_t alarm_version = Version;

  struct start {
    std::int64_t ticks = 0;
    std::int64_t pause_ms = 0;
  };
  struct tick {
    std::int64_t n = 0;
  };
  using command = std::variant<start, tick>;

  struct started {
    static constexpr std::string_view type_name = "started";
    std::int64_t ticks = 0;
    std::int64_t pause_ms = 0;
    std::int64_t at_us = 0;
    MSGPACK_DEFINE_MAP(ticks, pause_ms, at_us)
  };
  struct ticked {
    static constexpr std::string_view type_name = "ticked";
    std::int64_t n = 0;
    std::int64_t at_us = 0;
    MSGPACK_DEFINE_MAP(n, at_us)
  };
  using event = std::variant<started, ticked>;

  struct state {
    std::int64_t n = 0;
    std::int64_t ticks = 0;
    std::int64_t pause_ms = 0;
    std::int64_t at_us = 0;
    MSGPACK_DEFINE_MAP(n, ticks, pause_ms, at_us)
  };

  static std::optional<nexus::alarm<ticker>> alarm(const state& s) {
    if (s.n == s.ticks) return std::nullopt;
    const auto pause_us = Version == 1 ? 1'000 * s.pause_ms : 0;
    return nexus::alarm<ticker>{timestamp{std::chrono::microseconds{s.at_us + pause_us}},
                                tick{s.n + 1}};
  }

  // The times are the machine's, not the context's: that is never before the due time, so a tick
  // that comes early would not show.
  static std::int64_t now_us() { return wall_clock{}.now().time_since_epoch().count(); }

  static auto decide(const state&, const start& c) {
    return nexus::persist(started{c.ticks, c.pause_ms, now_us()});
  }
  // Whatever the state is, so that a tick that comes twice shows.
  static auto decide(const state&, const tick& c) { return nexus::persist(ticked{c.n, now_us()}); }

  static void apply(state& s, const started& e) { s = {0, e.ticks, e.pause_ms, e.at_us}; }
  static void apply(state& s, const ticked& e) {
    s.n = e.n;
    s.at_us = e.at_us;
  }
};

}  // namespace nexus::test
