// The state of an entity as of a number or a time.
#include <nexus/detail/may_wait.hpp>
#include <nexus/load_state.hpp>
#include <nexus/testkit/contract/terse_session.hpp>

#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::must;

namespace {

struct shelf {
  static constexpr std::string_view entity_type = "shelf";
  struct put {
    std::string what;
  };
  struct clear {};
  using command = std::variant<put, clear>;
  using state = std::string;
  static auto decide(const state&, const put& c) { return nexus::persist(c.what); }
  static auto decide(const state&, const clear&) { return nexus::erase(); }
};

struct LoadState : store_fixture {
  const persistence_id id = must(persistence_id::make("tally", "a"));

  // Events 1, 2, 4, 8 … at the seconds 10, 20, 30 …, so every state differs.
  void add(int count) {
    for (int i = 0; i < count; ++i) {
      const auto number = must(session()->highest(id));
      const auto data = encode(tally::added{std::int64_t{1} << number});
      const event_view event{.type = "added", .data = data, .time = at((number + 1) * 10)};
      const append_request request{id, number, {}, {&event, 1}};
      ASSERT_TRUE(std::holds_alternative<stored>(session()->append({&request, 1})[0]));
    }
  }
  static timestamp at(sequence_nr seconds) {
    return timestamp{} + std::chrono::seconds{static_cast<std::int64_t>(seconds)};
  }
  // As an entity at `number` would save it.
  void save(sequence_nr number, std::string text = "") {
    const auto sum = (std::int64_t{1} << number) - 1;
    const auto data = encode(tally::state{sum, std::move(text)});
    const snapshot_request one{
        id, {.number = number, .type = "tally", .data = data, .time = at(number * 10 + 5)}};
    ASSERT_TRUE(session()->save_snapshots({&one, 1}));
  }
  auto load(state_bound bound = {}) { return load_state<tally>(*journal, "a", bound); }
  // As in "15 of 4", "corrupt: …".
  std::string told(state_bound bound = {}) {
    auto found = load(bound);
    if (!found) return std::string{to_string(found.error().code)} + ": " + found.error().message;
    return std::to_string(found->state.sum) + " of " + std::to_string(found->number) +
           (found->snapshot_nr == 0 ? "" : " from " + std::to_string(found->snapshot_nr));
  }
};

}  // namespace

TEST_P(LoadState, IsThatOfEveryNumber) {
  add(5);
  for (sequence_nr n = 0; n <= 5; ++n) {
    const auto found = load({.number = n});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->state.sum, (std::int64_t{1} << n) - 1);
    EXPECT_EQ(found->number, n);
    EXPECT_EQ(found->time, at(n * 10));
  }
  EXPECT_EQ(told(), "31 of 5");
  EXPECT_EQ(told({.number = 99}), "31 of 5") << "the last one";
}

TEST_P(LoadState, StartsAtTheNearestSnapshotAtOrBefore) {
  add(6);
  save(2);
  save(4);
  EXPECT_EQ(told({.number = 1}), "1 of 1");
  EXPECT_EQ(told({.number = 2}), "3 of 2 from 2");
  EXPECT_EQ(told({.number = 3}), "7 of 3 from 2");
  EXPECT_EQ(told({.number = 5}), "31 of 5 from 4");
  EXPECT_EQ(told(), "63 of 6 from 4");
}

TEST_P(LoadState, IsThatOfEveryTime) {
  add(6);
  save(2);
  save(4);
  EXPECT_EQ(told({.time = at(9)}), "0 of 0");
  EXPECT_EQ(told({.time = at(10)}), "1 of 1");
  EXPECT_EQ(told({.time = at(24)}), "3 of 2") << "the snapshot was saved later";
  EXPECT_EQ(told({.time = at(25)}), "3 of 2 from 2");
  EXPECT_EQ(told({.time = at(39)}), "7 of 3 from 2");
  EXPECT_EQ(told({.time = at(59)}), "31 of 5 from 4");
  EXPECT_EQ(told({.time = at(1'000)}), "63 of 6 from 4");
  EXPECT_EQ(told({.number = 3, .time = at(1'000)}), "7 of 3 from 2");
  EXPECT_EQ(told({.number = 5, .time = at(30)}), "7 of 3 from 2") << "the earlier bound";
}

TEST_P(LoadState, OfAnIdThatWasNeverUsedIsThatOfANewEntity) {
  EXPECT_EQ(told(), "0 of 0");
  EXPECT_EQ(told({.number = 7}), "0 of 0");
}

TEST_P(LoadState, ThatCannotBeKnownAnyMoreIsAnErrorThatNamesTheId) {
  add(6);
  save(4);
  must(session()->erase_to(id, 3));
  EXPECT_EQ(told(), "63 of 6 from 4");
  EXPECT_EQ(told({.number = 4}), "15 of 4 from 4");
  EXPECT_EQ(told({.number = 3}),
            "history_erased: tally|a: event 1 has been erased, and no snapshot at or before the "
            "wanted number replaces it");
  EXPECT_EQ(told({.time = at(39)}),
            "history_erased: tally|a: event 1 has been erased, and no snapshot at or before the "
            "wanted time replaces it");
  EXPECT_EQ(told({.number = 0}), "0 of 0");
  must(session()->erase_to(id, 6));
  EXPECT_EQ(load().error().code, errc::history_erased) << "events 5 and 6 are not in the snapshot";
}

TEST_P(LoadState, IsReadInManyPartsIfItIsLong) {
  std::vector<event_view> events;
  const auto data = encode(tally::added{1});
  for (int i = 0; i < 3'500; ++i) events.push_back({.type = "added", .data = data});
  const append_request request{id, 0, {}, events};
  ASSERT_TRUE(std::holds_alternative<stored>(session()->append({&request, 1})[0]));
  EXPECT_EQ(told(), "3500 of 3500");
  EXPECT_EQ(told({.number = 2'001}), "2001 of 2001");
}

TEST_P(LoadState, OfBadBytesNamesIdAndNumber) {
  add(2);
  const event_view event{.type = "unheard of", .data = "\x80", .time = at(30)};
  const append_request request{id, 2, {}, {&event, 1}};
  ASSERT_TRUE(std::holds_alternative<stored>(session()->append({&request, 1})[0]));
  EXPECT_EQ(told({.number = 2}), "3 of 2");
  EXPECT_TRUE(
      told().starts_with("unknown_type: tally|a: event 3: event type \"unheard of\" is not"))
      << told();
  const snapshot_request bad{id, {.number = 1, .type = "tally", .data = "\xff", .time = at(10)}};
  must(session()->save_snapshots({&bad, 1}));
  EXPECT_TRUE(told({.number = 1}).starts_with("corrupt: tally|a: snapshot 1: "));
}

TEST_P(LoadState, AFailureOfTheStorageNamesTheId) {
  add(1);
  faults->inject(testkit::fault::fail, testkit::operation::read);
  const auto found = load();
  EXPECT_EQ(found.error().code, errc::unavailable);
  EXPECT_NE(found.error().message.find("tally|a"), std::string::npos) << found.error().message;
  EXPECT_EQ(load_state<tally>(*journal, std::string(300, 'x')).error().code, errc::invalid_id);
}

TEST_P(LoadState, IsRefusedWhereTheThreadMustNotWait) {
  const detail::no_waiting here{"a test"};
  const auto found = load();
  EXPECT_EQ(found.error().code, errc::would_block);
  EXPECT_NE(found.error().message.find("tally|a"), std::string::npos) << found.error().message;
}

TEST_P(LoadState, OfADurableStateIsItsCurrentVersion) {
  entities<shelf> shelves{sys, *journal};
  ASSERT_TRUE(shelves.of("x").ask(shelf::put{"book"}).get(10s));
  ASSERT_TRUE(shelves.of("x").ask(shelf::put{"vase"}).get(10s));
  auto load_x = [&](state_bound bound = {}) { return load_state<shelf>(*journal, "x", bound); };
  EXPECT_EQ(load_x()->state, "vase");
  EXPECT_EQ(load_x()->number, 2u);
  EXPECT_EQ(load_x({.number = 2})->state, "vase");
  EXPECT_EQ(load_x({.number = 3})->state, "vase");
  const auto before = load_x({.number = 1});
  EXPECT_EQ(before.error().code, errc::history_erased);
  EXPECT_EQ(before.error().message,
            "shelf|x: only version 2 is stored, a durable state has no history");
  EXPECT_EQ(load_x({.time = timestamp{}}).error().code, errc::history_erased);
  EXPECT_EQ(load_x({.number = 0})->state, "");
  ASSERT_TRUE(shelves.of("x").ask(shelf::clear{}).get(10s));
  EXPECT_TRUE(load_x()->erased);
  EXPECT_EQ(load_x()->state, "");
  EXPECT_EQ(load_x()->number, 3u);
  EXPECT_EQ(load_state<shelf>(*journal, "never")->number, 0u);
}

INSTANTIATE_TEST_SUITE_P(Journals, LoadState, journals(), journal_name);
