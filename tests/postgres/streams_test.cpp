// Streams of decoded events and states, of two stores on one database as two programs have.
#include <chrono>
#include <map>
#include <nexus/event_store.hpp>
#include <nexus/events.hpp>
#include <nexus/states.hpp>

#include "behaviors/tally.hpp"
#include "journal_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct nickname {
  static constexpr std::string_view entity_type = "nickname";
  struct take {
    std::string name;
  };
  using command = std::variant<take>;
  struct state {
    std::string name;
    MSGPACK_DEFINE_MAP(name)
  };
  static auto decide(const state&, const take& c) { return nexus::persist(state{c.name}); }
};

struct PostgresStreams : PostgresTest {
  const std::string uri = pg.fresh_schema() + "&indexes=tag,states";
  nexus::system sys{{.threads = 2}}, other_sys{{.threads = 2}};
  const store own = must(nexus::open(uri)), other = must(nexus::open(uri));
  const live_reader_options by_notification{.poll_every = 1h};

  // Reads until `count` items have come: "a 1" and so on, each with how often it came.
  template <class Item>
  static std::map<std::string, int> read(stream<Item>& from, std::size_t count) {
    std::map<std::string, int> times;
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (std::size_t seen = 0; seen < count && std::chrono::steady_clock::now() < end;) {
      auto next = must(from.next(1s));
      if (!next) continue;
      ++times[told(*next)];
      ++seen;
    }
    return times;
  }
  static std::string told(const event_of<tally>& e) {
    return e.id + " " + std::to_string(e.number);
  }
  static std::string told(const state_of<nickname>& s) { return s.id + ":" + s.state->name; }
  using once = std::map<std::string, int>;
};

}  // namespace

TEST_F(PostgresStreams, EventsOfTwoStoresComeOnceEachAndGoOnFromStoredPositions) {
  entities<tally> here{sys, own}, there{other_sys, other};
  auto live = must(events<tally>{own, by_notification}.live());
  ASSERT_TRUE(here.of("a").ask(tally::add{1}).get(30s));
  EXPECT_EQ(read(live, 1), (once{{"a 1", 1}}));
  ASSERT_TRUE(there.of("b").ask(tally::add{1}).get(30s));
  ASSERT_TRUE(here.of("a").ask(tally::add_each{{1, 2, 3}}).get(30s));
  EXPECT_EQ(read(live, 4), (once{{"a 2", 1}, {"a 3", 1}, {"a 4", 1}, {"b 1", 1}}));
  const auto kept = live.at();
  ASSERT_TRUE(there.of("b").ask(tally::add{1}).get(30s));
  auto later = must(events<tally>{other, by_notification}.of("b").after(kept).live());
  EXPECT_EQ(read(later, 1), (once{{"b 2", 1}}));
}

TEST_F(PostgresStreams, ThreadsThatAppendToOneIdTakeTurns) {
  journal_event_store events{own};
  std::atomic<int> kept{0};
  std::atomic<int> refused{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (sequence_nr n = 0; n < 20; ++n) {
        const auto done = events.append(alice, n, new_event{.type = "counted"});
        if (!done) {
          EXPECT_EQ(done.error().code, errc::conflict) << done.error().message;
        }
        ++(done ? kept : refused);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(kept, 20);
  EXPECT_EQ(refused, 60);
}

TEST_F(PostgresStreams, StatesOfAnotherStoreCome) {
  entities<nickname> there{other_sys, other};
  auto live = must(states<nickname>{own, by_notification}.live());
  ASSERT_TRUE(there.of("a").ask(nickname::take{"Al"}).get(30s));
  EXPECT_EQ(read(live, 1), (once{{"a:Al", 1}}));
  ASSERT_TRUE(there.of("a").ask(nickname::take{"Ally"}).get(30s));
  EXPECT_EQ(read(live, 1), (once{{"a:Ally", 1}}));
}
