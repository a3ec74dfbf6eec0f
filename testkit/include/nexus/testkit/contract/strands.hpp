// Positions are of a strand and of a numbering: those of another journal are refused, not read on
// from.
#pragma once

#include <limits>

#include "nexus/testkit/contract/global_order.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, StrandsAreTheSameForJournalAndSessions) {
  EXPECT_GE(store->strands(), 1u);
  EXPECT_LE(store->strands(), persistence_id::slices);
  EXPECT_EQ(session.inner().strands(), store->strands());
  EXPECT_EQ(another_session().inner().strands(), store->strands());
}

TEST_P(JournalContract, AnEventStandsInTheStrandOfItsSlice) {
  for (const auto& id : {alice, bob, "a|b"_id, "é|1"_id}) {
    ASSERT_EQ(session.append(id, 0, {"a"}), "stored");
    EXPECT_EQ(session.last_record(id).at.strand, strand_of(id.slice(), store->strands()));
  }
}

TEST_P(JournalContract, APositionIsReadBackFromItsText) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  const auto all = follow(session, 3, start);
  for (const auto& r : all) EXPECT_EQ(must(position::parse(to_string(r.at))), r.at);
  const auto first = must(position::parse(to_string(all[0].at)));
  EXPECT_EQ(told(session.read_all(first)), "alice 2:b, alice 3:c");
}

TEST_P(JournalContract, APositionPastTheEndIsRefused) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  auto at = follow(session, 2, start).back().at;
  EXPECT_EQ(told(session.read_all(at)), "");
  session.erase_to(alice, 2);
  EXPECT_EQ(told(session.read_all(at)), "") << "erased, but known";
  const auto sink = [](const persistence_id&, const record_view&) { return true; };
  for (auto far : {at.major + 1'000'000'000, std::numeric_limits<std::uint64_t>::max()}) {
    at.major = at.minor = far;
    EXPECT_EQ(code_of(session.inner().read_all(at, 1, sink)), "foreign_position");
  }
}

TEST_P(JournalContract, APositionThatNoJournalReturnsIsRefused) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  (void)follow(session, 3, start);
  EXPECT_EQ(code_of(position::parse("0-0-2-2")), "invalid_argument");
  const position none{.major = 2, .minor = 2};
  const auto sink = [](const persistence_id&, const record_view&) { return true; };
  EXPECT_EQ(code_of(session.inner().read_all(none, 1, sink)), "foreign_position");
  EXPECT_EQ(code_of(session.inner().query({.after = {none}}, {}, sink)), "foreign_position");
  EXPECT_EQ(code_of(session.inner().query({}, {.cursor = "o"}, sink)), "invalid_argument");
}

TEST_P(JournalContract, APositionOfAnotherJournalIsRefused) {
  const auto other_uri = GetParam().fresh();
  {
    auto other = must(try_to_open(other_uri));
    terse_session elsewhere{must(other->open_session())};
    ASSERT_EQ(elsewhere.append(alice, 0, {"a"}), "stored");
    const auto at = elsewhere.last_record(alice).at;
    auto& inner = session.inner();
    const auto sink = [](const persistence_id&, const record_view&) { return true; };
    EXPECT_EQ(code_of(inner.read_all(at, 1, sink)), "foreign_position");
    EXPECT_EQ(code_of(inner.save_reader({"reader", at, timestamp{}})), "foreign_position");
    EXPECT_EQ(code_of(inner.query({.after = {at}}, {}, sink)), "foreign_position");
    ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
    (void)follow(session, 1, start);
    EXPECT_EQ(code_of(inner.query({.up_to = {at}}, {}, sink)), "foreign_position");
  }
  if (GetParam().remove) GetParam().remove(other_uri);
}

TEST_P(JournalContract, APositionOfAStrandThatDoesNotExistIsRefused) {
  const auto none = position::start_of(store->strands());
  auto& inner = session.inner();
  const auto sink = [](const persistence_id&, const record_view&) { return true; };
  EXPECT_EQ(code_of(inner.read_all(none, 1, sink)), "foreign_position");
  EXPECT_EQ(code_of(inner.save_reader({"reader", none, timestamp{}})), "foreign_position");
  EXPECT_EQ(code_of(inner.query({.after = {none}}, {}, sink)), "invalid_argument");
}

TEST_P(JournalContract, ReopeningKeepsTheNumberingOfPositions) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  const auto first = follow(session, 2, start).front().at;
  reopen();
  EXPECT_EQ(told(follow(session, 1, first)), "alice 2:b");
}

}}}  // namespace nexus::v0::testkit
