// The code of docs/pool.md, compiled and run.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <nexus/nexus.hpp>
#include <nexus/workers.hpp>
#include <stop_token>
#include <thread>

#include "scripted_actor.hpp"
#include "temporary_folder.hpp"

using namespace std::chrono_literals;

namespace {

class PoolPage : public ::testing::Test {
 protected:
  nexus::test::temporary_folder folder_;
  nexus::result<nexus::store> store = nexus::open("sqlite:" + folder_.path("test.db"));
};

TEST_F(PoolPage, With) {
  const auto& sessions = store->sessions();
  auto count = sessions.with([](nexus::session& s) -> nexus::result<std::int64_t> {
    auto rows = s.query<std::int64_t>("SELECT count(*) FROM nexus_event_journal");
    if (!rows) return nexus::fail(rows.error());
    return rows->front();
  });
  EXPECT_EQ(count, 0);
}

TEST_F(PoolPage, Borrowing) {
  const auto& sessions = store->sessions();
  EXPECT_TRUE(
      sessions.with([](nexus::session& s) { return s.execute("CREATE TABLE carts (day TEXT)"); }));
  std::stop_source stopping;
  const auto tidy_up = [&] {
    // clang-format off
    auto lent = sessions.borrow({.timeout = 100ms, .cancel = stopping.get_token(), .borrower = "the nightly report"});
    if (!lent) return std::cerr << lent.error().message << '\n', false;
    auto done = (*lent)->execute("DELETE FROM carts WHERE day < $1", "2026-01-01");
    // clang-format on
    return done.has_value();
  };
  EXPECT_TRUE(tidy_up());
  EXPECT_EQ(sessions.statistics().in_use, 0u);
}

TEST_F(PoolPage, AnActorAsks) {
  nexus::system sys;
  nexus::workers blocking{"blocking", 1, 100};
  sys.caf().spawn<nexus::test::scripted_actor>([this, &blocking](caf::event_based_actor* self) {
    // clang-format off
    store->sessions().request().then(self, [&blocking](nexus::result<nexus::lease<nexus::journal_session>> lent) {
      if (!lent) return;
      auto kept = std::make_shared<nexus::lease<nexus::journal_session>>(*std::move(lent));
      (void)blocking.submit([kept](unsigned) { (void)(*kept)->execute("ANALYZE"); });
    });
    // clang-format on
  });
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (store->sessions().statistics().borrows == 0 || store->sessions().statistics().in_use > 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
}

TEST_F(PoolPage, Watching) {
  const auto now = store->sessions().statistics();
  std::cout << now.in_use << " of " << now.max << " in use, " << now.waiting << " waiting\n";
  EXPECT_EQ(now.max, 16u + 2u);
}

struct printer : nexus::poolable {
  int pages = 0;
  bool broken() const noexcept override { return pages > 1'000; }
};

TEST_F(PoolPage, OfSomethingElse) {
  auto printers = nexus::pool<printer>::make({.name = "printers", .max = 2}, [] {
    return nexus::result<std::unique_ptr<printer>>{std::make_unique<printer>()};
  });
  auto printed = printers->with([](printer& p) { return p.pages += 3; });
  EXPECT_EQ(printed, 3);
}

}  // namespace
