#include "nexus/dead_letters.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "acting.hpp"
#include "nexus/stepping.hpp"
#include "nexus/system.hpp"

using nexus::dead_letter;
using nexus::dead_letter_reason;
using nexus::dead_letters;
using nexus::errc;

namespace {

dead_letter about(std::string target, errc code = errc::unhandled) {
  return {std::move(target), {}, {code, "why"}};
}

}  // namespace

TEST(DeadLetters, TheReasonComesFromTheError) {
  EXPECT_EQ(about("a", errc::unhandled).reason, dead_letter_reason::unhandled);
  EXPECT_EQ(about("a", errc::stopped).reason, dead_letter_reason::stopped);
  EXPECT_EQ(about("a", errc::overloaded).reason, dead_letter_reason::overloaded);
  EXPECT_EQ(about("a", errc::timeout).reason, dead_letter_reason::expired);
  EXPECT_EQ(about("a", errc::corrupt).reason, dead_letter_reason::dropped);
  EXPECT_EQ(to_string(dead_letter_reason::expired), "expired");
}

TEST(DeadLetters, AreCountedByReasonAlsoWithoutAListener) {
  dead_letters letters;
  letters.publish(about("a"));
  letters.publish(about("a", errc::stopped));
  letters.publish(about("b", errc::stopped));
  EXPECT_EQ(letters.count(), 3U);
  EXPECT_EQ(letters.count(dead_letter_reason::stopped), 2U);
  EXPECT_EQ(letters.count(dead_letter_reason::expired), 0U);
}

TEST(DeadLetters, AListenerHearsUntilItsSubscriptionGoes) {
  dead_letters letters;
  std::vector<std::string> heard;
  letters.publish(about("before"));
  {
    auto listening = letters.subscribe([&](const dead_letter& l) { heard.push_back(l.target); });
    letters.publish(about("a"));
    auto same = letters;
    same.publish(about("b"));
  }
  letters.publish(about("after"));
  EXPECT_EQ(heard, (std::vector<std::string>{"a", "b"}));
}

TEST(DeadLetters, OfManyThreadsEachIsHeardOnce) {
  dead_letters letters;
  std::atomic<int> heard{0};
  auto listening = letters.subscribe([&](const dead_letter&) { ++heard; });
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1'000; ++n) {
        auto mine = letters.subscribe([](const dead_letter&) {});
        letters.publish(about("a"));
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(heard, 8'000);
  EXPECT_EQ(letters.count(), 8'000U);
}

namespace {

// A CAF actor that subscribes; the target "throw" makes it throw, "end" makes it end its
// subscription.
class DeadLettersInAnActor : public ::testing::Test {
 public:
  ~DeadLettersInAnActor() override {
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    one = nullptr;
    (void)sys.stepping()->drain();
  }

 protected:
  void drain() { ASSERT_TRUE(sys.stepping()->drain()); }

  nexus::system sys{{.stepped = true}};
  std::vector<std::string> heard;
  caf::actor one = nexus::test::spawn(sys.caf(), [this](caf::event_based_actor* self) {
    auto mine = std::make_shared<nexus::registration>();
    // Weak, to avoid a cycle.
    const std::weak_ptr own = mine;
    *mine = sys.letters().subscribe(self, [self, own, this](const dead_letter& l) {
      heard.push_back(l.target + (self->current_sender() == nullptr ? "" : "?"));
      if (l.target == "throw") throw std::runtime_error{"oops"};
      if (l.target == "end") *own.lock() = {};
    });
    return caf::behavior{[mine](int) {}};
  });
};

}  // namespace

TEST_F(DeadLettersInAnActor, AreItsMessages) {
  drain();
  sys.letters().publish(about("a"));
  sys.letters().publish(about("b"));
  EXPECT_TRUE(heard.empty());
  drain();
  sys.letters().publish(about("c"));
  drain();
  EXPECT_EQ(heard, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(DeadLettersInAnActor, EndWithTheSubscription) {
  drain();
  for (const auto* target : {"a", "end", "b"}) sys.letters().publish(about(target));
  drain();
  sys.letters().publish(about("c"));
  drain();
  EXPECT_EQ(heard, (std::vector<std::string>{"a", "end"}));
}

TEST_F(DeadLettersInAnActor, EndWithTheActor) {
  drain();
  for (const auto* target : {"a", "throw", "b"}) sys.letters().publish(about(target));
  drain();
  sys.letters().publish(about("c"));
  drain();
  EXPECT_EQ(heard, (std::vector<std::string>{"a", "throw"}));
}

TEST_F(DeadLettersInAnActor, PastTheBoundAreMissedAndCounted) {
  drain();
  for (std::size_t i = 0; i < dead_letters::waiting_max + 7; ++i) sys.letters().publish(about("a"));
  EXPECT_EQ(sys.letters().missed(), 7U);
  drain();
  EXPECT_EQ(heard.size(), dead_letters::waiting_max);
  sys.letters().publish(about("b"));
  drain();
  EXPECT_EQ(heard.back(), "b");
}
