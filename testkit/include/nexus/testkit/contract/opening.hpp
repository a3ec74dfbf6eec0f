// Opening a journal, and reopening it.
#pragma once

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, AnUnknownParameterIsRefused) {
  auto with_unknown =
      uri + (uri.find('?') == std::string::npos ? "?" : "&") + "no_such_parameter=1";
  auto opened = GetParam().backend.open(must(nexus::uri::parse(with_unknown)));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::invalid_argument);
  EXPECT_NE(opened.error().message.find("no_such_parameter"), std::string::npos)
      << opened.error().message;
}

TEST_P(JournalContract, AJournalSaysWhatItIsCalled) { EXPECT_FALSE(store->name().empty()); }

TEST_P(JournalContract, ReopeningKeepsEventsAndSnapshots) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append_all({{alice, 0, {"a", "b"}}, {bob, 0, {"x"}}}), "stored, stored");
  session.save(alice, 2, "two");
  reopen();
  EXPECT_EQ(session.history(alice), "1:a 2:b");
  EXPECT_EQ(session.history(bob), "1:x");
  EXPECT_EQ(session.load(alice), "2:two");
  EXPECT_EQ(session.ids("account"), (texts{alice.str(), bob.str()}));
  EXPECT_EQ(session.append_all({{alice, 2, {"c"}}, {bob, 0, {"y"}}}), "stored, conflict 1");
}

TEST_P(JournalContract, ReopeningKeepsWhatWasErasedErased) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.save(alice, 3, "three");
  session.erase_to(alice, 2);
  session.erase_snapshots(alice);
  reopen();
  EXPECT_EQ(session.history(alice), "3:c");
  EXPECT_EQ(session.load(alice), "none");
}

TEST_P(JournalContract, ReopeningKeepsTheHighestOfAnErasedId) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  session.erase_to(alice, 3);
  reopen();
  EXPECT_EQ(session.highest(alice), 3u);
  EXPECT_EQ(session.ids("account"), texts{"account|alice"});
  EXPECT_EQ(session.append(alice, 0, {"x"}), "conflict 3");
  EXPECT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.history(alice), "4:d");
}

TEST_P(JournalContract, PositionsAscendAfterErasingTheTailAndReopening) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  auto last = session.last_record(alice).at;
  session.erase_to(alice, 3);
  reopen();
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  EXPECT_LT(last, session.records(bob).at(0).at);
}

TEST_P(JournalContract, AnAnswerLostByClosingIsSettledAfterReopening) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  request sent{alice, 0, {"a", "b"}};
  ASSERT_EQ(session.append(sent), "stored");
  reopen();
  EXPECT_EQ(session.settle(sent), "stored");
  EXPECT_EQ(session.settle({bob, 0, {"x"}}), "not stored");
}

}}}  // namespace nexus::v0::testkit
