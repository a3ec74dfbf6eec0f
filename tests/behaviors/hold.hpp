// A behavior with an alarm: a hold on something, which expires by itself.
#pragma once

#include <atomic>
#include <nexus/nexus.hpp>
#include <stdexcept>
#include <string>
#include <variant>

namespace nexus::test {

/// What `hold::decide` does about an alarm; of all holds.
enum class at_expiry : std::uint8_t { expires, refuses, does_nothing, throws, stashes, goes_on };
inline std::atomic<at_expiry> expiry{at_expiry::expires};

struct hold {
  static constexpr std::string_view entity_type = "hold";

  struct reserve {
    std::int64_t ms = 0;
    MSGPACK_DEFINE_MAP(ms)
  };
  struct expire {};
  struct expired_at {};
  struct times {};
  using command = std::variant<reserve, expire, expired_at, times>;

  struct reserved {
    static constexpr std::string_view type_name = "reserved";
    std::int64_t until_us = 0;
    MSGPACK_DEFINE_MAP(until_us)
  };
  struct expired {
    static constexpr std::string_view type_name = "expired";
    std::int64_t at_us = 0;
    MSGPACK_DEFINE_MAP(at_us)
  };
  using event = std::variant<reserved, expired>;

  struct state {
    std::int64_t until_us = 0;
    std::int64_t expired_us = 0;
    std::int64_t times = 0;
    MSGPACK_DEFINE_MAP(until_us, expired_us, times)
  };

  static timestamp at(std::int64_t us) { return timestamp{std::chrono::microseconds{us}}; }
  static std::int64_t us(timestamp t) { return t.time_since_epoch().count(); }

  static std::optional<nexus::alarm<hold>> alarm(const state& s) {
    if (s.until_us == 0) return std::nullopt;
    return nexus::alarm<hold>{at(s.until_us), expire{}};
  }

  static auto decide(const state&, const reserve& c, const context& x) {
    return nexus::persist(reserved{us(x.now()) + 1'000 * c.ms});
  }
  static effect<hold> decide(const state& s, const expire&, const context& x) {
    if (s.until_us == 0 || us(x.now()) < s.until_us) return nexus::reject("it is not due");
    switch (expiry.load()) {
      case at_expiry::refuses:
        return nexus::reject("not now");
      case at_expiry::does_nothing:
        return nexus::none();
      case at_expiry::throws:
        throw std::runtime_error{"cannot expire"};
      case at_expiry::stashes:
        return nexus::stash();
      case at_expiry::goes_on:  // with a due time that has come already, twice
        if (s.until_us % 1'000 < 2) return nexus::persist(reserved{s.until_us + 1});
        [[fallthrough]];
      case at_expiry::expires:
        break;
    }
    return nexus::persist(expired{us(x.now())});
  }
  static auto decide(const state& s, const expired_at&) { return nexus::reply(s.expired_us); }
  static auto decide(const state& s, const times&) { return nexus::reply(s.times); }

  static void apply(state& s, const reserved& e) { s.until_us = e.until_us; }
  static void apply(state& s, const expired& e) {
    s.until_us = 0;
    s.expired_us = e.at_us;
    ++s.times;
  }
};

}
