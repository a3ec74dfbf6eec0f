// The memory of a live idle entity, beside that of a bare CAF actor, both measured in this run.
#include <gtest/gtest.h>
#include <malloc.h>

#include <caf/all.hpp>
#include <cstdio>
#include <deque>
#include <vector>

#include "caf_dialect.hpp"
#include "nexus/nexus.hpp"

using namespace nexus;
using namespace std::chrono_literals;

namespace {

struct nothing {
  static constexpr std::string_view entity_type = "nothing";
  struct ping {};
  using command = std::variant<ping>;
  struct pinged {
    static constexpr std::string_view type_name = "pinged";
  };
  using event = std::variant<pinged>;
  struct state {};
  static auto decide(const state&, const ping&) { return nexus::reply(true); }
  static void apply(state&, const pinged&) {}
};

class bare_actor : public caf::event_based_actor {
 public:
  using caf::event_based_actor::event_based_actor;
  caf::behavior make_behavior() override {
    return {[](int) { return true; }};
  }
};

std::size_t heap_bytes() { return mallinfo2().uordblks; }

constexpr std::size_t count = 100'000;

std::size_t bytes_per_bare_actor(caf::actor_system& sys) {
  caf::scoped_actor self{sys};
  std::vector<caf::actor> all;
  all.reserve(count);
  const auto before = heap_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(sys.spawn<bare_actor>());
    test::send_as(*self, all.back(), 1);
  }
  for (std::size_t i = 0; i < count; ++i) self->receive([](bool) {});
  const auto each = (heap_bytes() - before) / count;
  for (auto& one : all) self->send_exit(one, caf::exit_reason::user_shutdown);
  for (auto& one : all) self->wait_for(one);
  return each;
}

}  // namespace

TEST(Memory, AnIdleEntityCostsAtMostAKilobyteBeyondABareActor) {
  nexus::system sys;
  auto journal = nexus::open("memory:");
  ASSERT_TRUE(journal);
  (void)bytes_per_bare_actor(sys.caf());  // allocates what both need once
  const auto bare = bytes_per_bare_actor(sys.caf());
  entities<nothing> all{sys, *journal};
  auto ask_all = [&](std::size_t from, std::size_t to) {
    std::deque<asked<bool>> answers;
    for (auto i = from; i < to; ++i) {
      answers.push_back(all.of("entity-" + std::to_string(i)).ask(nothing::ping{}));
    }
    for (auto& one : answers) EXPECT_TRUE(one.get(60s));
  };
  ask_all(count, count + 1'000);
  const auto before = heap_bytes();
  for (std::size_t i = 0; i < count; i += 1'000) ask_all(i, i + 1'000);
  const auto each = (heap_bytes() - before) / count;
  std::printf("bytes on the heap, each of %zu: bare actor %zu, entity %zu, beyond %zd\n", count,
              bare, each, static_cast<ssize_t>(each - bare));
  RecordProperty("bare_bytes", std::to_string(bare));
  RecordProperty("entity_bytes", std::to_string(each));
  EXPECT_EQ(all.live(), count + 1'000);
  EXPECT_LE(each, bare + sizeof(nothing::state) + 1024);
}
