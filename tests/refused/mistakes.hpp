// The common part of the beginner's mistakes: the parts of a sound behavior, of which each mistake
// breaks one.
#ifndef NEXUS_TESTS_MISTAKES
#define NEXUS_TESTS_MISTAKES

#include <nexus/nexus.hpp>
#include <string>
#include <variant>
#include <vector>

struct parts {
  static constexpr std::string_view entity_type = "account";
  struct deposit {
    int cents = 0;
  };
  using command = std::variant<deposit>;
  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    int cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited>;
  struct state {
    int cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
};

struct deciding : parts {
  static auto decide(const state&, const deposit& c) { return nexus::persist(deposited{c.cents}); }
};
struct applying : parts {
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};

struct bank : deciding {
  static constexpr std::string_view entity_type = "bank";
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};

#endif
