// An entity that only remembers its tokens, so that a test finds every acknowledged one again.
#pragma once

#include <cstdint>
#include <nexus/nexus.hpp>
#include <string_view>
#include <variant>

namespace samples {

struct tally {
  static constexpr std::string_view entity_type = "tally";

  struct added {
    static constexpr std::string_view type_name = "added";
    std::uint64_t token = 0;
    MSGPACK_DEFINE_MAP(token)
  };
  using event = std::variant<added>;

  struct state {
    std::uint64_t count = 0;
    MSGPACK_DEFINE_MAP(count)
  };

  /// Answers the number of the token within the entity, from 1.
  struct add {
    std::uint64_t token = 0;
  };
  struct get_count {};
  using command = std::variant<add, get_count>;

  static auto decide(const state&, const add& c) {
    return nexus::persist(added{c.token}).then_reply(&state::count);
  }
  static auto decide(const state& s, const get_count&) { return nexus::reply(s.count); }

  static void apply(state& s, const added&) { ++s.count; }
};

}  // namespace samples
