// Exactly what limits() states is accepted, and not one byte more.
#pragma once

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Recognizable at both ends, so that a cut or a shift is found.
inline std::string payload_of(std::size_t bytes) {
  std::string made(bytes, '.');
  if (bytes >= 2) made.front() = '<', made.back() = '>';
  return made;
}

/// More is not worth the time and memory: open such a journal with smaller limits.
inline constexpr std::size_t tested_bytes_max = std::size_t{256} << 20;
inline constexpr std::size_t tested_events_max = 1'000'000;
inline constexpr auto too_much = "limits() states more than can be tested here";

TEST_P(JournalContract, APayloadAtTheLimitIsStored) {
  auto bytes_max = store->limits().payload_bytes_max;
  if (bytes_max > tested_bytes_max) GTEST_SKIP() << too_much;
  auto largest = payload_of(bytes_max);
  ASSERT_EQ(session.append(alice, 0, {"before", largest, "after"}), "stored");

  auto records = session.records(alice);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].data, "before");
  EXPECT_TRUE(records[1].data == largest) << "got " << records[1].data.size() << " bytes";
  EXPECT_EQ(records[2].data, "after");
}

TEST_P(JournalContract, APayloadPastTheLimitIsRejectedAlone) {
  auto bytes_max = store->limits().payload_bytes_max;
  if (bytes_max > tested_bytes_max) GTEST_SKIP() << too_much;
  auto too_large = payload_of(bytes_max + 1);
  EXPECT_EQ(session.append_all({{alice, 0, {"a"}}, {bob, 0, {too_large}}, {carol, 0, {"c"}}}),
            "stored, rejected too_large, stored");
  EXPECT_EQ(session.history(alice), "1:a");
  EXPECT_EQ(session.highest(bob), 0u);
  EXPECT_EQ(session.history(carol), "1:c");
}

TEST_P(JournalContract, OneTooLargePayloadRejectsItsWholeRequest) {
  auto bytes_max = store->limits().payload_bytes_max;
  if (bytes_max > tested_bytes_max) GTEST_SKIP() << too_much;
  auto too_large = payload_of(bytes_max + 1);
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(session.append(alice, 1, {"b", too_large, "d"}), "rejected too_large");
  EXPECT_EQ(session.history(alice), "1:a");
  EXPECT_EQ(session.append(alice, 1, {"b"}), "stored");
}

TEST_P(JournalContract, AsManyEventsAsTheLimitAreStored) {
  auto events_max = store->limits().request_events_max;
  if (events_max > tested_events_max) GTEST_SKIP() << too_much;
  ASSERT_EQ(session.append(alice, 0, std::vector<event_view>(events_max, event("e"))), "stored");
  EXPECT_EQ(session.highest(alice), events_max);
  EXPECT_EQ(session.replay(alice, events_max, sequence_nr_max, everything),
            std::to_string(events_max) + ":e");
  EXPECT_EQ(session.append(alice, events_max, {"next"}), "stored");
}

TEST_P(JournalContract, OneEventTooManyIsRejectedAlone) {
  auto events_max = store->limits().request_events_max;
  if (events_max > tested_events_max) GTEST_SKIP() << too_much;
  std::vector<event_view> too_many(events_max + 1, event("e"));
  EXPECT_EQ(session.append_all({{alice, 0, {"a"}}, {bob, 0, too_many}, {carol, 0, {"c"}}}),
            "stored, rejected too_large, stored");
  EXPECT_EQ(session.history(alice), "1:a");
  EXPECT_EQ(session.highest(bob), 0u);
  EXPECT_EQ(session.history(carol), "1:c");
}

TEST_P(JournalContract, MoreBytesThanOneRequestTakesAreRejectedAlone) {
  const auto limits = store->limits();
  if (limits.payload_bytes_max > tested_bytes_max) GTEST_SKIP() << too_much;
  const auto payload = payload_of(limits.payload_bytes_max);
  const auto count = limits.request_bytes_max / payload.size() + 1;
  if (count > limits.request_events_max) GTEST_SKIP() << "a request has no bound by bytes";
  const std::vector<event_view> too_many(count, event(payload));
  EXPECT_EQ(session.append_all({{alice, 0, {"a"}}, {bob, 0, too_many}, {carol, 0, {"c"}}}),
            "stored, rejected too_large, stored");
  EXPECT_EQ(session.highest(bob), 0u);
}

TEST_P(JournalContract, ATimePastTheLimitsIsRefusedAlone) {
  const auto limits = store->limits();
  const std::chrono::microseconds one{1};
  std::vector<timestamp> past;
  if (limits.time_min > timestamp::min()) past.push_back(limits.time_min - one);
  if (limits.time_max < timestamp::max()) past.push_back(limits.time_max + one);
  if (past.empty()) GTEST_SKIP() << "every time is taken";
  for (auto time : past) {
    event_view late{.type = "t", .data = {}, .metadata = {}, .time = time};
    EXPECT_EQ(session.append_all({{alice, session.highest(alice), {"a"}}, {bob, 0, {{late}}}}),
              "stored, rejected invalid_argument");
    const state_view value{.type = "t"};
    EXPECT_EQ(session.upsert({alice, 0, 1, value, own_writer, time}), "rejected invalid_argument");
    auto old = snapshot(1, "one");
    old.time = time;
    const snapshot_request request{alice, old};
    auto saved = session.inner().save_snapshots({&request, 1});
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().code, errc::invalid_argument) << saved.error().message;
  }
}

TEST_P(JournalContract, ASnapshotAtTheLimitIsSaved) {
  auto bytes_max = store->limits().payload_bytes_max;
  if (bytes_max > tested_bytes_max) GTEST_SKIP() << too_much;
  auto largest = payload_of(bytes_max);
  session.save(alice, 1, largest);
  auto found = must(session.inner().load_snapshot(alice, {}));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->data == largest) << "got " << found->data.size() << " bytes";
}

TEST_P(JournalContract, ASnapshotPastTheLimitFailsItsWholeCall) {
  auto bytes_max = store->limits().payload_bytes_max;
  if (bytes_max > tested_bytes_max) GTEST_SKIP() << too_much;
  auto too_large = payload_of(bytes_max + 1);
  session.save(alice, 1, "one");
  std::vector<snapshot_request> batch{
      {alice, snapshot(2, "two")}, {bob, snapshot(1, too_large)}, {carol, snapshot(1, "one")}};
  auto saved = session.inner().save_snapshots(batch);
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, errc::too_large) << saved.error().message;
  EXPECT_EQ(session.load(alice), "1:one");
  EXPECT_EQ(session.load(bob), "none");
  EXPECT_EQ(session.load(carol), "none");
}

}}}  // namespace nexus::v0::testkit
