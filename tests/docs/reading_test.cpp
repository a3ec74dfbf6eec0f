// The code of docs/reading.md, compiled and run.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <map>
#include <nexus/live_reader.hpp>
#include <nexus/nexus.hpp>
#include <nexus/testkit/faulty.hpp>
#include <string>
#include <thread>
#include <variant>

using namespace std::chrono_literals;

namespace {

struct account {
  static constexpr std::string_view entity_type = "account";

  struct deposit {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using command = std::variant<deposit>;

  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited>;

  struct state {};

  static auto decide(const state&, const deposit& c) { return nexus::persist(deposited{c.cents}); }
  static void apply(state&, const deposited&) {}
};

using counts = std::map<std::string, int>;

// Counts the events of each type until `reader` is stopped.
nexus::result<counts> count(nexus::live_reader& reader) {
  counts by_type;
  auto take = [&](const nexus::persistence_id&, const nexus::record_view& r) {
    ++by_type[std::string{r.event.type}];
    return true;
  };
  for (;;) {
    auto n = reader.read(take, 1s);
    if (n) continue;  // 0 if nothing came in time
    if (n.error().code == nexus::errc::stopped) return by_type;
    std::cerr << n.error().message << '\n';  // storage failure: the next read resumes
  }
}

}  // namespace

TEST(ReadingPage, FollowingAJournal) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};
  EXPECT_TRUE(accounts.of("alice").ask(account::deposit{100}).get(10s));

  auto reader = nexus::live_reader::open(*store);
  ASSERT_TRUE(reader);
  nexus::result<counts> counted;
  std::jthread counting{[&] { counted = count(*reader); }};
  EXPECT_TRUE(accounts.of("bob").ask(account::deposit{100}).get(10s));
  const auto seen = "nexus_live_read_events_total{journal=\"memory:\"} 2";
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (nexus::to_text(store->metrics()).find(seen) == std::string::npos) {
    if (std::chrono::steady_clock::now() > deadline) break;
    std::this_thread::yield();
  }
  reader->stop();
  counting.join();
  EXPECT_EQ(counted, (counts{{"deposited", 2}}));
}

TEST(ReadingPage, GoingOnAfterAPosition) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};
  EXPECT_TRUE(accounts.of("alice").ask(account::deposit{100}).get(10s));
  nexus::position last_seen;
  {
    auto reader = nexus::live_reader::open(*store);
    EXPECT_EQ(reader->read([](auto&, auto&) { return true; }, 0s), 1u);
    last_seen = reader->at();
  }
  EXPECT_TRUE(accounts.of("bob").ask(account::deposit{100}).get(10s));
  std::string whose;
  auto take = [&](const nexus::persistence_id& of, const nexus::record_view&) {
    whose = of.str();
    return true;
  };
  auto reader = nexus::live_reader::open(*store, last_seen, {.poll_every = 100ms});
  EXPECT_EQ(reader->read(take, 1s), 1u);
  EXPECT_EQ(whose, "account|bob");
}

TEST(ReadingPage, ATransactionHoldsItBack) {
  auto faults = std::make_shared<nexus::testkit::faults>();
  auto store = nexus::open("memory:", {nexus::testkit::faulty(nexus::memory_backend(), faults)});
  auto reader = nexus::live_reader::open(*store, {}, {.lag_warning_after = 1h});
  auto session = store->open_session();
  nexus::event_view event{.type = "deposited", .data = "", .metadata = {}};
  nexus::append_request request{
      *nexus::persistence_id::make("account", "alice"), 0, {}, {&event, 1}};
  EXPECT_TRUE(std::holds_alternative<nexus::stored>((*session)->append({&request, 1}).at(0)));
  auto take = [](const nexus::persistence_id&, const nexus::record_view&) { return true; };
  faults->hold_back("pid 4711 (psql): its transaction has been open for 12 s");
  EXPECT_EQ(reader->read(take, 0s), 0u);
  faults->hold_back(std::nullopt);
  EXPECT_EQ(reader->read(take, 0s), 1u);
}

TEST(ReadingPage, ARegisteredReaderHoldsErasingBack) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(accounts.of("alice").ask(account::deposit{100}).get(10s));
  }
  const auto alice = *nexus::persistence_id::make("account", "alice");
  auto reader = nexus::live_reader::open(*store);
  EXPECT_EQ(reader->read([](auto&, auto&) { return false; }, 0s), 1u);
  const auto at = reader->at();
  auto session = store->open_session();

  // The reader "report" has read up to `at`. Events past it stay until it says more, or is forgotten.
  EXPECT_TRUE(store->save_reader("report", at));

  auto erased = (*session)->erase_to(alice, 2);
  ASSERT_FALSE(erased);
  EXPECT_EQ(erased.error().code, nexus::errc::held_back);
  EXPECT_NE(erased.error().message.find("report"), std::string::npos);
  EXPECT_TRUE((*session)->erase_to(alice, 2, nexus::erasing::forced));

  auto behind = nexus::live_reader::open(*store, at);
  ASSERT_TRUE(behind);
  auto missed = behind->read([](auto&, auto&) { return true; }, 0s);
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error().code, nexus::errc::history_erased);
  auto rest = nexus::live_reader::open(*store, nexus::reading_start::kept_after(at));
  EXPECT_EQ(rest->read([](auto&, auto&) { return true; }, 0s), 0u);
  EXPECT_TRUE(store->forget_reader("report"));
}
