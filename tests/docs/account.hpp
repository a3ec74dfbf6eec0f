// The account of several pages.
#pragma once

#include <cstdint>
#include <nexus/nexus.hpp>
#include <string_view>
#include <variant>

namespace nexus::test {

struct account {
  static constexpr std::string_view entity_type = "account";

  struct deposit {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdraw {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct balance {};
  using command = std::variant<deposit, withdraw, balance>;

  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdrawn {
    static constexpr std::string_view type_name = "withdrawn";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited, withdrawn>;

  struct state {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };

  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
  }
  static nexus::effect<account, std::int64_t> decide(const state& s, const withdraw& c) {
    if (c.cents > s.cents) return nexus::reject("insufficient funds");
    return nexus::persist(withdrawn{c.cents}).then_reply(&state::cents);
  }
  static auto decide(const state& s, const balance&) { return nexus::reply(s.cents); }

  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
  static void apply(state& s, const withdrawn& e) { s.cents -= e.cents; }
};

}  // namespace nexus::test
