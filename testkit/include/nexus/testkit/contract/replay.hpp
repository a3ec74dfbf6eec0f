// Reading a range: from, to, max, and a sink that ends the replay.
#pragma once

#include <limits>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, AReplayPassesTheNumbersWithinItsRange) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d", "e"}), "stored");
  EXPECT_EQ(session.replay(alice, 1, 5, everything), "1:a 2:b 3:c 4:d 5:e");
  EXPECT_EQ(session.replay(alice, 2, 4, everything), "2:b 3:c 4:d");
  EXPECT_EQ(session.replay(alice, 3, 3, everything), "3:c");
  EXPECT_EQ(session.replay(alice, 5, 5, everything), "5:e");
}

TEST_P(JournalContract, ARangeMayBeWiderThanTheHistory) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  constexpr auto past_any = std::numeric_limits<sequence_nr>::max();
  EXPECT_EQ(session.replay(alice, 0, 2, everything), "1:a 2:b");
  EXPECT_EQ(session.replay(alice, 2, 1'000, everything), "2:b 3:c");
  EXPECT_EQ(session.replay(alice, 0, sequence_nr_max, everything), "1:a 2:b 3:c");
  EXPECT_EQ(session.replay(alice, 3, past_any, everything), "3:c");
}

TEST_P(JournalContract, AnEmptyRangePassesNothing) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  constexpr auto past_any = std::numeric_limits<sequence_nr>::max();
  EXPECT_EQ(session.replay(alice, 0, 0, everything), "");
  EXPECT_EQ(session.replay(alice, 3, 2, everything), "");
  EXPECT_EQ(session.replay(alice, sequence_nr_max, 1, everything), "");
  EXPECT_EQ(session.replay(alice, 4, 10, everything), "");
  EXPECT_EQ(session.replay(alice, 4, sequence_nr_max, everything), "");
  EXPECT_EQ(session.replay(alice, sequence_nr_max, sequence_nr_max, everything), "");
  EXPECT_EQ(session.replay(alice, past_any, past_any, everything), "");
}

TEST_P(JournalContract, AtMostMaxRecordsArePassed) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d", "e"}), "stored");
  EXPECT_EQ(session.replay(alice, 1, 5, 0), "");
  EXPECT_EQ(session.replay(alice, 1, 5, 1), "1:a");
  EXPECT_EQ(session.replay(alice, 1, 5, 3), "1:a 2:b 3:c");
  EXPECT_EQ(session.replay(alice, 1, 5, 5), "1:a 2:b 3:c 4:d 5:e");
  EXPECT_EQ(session.replay(alice, 1, 5, 6), "1:a 2:b 3:c 4:d 5:e");
  EXPECT_EQ(session.replay(alice, 1, sequence_nr_max, 2), "1:a 2:b");
}

TEST_P(JournalContract, MaxCountsFromTheStartOfTheRange) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d", "e"}), "stored");
  EXPECT_EQ(session.replay(alice, 3, 5, 2), "3:c 4:d");
  EXPECT_EQ(session.replay(alice, 3, 4, 5), "3:c 4:d");
  EXPECT_EQ(session.replay(alice, 5, 5, 1), "5:e");
}

TEST_P(JournalContract, AReplayHasTheRecordsOfOneIdOnly) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(session.append("account|alic"_id, 0, {"x"}), "stored");
  ASSERT_EQ(session.append("account|alice2"_id, 0, {"y"}), "stored");
  ASSERT_EQ(session.append("accoun|alice"_id, 0, {"z"}), "stored");
  EXPECT_EQ(session.history(alice), "1:a 2:b");
}

TEST_P(JournalContract, ASinkMayEndTheReplayEarly) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c", "d"}), "stored");
  for (std::size_t enough : {1u, 2u, 4u}) {
    std::vector<sequence_nr> seen;
    must(session.inner().replay(alice, 1, sequence_nr_max, everything, [&](const record_view& r) {
      seen.push_back(r.number);
      return seen.size() < enough;
    }));
    ASSERT_EQ(seen.size(), enough);
    EXPECT_EQ(seen.back(), enough);
  }
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c 4:d") << "the session works on afterwards";
  EXPECT_EQ(session.append(alice, 4, {"e"}), "stored");
}

TEST_P(JournalContract, AHistoryIsReadInChunks) {
  constexpr sequence_nr events = 2'500;
  constexpr std::size_t chunk = 1'000;
  texts data;
  for (sequence_nr n = 1; n <= events; ++n) data.push_back("event " + std::to_string(n));
  std::vector<event_view> views;
  for (const auto& d : data) views.push_back(event(d));
  ASSERT_EQ(session.append(alice, 0, views), "stored");

  std::vector<std::size_t> sizes;
  sequence_nr next = 1;
  do {
    auto records = session.records(alice, next, chunk);
    for (const auto& r : records) {
      ASSERT_EQ(r.number, next);
      ASSERT_EQ(r.data, data[next - 1]);
      ++next;
    }
    sizes.push_back(records.size());
  } while (sizes.back() != 0);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1'000, 1'000, 500, 0}));
}

}}}  // namespace nexus::v0::testkit
