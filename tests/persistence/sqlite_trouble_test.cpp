// Errors for callers of entities when SQLite's disk is full or its file is gone, and how soon they
// come.
#include <chrono>
#include <filesystem>
#include <nexus/nexus.hpp>
#include <optional>

#include "behaviors/tally.hpp"
#include "sqlite_faulty_disk.hpp"
#include "sqlite_fixture.hpp"

namespace {

using namespace std::chrono_literals;
using nexus::errc;
using nexus::test::tally;

class SqliteTrouble : public SqliteTest {
 public:
  ~SqliteTrouble() override { faulty_disk::heal(); }

 protected:
  SqliteTrouble() {
    faulty_disk::install();
    faulty_disk::heal();
    // A session that the pool opens by itself would notice the missing file before the writer does.
    const nexus::store_options options{.pool = {.min_idle = 0}};
    store.emplace(nexus::open("sqlite:" + path(), {nexus::sqlite_backend()}, options).value());
    // Short pauses keep the test short.
    tallies.emplace(sys, *store, nexus::entity_options{.backoff_min = 1ms, .backoff_max = 10ms});
    EXPECT_EQ(add(), 1);
  }

  nexus::result<std::int64_t> add(const std::string& to = "a") {
    return tallies->of(to).ask(tally::add{1}).get(patience);
  }

  // Refused while the entity or the circuit breaker has not noticed yet.
  nexus::result<std::int64_t> add_once_it_works() {
    const auto end = std::chrono::steady_clock::now() + patience;
    auto sum = add();
    while (!sum && std::chrono::steady_clock::now() < end) sum = add();
    EXPECT_TRUE(sum) << sum.error().message;
    return sum;
  }

  // An error of this code with its reason, long before the caller's timeout.
  void expect_told(const nexus::result<std::int64_t>& answer, errc code, const std::string& why) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, code) << answer.error().message;
    expect_names(answer.error(), path());
    expect_names(answer.error(), why);
  }

  static constexpr auto patience = 60s;
  nexus::system sys{{.threads = 2}};
  std::optional<nexus::store> store;
  std::optional<nexus::entities<tally>> tallies;
};

TEST_F(SqliteTrouble, AFullDiskIsToldAtOnceAndHealsByItself) {
  faulty_disk::log_full = true;
  for (int i = 0; i < 3; ++i) expect_told(add(), errc::unavailable, "full");
  faulty_disk::log_full = false;
  EXPECT_EQ(add(), 2);
}

TEST_F(SqliteTrouble, AnOutcomeThatAFullDiskKeepsUnknownIsToldAndHealsByItself) {
  faulty_disk::syncs_to_fail = 1;
  faulty_disk::room_after_failed_sync = 0;
  expect_told(add(), errc::outcome_unknown, "full");
  expect_told(add(), errc::unavailable, "full");
  expect_told(add("b"), errc::unavailable, "full");
  faulty_disk::heal();
  const auto sum = add_once_it_works();
  ASSERT_TRUE(sum);
  EXPECT_TRUE(sum == 2 || sum == 3) << *sum << ": it may have been stored";
  EXPECT_EQ(add(), *sum + 1);
}

TEST_F(SqliteTrouble, ARemovedFileIsToldByName) {
  std::filesystem::remove(path());
  expect_told(add(), errc::outcome_unknown, "removed");
  expect_told(add(), errc::unavailable, "removed");
  expect_told(add("b"), errc::unavailable, "removed");
  ASSERT_TRUE(store->trouble());
  expect_names(*store->trouble(), path());
}

TEST_F(SqliteTrouble, AFilePutBackIsGoneOnWith) {
  std::filesystem::rename(path(), path("away"));
  expect_told(add(), errc::outcome_unknown, "moved away");
  std::filesystem::rename(path("away"), path());
  EXPECT_FALSE(store->trouble());
  const auto sum = add_once_it_works();
  EXPECT_EQ(sum, 3) << "what was unknown had been stored";
}

}  // namespace
