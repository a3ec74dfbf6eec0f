// The measured behavior: a command persists one event and replies a number.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "nexus/nexus.hpp"

namespace bench {

struct counter {
  static constexpr std::string_view entity_type = "counter";

  struct add {
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  struct total {};
  using command = std::variant<add, total>;

  struct added {
    static constexpr std::string_view type_name = "added";
    std::int64_t n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  using event = std::variant<added>;

  struct state {
    std::int64_t sum = 0;
    MSGPACK_DEFINE_MAP(sum)
  };

  static auto decide(const state&, const add& c) {
    return nexus::persist(added{c.n}).then_reply(&state::sum);
  }
  static auto decide(const state& s, const total&) { return nexus::reply(s.sum); }
  static void apply(state& s, const added& e) { s.sum += e.n; }
};

}  // namespace bench
