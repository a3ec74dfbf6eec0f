// The code of docs/behaviors.md, compiled and run.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <nexus/load_state.hpp>
#include <nexus/nexus.hpp>
#include <nexus/testkit/deterministic.hpp>
#include <string>
#include <thread>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct kitchen {
  static constexpr std::string_view entity_type = "kitchen";

  struct cook {
    std::string dish;
    MSGPACK_DEFINE_MAP(dish)
  };
  struct open {};
  using command = std::variant<cook, open>;

  struct opened {
    static constexpr std::string_view type_name = "opened";
  };
  struct cooked {
    static constexpr std::string_view type_name = "cooked";
    std::string dish;
    MSGPACK_DEFINE_MAP(dish)
  };
  using event = std::variant<opened, cooked>;

  struct state {
    bool is_open = false;
    std::int64_t dishes = 0;
    MSGPACK_DEFINE_MAP(is_open, dishes)
  };

  static nexus::effect<kitchen, std::int64_t> decide(const state& s, const cook& c) {
    if (!s.is_open) return nexus::stash();
    return nexus::persist(cooked{c.dish}).then_reply(&state::dishes);
  }
  static auto decide(const state&, const open&) { return nexus::persist(opened{}).then_unstash(); }

  static void apply(state& s, const opened&) { s.is_open = true; }
  static void apply(state& s, const cooked&) { ++s.dishes; }

  static std::array<std::string, 1> tags(const cooked& e) { return {"dish:" + e.dish}; }
  static bool snapshot_when(const state& s, const event&, nexus::sequence_nr) {
    return s.dishes % 1'000 == 0;
  }
};

struct order {
  static constexpr std::string_view entity_type = "order";

  struct place {
    std::string dish;
    MSGPACK_DEFINE_MAP(dish)
  };
  struct kitchen_said {
    bool done = false;
    unsigned failures = 0;  // before this answer
    MSGPACK_DEFINE_MAP(done, failures)
  };
  struct wait {};
  using command = std::variant<place, kitchen_said, wait>;

  struct placed {
    static constexpr std::string_view type_name = "placed";
    std::string dish;
    MSGPACK_DEFINE_MAP(dish)
  };
  struct served {
    static constexpr std::string_view type_name = "served";
  };
  using event = std::variant<placed, served>;

  struct state {
    std::string dish;
    bool is_served = false;
    MSGPACK_DEFINE_MAP(dish, is_served)
  };

  static auto ask_kitchen(const std::string& dish, unsigned failures = 0) {
    return nexus::ask<kitchen>("main", kitchen::cook{dish},
                               [failures](nexus::result<std::int64_t> r) {
                                 return kitchen_said{r.has_value(), failures};
                               },
                               {.after = nexus::growing_pause(failures)});
  }

  static auto decide(const state&, const place& c) {
    return nexus::persist(placed{c.dish})
        .then_ask<kitchen>("main", kitchen::cook{c.dish}, [](nexus::result<std::int64_t> r) {
          return kitchen_said{r.has_value()};
        });
  }
  static nexus::effect<order> decide(const state& s, const kitchen_said& c) {
    if (!c.done) return ask_kitchen(s.dish, c.failures + 1);
    return nexus::persist(served{}).then_unstash();
  }
  static nexus::effect<order, std::string> decide(const state& s, const wait&) {
    if (!s.is_served) return nexus::stash();
    return nexus::reply(s.dish);
  }

  static nexus::effect<order> on_recovered(const state& s) {
    if (s.dish.empty() || s.is_served) return nexus::none();
    return ask_kitchen(s.dish);
  }

  static void apply(state& s, const placed& e) { s.dish = e.dish; }
  static void apply(state& s, const served&) { s.is_served = true; }
};

struct profile {
  static constexpr std::string_view entity_type = "profile";

  struct rename {
    std::string name;
    MSGPACK_DEFINE_MAP(name)
  };
  struct forget {};
  using command = std::variant<rename, forget>;

  struct state {
    std::string name;
    std::int64_t changes = 0;
    MSGPACK_DEFINE_MAP(name, changes)
  };

  static auto decide(const state& s, const rename& c) {
    return nexus::persist(state{c.name, s.changes + 1}).then_reply(&state::changes);
  }
  static auto decide(const state&, const forget&) { return nexus::erase(); }
};

struct playlist {
  static constexpr std::string_view entity_type = "playlist";
  struct add {
    std::string song;
  };
  using command = std::variant<add>;
  using state = std::vector<std::string>;

  static auto decide(const state& s, const add& c) {
    auto songs = s;
    songs.push_back(c.song);
    return nexus::persist(songs).then_reply([](const state& now) { return now.size(); });
  }
};

struct deposited {
  static constexpr std::string_view type_name = "deposited";
  static constexpr std::uint32_t schema_version = 3;
  std::int64_t cents = 0;
  std::string currency;
  std::optional<std::string> note;
  MSGPACK_DEFINE_MAP(cents, currency, note)

  static void upcast(nexus::from_version<1>, nexus::document& d) { d.rename("amount", "cents"); }
  static void upcast(nexus::from_version<2>, nexus::document& d) { d.set("currency", "USD"); }
};

struct wallet {
  static constexpr std::string_view entity_type = "wallet";
  struct pay_in {};
  using command = std::variant<pay_in>;
  using event = std::variant<deposited>;
  struct state {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  static auto decide(const state&, const pay_in&) { return nexus::none(); }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};

struct cart {
  static constexpr std::string_view entity_type = "cart";

  struct added {
    static constexpr std::string_view type_name = "added";
    std::string item;
    MSGPACK_DEFINE_MAP(item)
  };
  using event = std::variant<added>;

  // Stored by earlier releases.
  struct filled {
    static constexpr std::string_view type_name = "filled";
    std::vector<std::string> items;
    MSGPACK_DEFINE_MAP(items)
  };
  using old_event = std::variant<filled>;
  static std::vector<event> adapt(const filled& e) {
    std::vector<event> all;
    for (const auto& item : e.items) all.push_back(added{item});
    return all;
  }
  static constexpr std::array<std::string_view, 1> removed_events{"viewed"};

  struct list {};
  using command = std::variant<list>;
  using state = std::vector<std::string>;
  static auto decide(const state& s, const list&) { return nexus::reply(s); }
  static void apply(state& s, const added& e) { s.push_back(e.item); }
};

}  // namespace

// bell.hpp and bell.cpp of the page.
struct bell {
  static constexpr std::string_view entity_type = "bell";
  struct ring {};
  using command = std::variant<ring>;
  struct rung {
    static constexpr std::string_view type_name = "rung";
  };
  using event = std::variant<rung>;
  struct state {
    std::int64_t times = 0;
    MSGPACK_DEFINE_MAP(times)
  };
  static nexus::effect<bell, std::int64_t> decide(const state& s, const ring& c);
  static void apply(state& s, const rung& e);
};

extern template class nexus::compiled<bell>;

nexus::effect<bell, std::int64_t> bell::decide(const state&, const ring&) {
  return nexus::persist(rung{}).then_reply(&state::times);
}

void bell::apply(state& s, const rung&) { ++s.times; }

template class nexus::compiled<bell>;

TEST(Docs, ABellIsCompiledOnce) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<bell> bells{sys, *store};
  EXPECT_EQ(bells.of("door").ask(bell::ring{}).get(10s), 1);
  EXPECT_EQ(bells.of("door").ask(bell::ring{}).get(10s), 2);
}

TEST(Docs, ADepositOfTheFirstVersionIsLifted) {
  nexus::document old;
  old.set("amount", std::int64_t{5});
  const auto bytes = old.bytes();
  const nexus::event_view stored{.type = "deposited", .schema_version = 1, .data = bytes};
  const auto read = nexus::decode_event<wallet>(stored);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(std::get<deposited>(*read).cents, 5);
  EXPECT_EQ(std::get<deposited>(*read).currency, "USD");
}

TEST(Docs, ACartReadsWhatIsNoLongerStored) {
  const auto bytes = nexus::encode(cart::filled{{"tea", "cup"}});
  const nexus::event_view filled{.type = "filled", .data = bytes};
  const auto read = nexus::decode_events<cart>(filled);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ(std::get<cart::added>(read->back()).item, "cup");
  EXPECT_EQ(nexus::decode_events<cart>({.type = "viewed", .data = "\x80"})->size(), 0u);
}

TEST(Docs, AnOrderWaitsForItsKitchen) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<kitchen> kitchens{sys, *store};
  nexus::entities<order> orders{sys, *store};
  EXPECT_TRUE(orders.of("7").ask(order::place{"soup"}).get(10s));
  auto served = orders.of("7").ask(order::wait{});
  EXPECT_TRUE(kitchens.of("main").ask(kitchen::open{}).get(10s));
  EXPECT_EQ(served.get(10s), "soup");
}

TEST(Docs, AnOrderAsksAgainAfterGrowingPauses) {
  nexus::testkit::deterministic_system det;
  auto store = det.open("memory:");
  nexus::entities<order> orders{det, *store};  // and no kitchen
  EXPECT_TRUE(det.get(orders.of("7").ask(order::place{"soup"})));
  det.advance(3'200ms);  // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s
  nexus::entities<kitchen> kitchens{det, *store};
  EXPECT_TRUE(det.get(kitchens.of("main").ask(kitchen::open{})));
  auto served = orders.of("7").ask(order::wait{});
  det.advance(3s);
  EXPECT_FALSE(served.is_answered());
  det.advance(1s);
  const auto dish = det.get(served);
  ASSERT_TRUE(dish) << dish.error().message;
  EXPECT_EQ(*dish, "soup");
}

TEST(Docs, TheStateOfAKitchenAtANumber) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<kitchen> kitchens{sys, *store};
  EXPECT_TRUE(kitchens.of("main").ask(kitchen::open{}).get(10s));
  EXPECT_TRUE(kitchens.of("main").ask(kitchen::cook{"soup"}).get(10s));
  EXPECT_TRUE(kitchens.of("main").ask(kitchen::cook{"pie"}).get(10s));
  nexus::result<nexus::loaded_state<kitchen>> then =
      nexus::load_state<kitchen>(*store, "main", {.number = 2});
  EXPECT_EQ(then->state.dishes, 1);
}

TEST(Docs, AProfileIsItsLastState) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<profile> profiles{sys, *store};
  EXPECT_EQ(profiles.of("ada").ask(profile::rename{"Ada"}).get(10s), 1);
  EXPECT_TRUE(profiles.of("ada").ask(profile::forget{}).get(10s));
  EXPECT_EQ(profiles.of("ada").ask(profile::rename{"Ada"}).get(10s), 1);
}

TEST(Docs, APlaylistIsAVector) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<playlist> playlists{sys, *store};
  EXPECT_EQ(playlists.of("party").ask(playlist::add{"a"}).get(10s), 1u);
  EXPECT_EQ(playlists.of("party").ask(playlist::add{"b"}).get(10s), 2u);
}

TEST(Docs, OptionsMakeSense) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entity_options options{.snapshot_every = 100, .keep_snapshots = 2, .erase_events = true};
  options.on_signal = [](const nexus::entity_signal& s) {
    if (!s.why.message.empty()) std::cerr << s.id << ": " << s.why.message << '\n';
  };
  nexus::entities<kitchen> kitchens{sys, *store, options};
  EXPECT_TRUE(kitchens.status());
}
