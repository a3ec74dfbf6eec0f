// W3C trace context: from a command to its events, to the entity it asks, and to the answer.
#include <nexus/metadata.hpp>

#include "store_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

std::string seen_by(const context& c) {
  return c.command().traceparent + " " + c.command().tracestate;
}

/// Cooks, and records the trace of the command.
struct kitchen {
  static constexpr std::string_view entity_type = "kitchen";
  struct cook {};
  using command = std::variant<cook>;
  struct cooked {
    static constexpr std::string_view type_name = "cooked";
    std::string trace;
    MSGPACK_DEFINE_MAP(trace)
  };
  using event = std::variant<cooked>;
  struct state {
    std::string trace;
    MSGPACK_DEFINE_MAP(trace)
  };
  static auto decide(const state&, const cook&, const context& c) {
    return persist(cooked{seen_by(c)}).then_reply(&state::trace);
  }
  static void apply(state& s, const cooked& e) { s.trace = e.trace; }
};

/// Orders a dish, and records the answer.
struct order {
  static constexpr std::string_view entity_type = "order";
  struct place {};
  struct is_cooked {
    std::string kitchen_saw;
    MSGPACK_DEFINE_MAP(kitchen_saw)
  };
  struct wait {};
  using command = std::variant<place, is_cooked, wait>;
  struct placed {
    static constexpr std::string_view type_name = "placed";
  };
  struct served {
    static constexpr std::string_view type_name = "served";
    std::string kitchen_saw;
    std::string trace;
    MSGPACK_DEFINE_MAP(kitchen_saw, trace)
  };
  using event = std::variant<placed, served>;
  struct state {
    std::string kitchen_saw;
    std::string trace;
    MSGPACK_DEFINE_MAP(kitchen_saw, trace)
  };
  static auto decide(const state&, const place&) {
    return persist(placed{}).then_ask<kitchen>(
        "main", kitchen::cook{}, [](result<std::string> r) { return is_cooked{r.value()}; });
  }
  static auto decide(const state&, const is_cooked& a, const context& c) {
    return persist(served{a.kitchen_saw, seen_by(c)}).then_unstash();
  }
  static effect<order, std::string> decide(const state& s, const wait&) {
    if (s.trace.empty()) return stash();
    return reply(s.kitchen_saw + " / " + s.trace);
  }
  static void apply(state&, const placed&) {}
  static void apply(state& s, const served& e) {
    s.kitchen_saw = e.kitchen_saw;
    s.trace = e.trace;
  }
};

struct Trace : store_fixture {
  entities<kitchen> kitchens{sys, *journal};
  entities<order> orders{sys, *journal};

  std::vector<event_metadata> stored(std::string_view type, std::string_view id) {
    std::vector<event_metadata> all;
    EXPECT_TRUE(session()->replay(*persistence_id::make(type, id), 1, sequence_nr_max, 1000,
                                  [&](const record_view& r) {
                                    all.push_back(decode_metadata(r.event.metadata).value());
                                    return true;
                                  }));
    return all;
  }
};

TEST_P(Trace, GoesFromACommandToWhatItAsksAndBack) {
  call_header header;
  header.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  header.tracestate = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
  const auto both = header.traceparent + " " + header.tracestate;
  ASSERT_TRUE(orders.of("1").ask(order::place{}, header).get(10s));
  EXPECT_EQ(orders.of("1").ask(order::wait{}).get(10s), both + " / " + both);

  auto all = stored("order", "1");
  const auto cooked = stored("kitchen", "main");
  ASSERT_EQ(all.size(), 2u);
  ASSERT_EQ(cooked.size(), 1u);
  const auto cause = all[0].command_id;
  for (const auto& led_to : {cooked[0], all[1]}) {
    EXPECT_EQ(led_to.causation_id, cause);
    EXPECT_EQ(led_to.correlation_id, cause);
  }
  all.push_back(cooked[0]);
  for (const auto& one : all) {
    EXPECT_EQ(one.traceparent, header.traceparent);
    EXPECT_EQ(one.tracestate, header.tracestate);
  }
}

TEST_P(Trace, IsCarriedUnreadHoweverMalformed) {
  call_header header;
  header.traceparent = std::string{"no trace\0\xff\n", 11};
  ASSERT_TRUE(orders.of("1").ask(order::place{}, header).get(10s));
  ASSERT_TRUE(orders.of("1").ask(order::wait{}).get(10s));
  for (const auto& one : {stored("order", "1").at(1), stored("kitchen", "main").at(0)}) {
    EXPECT_EQ(one.traceparent, header.traceparent);
    EXPECT_EQ(one.tracestate, "");
  }
}

TEST_P(Trace, IsNotMadeUp) {
  ASSERT_TRUE(orders.of("1").ask(order::place{}).get(10s));
  EXPECT_EQ(stored("order", "1").at(0).traceparent, "");
}

INSTANTIATE_TEST_SUITE_P(Journals, Trace, journals(), journal_name);

}  // namespace
