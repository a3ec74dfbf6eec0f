// The plain event store: without actors and behaviors.
#include <gtest/gtest.h>

#include <nexus/detail/may_wait.hpp>
#include <nexus/event_store.hpp>
#include <nexus/nexus.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <nexus/testkit/faulty.hpp>
#include <thread>

#include "temporary_folder.hpp"

using namespace nexus;
using testkit::fault;
using testkit::must;
using testkit::operation;

namespace {

struct EventStore : testing::TestWithParam<const char*> {
  const test::temporary_folder folder;
  const std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  const store opened = must(nexus::open(
      std::string{GetParam()} == "memory" ? "memory:" : "sqlite:" + folder.path("test.db"),
      {testkit::faulty(memory_backend(), faults), testkit::faulty(sqlite_backend(), faults)}));
  journal_event_store events{opened};
  const persistence_id alice = must(persistence_id::make("account", "alice"));
  const persistence_id bob = must(persistence_id::make("account", "bob"));

  static new_event event(std::string type, std::string data = "x") {
    return {.type = std::move(type), .data = std::move(data)};
  }
  // As in "alice 1:opened, bob 1:opened".
  std::string found(const event_filter& filter, const event_page& page = {}) {
    std::string text;
    for (const auto& e : must(events.query(filter, page)).events) {
      text += (text.empty() ? "" : ", ") + std::string{e.of.id()} + " " + std::to_string(e.number) +
              ":" + e.event.type;
    }
    return text;
  }
};

}  // namespace

TEST_P(EventStore, ReturnsWhatItStoredWithNumbersAndPositions) {
  const auto first = must(events.append(alice, 0, event("opened")));
  EXPECT_EQ(first.number, 1u);
  const std::vector more{event("deposited", "a"), event("deposited", "b")};
  const auto rest = must(events.append(alice, 1, more));
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].number, 2u);
  EXPECT_EQ(rest[1].number, 3u);
  EXPECT_EQ(rest[1].event.data, "b");
  EXPECT_LT(first.at, rest[0].at);
  EXPECT_LT(rest[0].at, rest[1].at);
  EXPECT_EQ(rest[0].of, alice);
  EXPECT_NE(rest[0].event.time, timestamp{});
}

TEST_P(EventStore, FindsByTypeDomainInstanceAndTime) {
  const auto hour = [](int n) { return timestamp{std::chrono::hours{n}}; };
  auto at = [&](std::string type, int n) {
    auto made = event(std::move(type));
    made.time = hour(n);
    return made;
  };
  must(events.append(alice, 0, std::vector{at("opened", 1), at("closed", 3)}));
  must(events.append(bob, 0, at("opened", 2)));
  must(events.append(must(persistence_id::make("user", "bob")), 0, at("opened", 4)));
  EXPECT_EQ(found({}), "alice 1:opened, alice 2:closed, bob 1:opened, bob 1:opened");
  EXPECT_EQ(found({.event_type = "closed"}), "alice 2:closed");
  EXPECT_EQ(found({.entity_type = "user"}), "bob 1:opened");
  EXPECT_EQ(found({.entity_id = "bob"}), "bob 1:opened, bob 1:opened");
  EXPECT_EQ(found({.from = hour(1), .to = hour(3)}), "bob 1:opened");
  EXPECT_EQ(found({}, {.limit = 2, .offset = 1}), "alice 2:closed, bob 1:opened");
  EXPECT_TRUE(must(events.query({}, {.limit = 2})).page.has_next);
}

TEST_P(EventStore, SaysThatAnotherWriterWasFirst) {
  must(events.append(alice, 0, event("opened")));
  const auto refused = events.append(alice, 0, event("opened"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(),
            (error{errc::conflict,
                   "append to account|alice: expected 0 to be the highest number, but it is 1; "
                   "read the events past 0 and decide again"}));
}

TEST_P(EventStore, RefusesWhatCannotBeStored) {
  EXPECT_EQ(events.append(alice, 0, std::vector<new_event>{}).error().code, errc::invalid_argument);
  auto bad = event("opened");
  bad.tags = {""};
  EXPECT_EQ(events.append(alice, 0, bad).error().code, errc::invalid_argument);
  EXPECT_EQ(events.query({.event_type = ""}).error().code, errc::invalid_argument);
}

TEST_P(EventStore, KnowsAfterALostAnswerWhetherTheEventsAreStored) {
  faults->inject(fault::lose_answer, operation::append);
  EXPECT_EQ(must(events.append(alice, 0, event("opened"))).number, 1u);
  EXPECT_EQ(found({}), "alice 1:opened");
}

TEST_P(EventStore, ThreadsShareItsWriters) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto id = must(persistence_id::make("thread", std::to_string(t)));
      for (sequence_nr n = 0; n < 25; ++n) {
        EXPECT_EQ(must(events.append(id, n, event("counted"))).number, n + 1);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(must(events.query({}, {.limit = 1, .count = true})).page.total, 100u);
  EXPECT_EQ(opened.statistics().events, 100u);
}

TEST_P(EventStore, ThreadsThatAppendToOneIdTakeTurns) {
  std::atomic<int> kept{0};
  std::atomic<int> refused{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (sequence_nr n = 0; n < 20; ++n) {
        const auto done = events.append(alice, n, event("counted"));
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

TEST_P(EventStore, OnAThreadThatMustNotWaitNothingIsStored) {
  {
    const detail::no_waiting here{"a callback"};
    EXPECT_EQ(events.append(alice, 0, event("opened")).error().code, errc::would_block);
  }
  EXPECT_EQ(found({}), "");
}

TEST_P(EventStore, AClosedStoreIsNamed) {
  ASSERT_TRUE(opened.close(std::chrono::seconds{10}));
  EXPECT_EQ(events.append(alice, 0, event("opened")).error().code, errc::stopped);
}

INSTANTIATE_TEST_SUITE_P(Journals, EventStore, testing::Values("memory", "sqlite"),
                         [](const auto& of) { return std::string{of.param}; });
