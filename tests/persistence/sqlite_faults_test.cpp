// Commits that fail, disks that fill, locks that are held: an append's outcome, and the stored
// data.
#include "sqlite_faulty_disk.hpp"
#include "sqlite_fixture.hpp"

namespace {

using nexus::settlement;

class SqliteFaults : public SqliteTest {
 public:
  SqliteFaults() {
    faulty_disk::install();
    faulty_disk::heal();
  }
  ~SqliteFaults() override { faulty_disk::heal(); }

 protected:
  // The files as a crash would leave them now: when reopened, the log is read from its start.
  std::unique_ptr<nexus::journal_session> after_a_crash() {
    for (std::string end : {"", "-wal"}) {
      std::filesystem::copy_file(path() + end, path("crashed.db") + end,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    return open("sqlite:" + path("crashed.db")).value()->open_session().value();
  }
};

TEST_F(SqliteFaults, AFailedSyncIsUnknownAndItsRowsAreBackAfterACrash) {
  auto s = session();
  (void)append(*s, batch{"a"});
  auto other = session();  // keeps the log from being reset when `s` closes
  (void)other->highest(id("a"));
  faulty_disk::syncs_to_fail = 1;
  EXPECT_TRUE(std::holds_alternative<nexus::unknown>(append(*s, batch{"a", 1})));
  EXPECT_EQ(other->highest(id("a")).value(), 1u);
  EXPECT_EQ(after_a_crash()->highest(id("a")).value(), 2u) << "else settle has nothing to do";
}

TEST_F(SqliteFaults, SettleMakesALateAppearanceImpossible) {
  for (std::size_t count : {1, 500}) {
    journal_.reset();
    auto name = std::to_string(count);
    auto s = session();
    (void)append(*s, batch{name});
    auto other = session();
    (void)other->highest(id(name));
    faulty_disk::syncs_to_fail = 1;
    batch lost{name, 1, count};
    ASSERT_TRUE(std::holds_alternative<nexus::unknown>(append(*s, lost)));
    EXPECT_EQ(other->settle(lost.request).value(), settlement::not_stored);
    EXPECT_EQ(after_a_crash()->highest(id(name)).value(), 1u);
    EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*s, lost)));
    EXPECT_EQ(s->settle(lost.request).value(), settlement::stored);
    EXPECT_EQ(after_a_crash()->highest(id(name)).value(), count + 1);
  }
}

TEST_F(SqliteFaults, SettleAdoptsWhatACrashBroughtBack) {
  auto s = session();
  (void)append(*s, batch{"a"});
  auto other = session();
  (void)other->highest(id("a"));
  faulty_disk::syncs_to_fail = 1;
  batch lost{"a", 1, 3};
  ASSERT_TRUE(std::holds_alternative<nexus::unknown>(append(*s, lost)));
  auto crashed = after_a_crash();
  EXPECT_EQ(crashed->settle(lost.request).value(), settlement::stored);
  EXPECT_EQ(crashed->highest(id("a")).value(), 4u);
}

TEST_F(SqliteFaults, AFailedSyncOnTheOnlyConnectionIsSettledToo) {
  auto s = session();
  (void)append(*s, batch{"a"});
  faulty_disk::syncs_to_fail = 1;
  batch lost{"a", 1};
  ASSERT_TRUE(std::holds_alternative<nexus::unknown>(append(*s, lost)));
  auto truth = s->settle(lost.request).value();
  EXPECT_EQ(s->highest(id("a")).value(), truth == settlement::stored ? 2u : 1u);
}

TEST_F(SqliteFaults, SettleThatCannotCommitAsksToBeCalledAgain) {
  auto s = session();
  auto other = session();
  faulty_disk::syncs_to_fail = 2;
  batch lost{"a"};
  ASSERT_TRUE(std::holds_alternative<nexus::unknown>(append(*s, lost)));
  EXPECT_FALSE(s->settle(lost.request));
  EXPECT_TRUE(s->settle(lost.request));
}

TEST_F(SqliteFaults, SettleComparesEveryPartOfEveryRecord) {
  auto s = session();
  batch kept{"a", 0, 3};
  kept.events[1].time = nexus::timestamp{std::chrono::microseconds{5}};
  (void)append(*s, kept);
  EXPECT_EQ(s->settle(kept.request).value(), settlement::stored);
  auto differs = [&](auto change) {
    batch other{"a", 0, 3};
    other.events[1].time = kept.events[1].time;
    change(other);
    return s->settle(other.request).value() == settlement::not_stored;
  };
  EXPECT_FALSE(differs([](batch&) {}));
  EXPECT_TRUE(differs([](batch& b) { b.request.writer.bytes[3] = 1; }));
  EXPECT_TRUE(differs([](batch& b) { b.events[2].type = "undone"; }));
  EXPECT_TRUE(differs([](batch& b) { b.events[2].schema_version = 2; }));
  EXPECT_TRUE(differs([](batch& b) { b.events[2].codec = "json"; }));
  EXPECT_TRUE(differs([](batch& b) { b.events[0].data = "y"; }));
  EXPECT_TRUE(differs([](batch& b) { b.events[0].metadata = "m"; }));
  EXPECT_TRUE(differs([](batch& b) { b.events[1].time += std::chrono::microseconds{1}; }));
  EXPECT_TRUE(differs([](batch& b) { b.request.expected = 1; }));
}

TEST_F(SqliteFaults, AConflictInACallWhoseCommitFailsStaysAConflict) {
  auto s = session();
  (void)append(*s, batch{"a"});
  batch stale{"a"};
  batch other{"b"};
  std::vector requests{stale.request, other.request};
  faulty_disk::syncs_to_fail = 1;
  auto outcomes = s->append(requests);
  EXPECT_EQ(std::get<nexus::conflict>(outcomes[0]).highest, 1u);
  EXPECT_TRUE(std::holds_alternative<nexus::unknown>(outcomes[1]));
}

TEST_F(SqliteFaults, AFullDiskLosesNothingAndHeals) {
  auto s = session();
  auto other = session();
  (void)append(*s, batch{"a"});
  batch next{"a", 1, 10};
  faulty_disk::log_full = true;
  const auto outcome = append(*s, next);
  ASSERT_TRUE(std::holds_alternative<nexus::failed>(outcome)) << outcome.index();
  expect_names(std::get<nexus::failed>(outcome).why, path());
  expect_names(std::get<nexus::failed>(outcome).why, "full");
  EXPECT_EQ(s->highest(id("a")).value(), 1u) << "what is stored can still be read";
  faulty_disk::log_full = false;
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*s, next)));
}

// Wherever in the commit the disk fills, within a page or between two: "failed" is certain.
TEST_F(SqliteFaults, AnAppendThatFoundNoRoomDoesNotComeBackAfterACrash) {
  auto s = session();
  (void)append(*s, batch{"a"});
  auto other = session();
  (void)other->highest(id("a"));
  batch next{"a", 1, 3};
  next.data.assign(5'000, 'y');  // pages of overflow, too
  for (auto& event : next.events) event.data = next.data;
  int failures = 0;
  for (int room = 0;; room += 1'031) {
    faulty_disk::room = room;
    const auto outcome = append(*s, next);
    faulty_disk::room = -1;
    if (std::holds_alternative<nexus::stored>(outcome)) break;
    ASSERT_TRUE(std::holds_alternative<nexus::failed>(outcome)) << outcome.index();
    ASSERT_EQ(after_a_crash()->highest(id("a")).value(), 1u) << room;
    ASSERT_EQ(other->highest(id("a")).value(), 1u) << room;
    ++failures;
  }
  EXPECT_GT(failures, 10) << "else there was nothing to see";
  EXPECT_EQ(after_a_crash()->highest(id("a")).value(), 4u);
}

TEST_F(SqliteFaults, AnUnknownOutcomeIsSettledOnceThereIsRoomAgain) {
  auto s = session();
  auto other = session();
  (void)other->highest(id("a"));
  batch lost{"a"};
  faulty_disk::syncs_to_fail = 1;
  ASSERT_TRUE(std::holds_alternative<nexus::unknown>(append(*s, lost)));
  faulty_disk::log_full = true;
  const auto unsettled = s->settle(lost.request);
  ASSERT_FALSE(unsettled);
  expect_names(unsettled.error(), "full");
  faulty_disk::log_full = false;
  EXPECT_EQ(s->settle(lost.request).value(), settlement::not_stored);
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*s, lost)));
}

TEST_F(SqliteFaults, ADiskThatFillsBeforeTheCommitIsACertainFailure) {
  auto s = session();
  (void)append(*s, batch{"a"});
  batch large{"b", 0, 1};
  large.data.assign(40 << 20, 'z');  // past the page cache: spilled into the log before COMMIT
  large.events[0].data = large.data;
  faulty_disk::log_full = true;
  auto outcome = append(*s, large);
  faulty_disk::log_full = false;
  EXPECT_TRUE(std::holds_alternative<nexus::failed>(outcome)) << outcome.index();
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*s, batch{"b"})));
}

TEST_F(SqliteFaults, FullSyncsEveryCommitAndNormalNone) {
  auto synced = [&](const std::string& parameters) {
    journal_.reset();
    auto s = session(parameters);
    (void)append(*s, batch{"id" + parameters});
    auto before = faulty_disk::syncs.load();
    for (nexus::sequence_nr n = 1; n < 6; ++n) (void)append(*s, batch{"id" + parameters, n});
    return faulty_disk::syncs.load() - before;
  };
  EXPECT_EQ(synced(""), 5);
  EXPECT_EQ(synced("?synchronous=full"), 5);
  EXPECT_EQ(synced("?synchronous=normal"), 0);
}

TEST_F(SqliteFaults, ALockHeldForAWhileIsWaitedForAndForLongerFails) {
  auto s = session();
  sqlite3* holder = nullptr;
  sqlite3_open(path().c_str(), &holder);
  sqlite3_exec(holder, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  int waits = 0;
  faulty_disk::on_wait = [&] { ++waits; };
  auto outcome = append(*s, batch{"a"});
  ASSERT_TRUE(std::holds_alternative<nexus::failed>(outcome));
  expect_names(std::get<nexus::failed>(outcome).why, path());
  EXPECT_GT(waits, 10);
  EXPECT_TRUE(s->highest(id("a"))) << "reading needs no lock";

  waits = 0;
  faulty_disk::on_wait = [&] {
    if (++waits == 10) sqlite3_exec(holder, "COMMIT", nullptr, nullptr, nullptr);
  };
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(append(*s, batch{"a"})));
  EXPECT_EQ(waits, 10);
  sqlite3_close(holder);
}

TEST_F(SqliteFaults, AnUpsertWhoseCommitFailsIsSettled) {
  auto s = session();
  auto other = session();
  (void)append(*s, batch{"a"});
  (void)other->get_state(id("a"));
  nexus::upsert_request request{
      .id = id("a"), .expected = 0, .next = 2, .value = nexus::state_view{.data = "two"}};
  faulty_disk::syncs_to_fail = 1;
  ASSERT_TRUE(std::holds_alternative<nexus::unknown>(s->upsert({&request, 1}).at(0)));
  EXPECT_EQ(after_a_crash()->get_state(id("a")).value()->version, 2u) << "else nothing to settle";
  EXPECT_EQ(other->settle(request).value(), settlement::not_stored);
  EXPECT_FALSE(after_a_crash()->get_state(id("a")).value()) << "and it stays so";
  EXPECT_TRUE(std::holds_alternative<nexus::stored>(s->upsert({&request, 1}).at(0)));
  EXPECT_EQ(other->settle(request).value(), settlement::stored);
}

}  // namespace
