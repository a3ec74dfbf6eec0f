// Registered readers keep events from being erased, and a reader is told about erased events.
#pragma once

#include "nexus/testkit/contract/global_order.hpp"
#include "nexus/testkit/contract/records.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// The code of reading everything past `after`, and what was read; as in "alice 2:b".
inline std::string read_past(terse_session& s, position after) {
  std::string all;
  auto done = s.inner().read_all(after, everything, [&](const persistence_id& of, const auto& r) {
    all += (all.empty() ? "" : ", ") + shown(of) + " " + std::to_string(r.number) + ":" +
           std::string{r.event.data};
    return true;
  });
  return done ? all : code_of(done);
}

TEST_P(JournalContract, AReaderThatStartsBeforeErasedEventsIsTold) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  const auto all = follow(session, 4, start);
  session.erase_to(alice, 2);
  EXPECT_EQ(read_past(session, start), "history_erased");
  EXPECT_EQ(read_past(session, all[0].at), "history_erased");
  EXPECT_EQ(read_past(session, all[1].at), "alice 3:c, bob 1:x") << "the last erased one was read";
  EXPECT_EQ(told(session.read_all(start)), "alice 3:c, bob 1:x") << "what is kept, if asked for";
}

TEST_P(JournalContract, AReaderIsToldOfErasedEventsWhereNothingIsLeft) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  const auto at = follow(session, 1, start).back().at;
  session.erase_to(alice, 1);
  EXPECT_EQ(read_past(session, start), "history_erased");
  EXPECT_EQ(read_past(session, at), "");
}

TEST_P(JournalContract, AReaderIsToldOfWhatAnotherSessionErased) {
  auto other = another_session();
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  (void)follow(other, 2, start);
  session.erase_to(alice, 1);
  EXPECT_EQ(read_past(other, start), "history_erased");
}

TEST_P(JournalContract, ReopeningKeepsWhatWasErasedInMind) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  (void)follow(session, 2, start);
  session.erase_to(alice, 1);
  reopen();
  EXPECT_EQ(read_past(session, start), "history_erased");
}

TEST_P(JournalContract, ReadersAreListedWithTheirPositions) {
  EXPECT_TRUE(must(session.inner().readers()).empty());
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  const auto all = follow(session, 2, start);
  const timestamp noon{std::chrono::hours{12}};
  must(session.inner().save_reader({"second", all[1].at, noon}));
  must(session.inner().save_reader({"first", start, noon}));
  must(session.inner().save_reader({"first", all[0].at, noon + std::chrono::seconds{1}}));
  const auto found = must(another_session().inner().readers());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "first");
  EXPECT_EQ(found[0].at, all[0].at);
  EXPECT_EQ(found[0].time, noon + std::chrono::seconds{1});
  EXPECT_EQ(found[1].name, "second");
  EXPECT_EQ(found[1].at, all[1].at);
  must(session.inner().forget_reader("first"));
  must(session.inner().forget_reader("nobody's"));
  EXPECT_EQ(must(session.inner().readers()).size(), 1u);
}

TEST_P(JournalContract, AReaderAtTheStartIsReadBack) {
  must(session.inner().save_reader({"reader", start, timestamp{}}));
  const auto found = must(session.inner().readers());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at, start);
}

TEST_P(JournalContract, ANameThatNoReaderMayHaveIsRefused) {
  using namespace std::string_literals;
  for (const auto& name : {""s, std::string(256, 'x'), "a\0b"s, "\xff"s}) {
    EXPECT_EQ(code_of(session.inner().save_reader({name, start, timestamp{}})), "invalid_argument");
  }
  must(session.inner().save_reader({std::string(255, 'x'), start, timestamp{}}));
  must(session.inner().save_reader({"it's \"quoted\" é", start, timestamp{}}));
  EXPECT_EQ(must(session.inner().readers()).size(), 2u);
}

TEST_P(JournalContract, ForgettingANameThatNoReaderMayHaveIsNoError) {
  using namespace std::string_literals;
  for (const auto& name : {""s, std::string(256, 'x'), "a\0b"s, "\xff"s}) {
    EXPECT_EQ(code_of(session.inner().forget_reader(name)), "none");
  }
}

TEST_P(JournalContract, TheTimeOfAReaderComesBackOrIsRefused) {
  for (auto time : telling_times(store->limits())) {
    must(session.inner().save_reader({"reader", start, time}));
    EXPECT_EQ(must(session.inner().readers()).at(0).time, time) << time.time_since_epoch().count();
  }
  for (auto time : {timestamp::min(), timestamp::max()}) {
    EXPECT_EQ(code_of(session.inner().save_reader({"reader", start, time})),
              store->limits().take(time) ? "none" : "invalid_argument");
  }
}

TEST_P(JournalContract, ErasingStopsAtTheSlowestReaderAndNamesIt) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d"}), "stored");
  const auto all = follow(session, 4, start);
  must(session.inner().save_reader({"fast", all[2].at, timestamp{}}));
  must(session.inner().save_reader({"slow", all[1].at, timestamp{}}));
  const auto done = session.inner().erase_to(alice, 4);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::held_back);
  EXPECT_NE(done.error().message.find("\"slow\""), std::string::npos) << done.error().message;
  EXPECT_EQ(session.history(alice), "3:c 4:d");
  EXPECT_EQ(read_past(session, all[1].at), "alice 3:c, alice 4:d") << "the reader misses nothing";

  must(session.inner().save_reader({"slow", all[3].at, timestamp{}}));
  EXPECT_EQ(code_of(session.inner().erase_to(alice, 4)), "held_back") << "by the other";
  EXPECT_EQ(session.history(alice), "4:d");
  must(session.inner().forget_reader("fast"));
  session.erase_to(alice, 4);
  EXPECT_EQ(session.history(alice), "");
}

TEST_P(JournalContract, ErasingWhatEveryReaderHasReadIsNotHeldBack) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  const auto all = follow(session, 2, start);
  must(session.inner().save_reader({"reader", all[0].at, timestamp{}}));
  session.erase_to(alice, 1);
  session.erase_to(alice, 0);
  EXPECT_EQ(session.history(alice), "2:b");
  EXPECT_EQ(code_of(session.inner().erase_to(alice, 7)), "held_back");
  session.erase_to(bob, 7);
}

TEST_P(JournalContract, ForcedErasingPassesReadersAndTheyAreTold) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  const auto all = follow(session, 3, start);
  must(session.inner().save_reader({"reader", all[0].at, timestamp{}}));
  must(session.inner().erase_to(alice, 2, erasing::forced));
  EXPECT_EQ(session.history(alice), "3:c");
  EXPECT_EQ(read_past(session, all[0].at), "history_erased");
}

TEST_P(JournalContract, PruningLeavesEventsToReadersAndIsMadeUpFor) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a", "b"}}, {bob, 0, {"x", "y"}}}), "stored, stored");
  const auto all = follow(session, 4, start);
  session.save(alice, 2, "ab");
  session.save(alice, 1, "a");
  must(session.inner().save_reader({"reader", start, timestamp{}}));
  session.prune({{alice, 2, 2}, {bob, 0, 1}});
  EXPECT_EQ(session.history(alice), "1:a 2:b");
  EXPECT_EQ(session.history(bob), "1:x 2:y");
  EXPECT_EQ(session.load(alice, {.from = 0, .to = 1}), "none") << "snapshots are pruned at once";
  EXPECT_EQ(must(session.inner().prune_held_back(10)), 0u) << "the reader has not gone on";

  must(session.inner().save_reader({"reader", all[1].at, timestamp{}}));
  while (must(session.inner().prune_held_back(1)) > 0) {
  }
  must(session.inner().save_reader({"reader", all[3].at, timestamp{}}));
  while (must(another_session().inner().prune_held_back(1)) > 0) {
  }
  EXPECT_EQ(session.history(alice), "");
  EXPECT_EQ(session.history(bob), "2:y");
  EXPECT_EQ(must(session.inner().prune_held_back(10)), 0u);
}

TEST_P(JournalContract, WhatAForgottenReaderHeldBackIsPruned) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  (void)follow(session, 3, start);
  must(session.inner().save_reader({"reader", start, timestamp{}}));
  session.prune({{alice, 0, 1}});
  session.prune({{alice, 0, 2}});
  must(session.inner().forget_reader("reader"));
  EXPECT_EQ(must(session.inner().prune_held_back(10)), 1u);
  EXPECT_EQ(session.history(alice), "3:c");
  EXPECT_EQ(must(session.inner().prune_held_back(10)), 0u);
}

TEST_P(JournalContract, ReopeningKeepsReadersAndWhatTheyHoldBack) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  (void)follow(session, 2, start);
  must(session.inner().save_reader({"reader", start, timestamp{}}));
  session.prune({{alice, 0, 1}});
  reopen();
  EXPECT_EQ(must(session.inner().readers()).size(), 1u);
  EXPECT_EQ(code_of(session.inner().erase_to(alice, 1)), "held_back");
  must(session.inner().forget_reader("reader"));
  EXPECT_EQ(must(session.inner().prune_held_back(10)), 1u);
  EXPECT_EQ(session.history(alice), "2:b");
}

}}}  // namespace nexus::v0::testkit
