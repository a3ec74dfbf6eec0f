// The order in which a batch is handled where transactions are small.
#include "batch_by_strand.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fed_queue.hpp"

namespace nexus { inline namespace v0 { namespace detail { namespace {

using std::chrono::steady_clock;
constexpr auto whenever = steady_clock::time_point::max();

/// Writes down what is handled: each call in brackets, an event as its strand and number.
struct noting_batch final : projected_batch {
  explicit noting_batch(std::string& into) : text{into} {}

  result<void> add(const persistence_id&, const record_view& r) override {
    events_.push_back(r.at);
    return {};
  }
  std::size_t size() const noexcept override { return events_.size(); }
  std::size_t events() const noexcept override { return events_.size(); }
  const position& at(std::size_t i) const noexcept override { return events_[i]; }
  timestamp time(std::size_t i) const noexcept override {
    return timestamp{std::chrono::microseconds{events_[i].major}};
  }
  projection_failure describe(std::size_t i) const override {
    return {persistence_id::parse("account|ann").value(), events_[i].major, events_[i], "t"};
  }
  handled handle(session&, std::size_t from, std::size_t to, steady_clock::time_point) override {
    text += "[";
    for (auto i = from; i < to; ++i) {
      if (events_[i].major == 66) return {i, error{errc::rejected, "no"}};
      text += " " + std::to_string(events_[i].strand) + ":" + std::to_string(events_[i].major);
    }
    text += " ]";
    return {to, {}};
  }
  std::optional<error> handle_again(session&) override { return std::nullopt; }

  std::string& text;
  std::vector<position> events_;
};

struct noting_handler final : projection_handler {
  std::string_view entity_type() const noexcept override { return "account"; }
  std::unique_ptr<projected_batch> make_batch() override {
    return std::make_unique<noting_batch>(text);
  }
  bool takes_batches() const noexcept override { return true; }

  std::string text;
};

struct BatchByStrand : ::testing::Test {
  void add(std::uint32_t strand, std::uint64_t number) {
    const record_view r{number, position{.epoch = 1, .strand = strand, .major = number}, {}, {}};
    ASSERT_TRUE(batch.add(persistence_id::parse("account|ann").value(), r));
  }
  std::string handled(std::size_t from, std::size_t to, steady_clock::time_point until = whenever) {
    handler.text.clear();
    const auto done = batch.handle(nobody, from, to, until);
    return handler.text + " " + std::to_string(done.end) + (done.failed ? " failed" : "");
  }

  struct : session {
  } nobody;
  noting_handler handler;
  batch_by_strand batch{handler};
};

TEST_F(BatchByStrand, IsHandledAStrandAtATimeInTheOrderOfPositions) {
  for (const auto& [strand, number] : std::vector<std::pair<std::uint32_t, std::uint64_t>>{
           {7, 1}, {3, 1}, {7, 2}, {5, 1}, {3, 2}}) {
    add(strand, number);
  }
  EXPECT_EQ(batch.size(), 5u);
  EXPECT_EQ(handled(0, 5), "[ 3:1 3:2 ][ 5:1 ][ 7:1 7:2 ] 5");
  EXPECT_EQ(handled(1, 4), "[ 3:2 ][ 5:1 ][ 7:1 ] 4");
  EXPECT_EQ(batch.at(3).strand, 7u);
  EXPECT_EQ(batch.describe(4).at.major, 2u);
}

// An event's time is its number.
TEST_F(BatchByStrand, LagIsThatOfTheOldestEventLeft) {
  const auto oldest = [this](std::size_t i) {
    return batch.oldest_from(i).time_since_epoch().count();
  };
  for (const auto& [strand, number] : std::vector<std::pair<std::uint32_t, std::uint64_t>>{
           {7, 2}, {3, 4}, {7, 6}, {5, 3}, {3, 5}}) {
    add(strand, number);
  }
  EXPECT_EQ(oldest(0), 2) << "of strand 7, the last one to be handled";
  EXPECT_EQ(oldest(3), 2);
  EXPECT_EQ(oldest(4), 6);
}

TEST_F(BatchByStrand, EndsAtTheEventThatFails) {
  add(3, 1);
  add(5, 1);
  add(5, 66);
  add(7, 1);
  EXPECT_EQ(handled(0, 4), "[ 3:1 ][ 5:1 2 failed");
  EXPECT_EQ(handled(2, 4), "[ 2 failed");
  EXPECT_EQ(handled(3, 4), "[ 7:1 ] 4");
}

TEST_F(BatchByStrand, EndsBetweenStrandsWhenTheTimeIsUp) {
  add(3, 1);
  add(5, 1);
  EXPECT_EQ(handled(0, 2, steady_clock::time_point::min()), "[ 3:1 ] 1");
  EXPECT_EQ(handled(1, 2, steady_clock::time_point::min()), "[ 5:1 ] 2");
}

TEST(FedQueue, TheOldestEventOfABatchThatWaitsMayBeInItsLastStrand) {
  noting_handler handler;
  fed_queue queue;
  fed one{.batch = std::make_unique<batch_by_strand>(handler)};
  for (const auto& [strand, number] : {std::pair{3U, 4U}, std::pair{7U, 2U}}) {
    const record_view r{number, position{.epoch = 1, .strand = strand, .major = number}, {}, {}};
    ASSERT_TRUE(one.batch->add(persistence_id::parse("account|ann").value(), r));
  }
  ASSERT_TRUE(queue.push(std::move(one)));
  EXPECT_EQ(queue.oldest()->time_since_epoch().count(), 2);
}

}  // namespace
}}}  // namespace nexus::v0::detail
