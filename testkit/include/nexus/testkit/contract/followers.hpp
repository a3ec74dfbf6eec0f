// A reader that follows writers while they append: threads with sessions of one journal object or
// of two, and another process. It sees every event once, and none in front of what it has read.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "nexus/testkit/contract/second_process.hpp"
#include "nexus/testkit/contract/two_journals.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Appends with one session until `over` says so of the number of rounds: in each a call for three
/// ids of its own, now and then with a request that conflicts. The calls of the first writer are
/// large and the others' are small: a position taken before the transaction then lies before one
/// already read. `stored` is called with the number of events of each call.
template <class Over, class Stored>
void append_rounds(terse_session& own, const std::string& name, bool large, Over over,
                   Stored stored) {
  const std::vector<event_view> events(large ? 60 : 3, event("e"));
  std::vector<persistence_id> ids;
  for (auto id : {"a", "b", "c"}) ids.push_back(own.in_strand(name + "|" + id));
  const auto other = own.in_strand(name + "|d");
  for (sequence_nr round = 0; !over(round); ++round) {
    std::vector<request> batch;
    for (const auto& id : ids) batch.push_back({id, round * events.size(), {events}});
    if (round % 7 == 6) batch.push_back({other, 77, {"never"}});
    const auto outcomes = own.outcomes_of(batch);
    for (std::size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(told(outcomes[i]), "stored");
    stored(ids.size() * events.size());
  }
}

/// What a reader has read. It first reads few at a time, to fall behind, and then many, to be where
/// positions are being assigned.
class follower {
 public:
  explicit follower(position start) : last_{start} {}

  void read(terse_session& from) {
    for (const auto& r : from.read_all(last_, turn_++ % 3 == 0 ? 2 : everything)) {
      ASSERT_LT(last_, r.at);
      ASSERT_EQ(r.number, ++seen_[r.of]) << r.of.str();
      last_ = r.at;
      ++count_;
    }
  }

  /// Reads until `total` says how many events there are, once all are appended, and all are read.
  template <class Total>
  void read_until(terse_session& from, Total total) {
    std::optional<std::chrono::steady_clock::time_point> deadline;
    for (;;) {
      const std::optional<std::size_t> all = total();
      if (all && !deadline) deadline = std::chrono::steady_clock::now() + 6 * patience;
      read(from);
      if (::testing::Test::HasFatalFailure() || (all && count_ >= *all)) break;
      ASSERT_TRUE(!deadline || std::chrono::steady_clock::now() < *deadline)
          << count_ << " of " << *all;
    }
    EXPECT_EQ(from.read_all().size(), count_) << "none came in front of what was read";
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t ids() const noexcept { return seen_.size(); }

 private:
  position last_;
  std::size_t turn_ = 0;
  std::map<persistence_id, sequence_nr> seen_;
  std::atomic<std::size_t> count_ = 0;
};

/// Follows writers in threads of this process. They wait a little for a reader that is behind,
/// since only a reader of new events can be overtaken.
inline void follow_threads(std::vector<terse_session> writers, terse_session& reader, position from,
                           race_length length) {
  follower seen{from};
  std::atomic<std::size_t> at_work = writers.size();
  std::atomic<std::size_t> total = 0;
  std::atomic<bool> failed = false;
  auto over = [&](std::size_t rounds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{20};
    while (total > seen.count() + 500 && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    return failed || length.over(rounds);
  };
  std::vector<std::jthread> threads;
  for (std::size_t w = 0; w < writers.size(); ++w) {
    threads.emplace_back([&, w] {
      append_rounds(writers[w], "writer" + std::to_string(w), w == 0, over,
                    [&](std::size_t events) { total += events; });
      --at_work;
    });
  }
  seen.read_until(reader,
                  [&] { return at_work == 0 ? std::optional<std::size_t>{total} : std::nullopt; });
  failed = ::testing::Test::HasFatalFailure();
  threads.clear();
  EXPECT_EQ(seen.ids(), writers.size() * 3);
}

TEST_P(JournalContract, AReaderThatFollowsManyWritersSeesEveryEventOnce) {
  std::vector<terse_session> writers;
  for (int i = 0; i < 4; ++i) writers.push_back(another_session());
  follow_threads(std::move(writers), session, start, {60, GetParam().race});
}

TEST_P(JournalContract, AReaderThatFollowsWritersOfTwoJournalObjectsSeesEveryEventOnce) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  std::vector<terse_session> writers;
  for (int i = 0; i < 2; ++i) {
    writers.push_back(another_session());
    writers.push_back(terse_session{must(second->open_session()), start});
  }
  follow_threads(std::move(writers), session, start, {30, GetParam().race});
}

TEST_P(JournalContract, AReaderThatFollowsAnotherProcessSeesEveryEventOnce) {
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const race_length length{30, GetParam().race};
  std::size_t total = 0;
  auto append = [&](const std::string& name, bool large) {
    append_rounds(
        session, name, large, [&](std::size_t rounds) { return length.over(rounds); },
        [&](std::size_t events) { total += events; });
  };
  if (auto first = first_process::of_this()) {
    append("second", false);
    first->tell(std::to_string(total));
    return;
  }
  second_process second{uri};
  auto reader = another_session();
  std::atomic<bool> appended = false;
  std::jthread own{[&] {
    append("first", true);
    appended = true;
  }};
  std::optional<std::size_t> its;
  follower seen{start};
  seen.read_until(reader, [&]() -> std::optional<std::size_t> {
    if (auto line = second.said_already()) its = std::stoull(*line);
    if (!its || !appended) return std::nullopt;
    return total + *its;
  });
  own.join();
  EXPECT_TRUE(second.passed());
  EXPECT_EQ(seen.ids(), 6u);
}

}}}  // namespace nexus::v0::testkit
