// Several processes with one projection, played by several systems and journal objects.
#include <random>

#include "lossy.hpp"
#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// Another process, as far as a journal can tell.
struct other_process {
  explicit other_process(store s) : opened{std::move(s)} {}
  const store opened;
  nexus::system sys{{.threads = 1}};
};

}  // namespace

TEST_P(Projection, OfTwoProcessesEachEventIsCountedByOne) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "a journal in memory is of one process";
  add_many(30, 5);
  other_process other{open(faults)};
  projection<tally> here{sys, opened, "report", counting(), {.parallel = 2, .batch_max = 10}};
  projection<tally> there{
      other.sys, other.opened, "report", counting(), {.parallel = 2, .batch_max = 10}};
  add_many(30, 5);
  catch_up(here);
  EXPECT_EQ(reported(), stored());
  catch_up(there);
  EXPECT_EQ(here.status().handled + there.status().handled, 300u);
  // Cells may be on their way from one to the other.
  EXPECT_TRUE(
      wait_until([&] { return here.status().cells + there.status().cells == all_cells(); }));
}

TEST_P(Projection, AProcessThatEndsLeavesItsCellsToTheOtherAtOnce) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "a journal in memory is of one process";
  other_process other{open(faults)};
  auto first = std::make_unique<projection<tally>>(sys, opened, "report", counting());
  EXPECT_TRUE(becomes(*first, projection_phase::running));
  projection<tally> second{other.sys, other.opened, "report", counting(), {.lease = 1s}};
  add("a", 1);
  catch_up(*first);
  first.reset();
  add("a", 2);
  catch_up(second);
  EXPECT_EQ(reported(), "a 3/2");
}

TEST_P(Projection, CellsOfAProcessWithoutSignsOfLifeAreTakenOver) {
  add("a", 1);
  auto session = must(opened.open_session());
  auto& storage = *session->projections();
  {
    projection<tally> report{sys, opened, "report", counting()};
    catch_up(report);
  }
  must(storage.give_all({"report", 1}, must(storage.cells({"report", 1})), "gone"));
  for (const auto& one : must(storage.cells({"report", 1}))) ASSERT_EQ(one.owner, "gone");
  add("a", 2);
  projection<tally> report{sys, opened, "report", counting(), {.lease = 1s}};
  EXPECT_EQ(report.caught_up(300ms).error().code, errc::timeout) << "not before the lease is over";
  catch_up(report);
  EXPECT_EQ(reported(), "a 3/2");
}

// E.g. that of a process which stopped while it took them.
TEST_P(Projection, ATransactionThatHoldsFreeCellsIsEndedAfterTheLease) {
  if (opened.writers() < 2) GTEST_SKIP() << "a transaction holds the only lock";
  if (!GetParam().sql) GTEST_SKIP() << "nothing is held";
  {
    projection<tally> report{sys, opened, "report", counting()};
    catch_up(report);
  }
  add("a", 1);
  auto stopped = must(opened.open_session());
  must(stopped->begin(isolation::read_committed, false));
  auto& cells = *stopped->projections();
  ASSERT_TRUE(must(cells.give({"report", 1}, must(cells.cells({"report", 1})).at(5), "stopped")));
  projection<tally> report{sys, opened, "report", counting(), {.lease = 1s}};
  catch_up(report);
  EXPECT_EQ(reported(), "a 1/1");
  EXPECT_EQ(report.status().cells, all_cells());
  EXPECT_FALSE(stopped->commit());
}

TEST_P(Projection, AProcessThatWasTakenForDeadCommitsNothingMore) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "it has no transactions";
  add("a", 1);
  std::atomic<bool> entered{false}, go{false};
  const auto stuck = [&](session& on, const projected<tally>& e) -> result<void> {
    if (!entered.exchange(true)) {
      while (!go) std::this_thread::sleep_for(1ms);
    }
    return count(on, e);
  };
  projection<tally> slow{sys, opened, "report", stuck, {.lease = 1s}};
  EXPECT_TRUE(wait_until([&] { return entered.load(); }));
  if (opened.writers() > 1) {
    // Another one ends its transaction.
    other_process other{open(faults)};
    projection<tally> fast{other.sys, other.opened, "report", counting(), {.lease = 1s}};
    catch_up(fast);
    EXPECT_EQ(reported(), "a 1/1");
    go = true;
    add("a", 2);
    catch_up(fast);
  }
  go = true;  // on SQLite its transaction holds the only lock
  catch_up(slow);
  EXPECT_EQ(reported(), stored());
}

TEST_P(Projection, ASecondProcessGetsAShareOfTheCells) {
  if (opened.writers() < 2) GTEST_SKIP() << "one process works on all cells";
  other_process other{open(faults)};
  projection<tally> first{sys, opened, "report", counting(), {.lease = 1s}};
  EXPECT_TRUE(wait_until([&] { return first.status().cells == all_cells(); }));
  projection<tally> second{other.sys, other.opened, "report", counting(), {.lease = 1s}};
  EXPECT_TRUE(wait_until([&] {
    return first.status().cells == all_cells() / 2 && second.status().cells == all_cells() / 2;
  }));
  add_many(40, 3);
  catch_up(first);
  EXPECT_EQ(reported(), stored());
  EXPECT_GT(second.status().handled, 0u);
}

TEST_P(Projection, ARebuildByOneProcessFencesTheOther) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "a journal in memory is of one process";
  add_many(10, 10);
  other_process other{open(faults)};
  const auto empty = [this](session& on) { return empty_report(on); };
  projection<tally> first{sys, opened, "report", counting(), {.batch_max = 5, .lease = 1s}};
  projection<tally> second{other.sys,
                           other.opened,
                           "report",
                           counting(),
                           {.batch_max = 5, .lease = 1s, .on_rebuild = empty}};
  for (int i = 0; i < 5; ++i) {
    add_many(10, 2);
    must(second.rebuild());
  }
  catch_up(second);
  catch_up(first);
  EXPECT_EQ(reported(), stored());
}

// The property: with any writers, lost answers to commits, and processes that end and begin, the
// report is the fold of the journal.
TEST_P(Projection, NeverSkipsNorCountsTwiceWhateverHappens) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "without transactions it counts at least once";
  const auto losses = std::make_shared<commit_losses>();
  const auto seed = std::random_device{}();
  losses->seed = seed;
  SCOPED_TRACE("seed " + std::to_string(seed));
  losses->in_100 = 20;
  std::vector<backend> all;
  for (const auto& one : GetParam().backends) all.push_back(lossy(one, losses));
  std::atomic<bool> over{false};
  std::vector<std::jthread> writers;
  for (unsigned w = 0; w < 2; ++w) {
    writers.emplace_back([&, w] {
      std::minstd_rand draw{seed + w};
      for (int i = 0; i < 150; ++i) {
        add("t" + std::to_string(draw() % 25), static_cast<std::int64_t>(draw() % 100));
      }
    });
  }
  // A late committer: its event has an earlier position than events that are stored before it. SQLite
  // has one writer, and DynamoDB's positions are those of commits: there is no such thing.
  std::jthread late{[&] {
    std::minstd_rand draw{seed + 7};
    auto session = must(opened.open_session());
    const auto id = must(persistence_id::make("tally", "late"));
    sql_bytes data;
    encode(tally::added{5}, data.data);
    for (std::int64_t n = 1; !over && GetParam().sql && opened.writers() > 1; ++n) {
      must(transactional(*session, [&](nexus::session& s) -> result<void> {
        auto stored = s.execute(
            "INSERT INTO nexus_event_journal (persistence_id, sequence_nr, transaction_id, "
            "position, event_type, schema_version, codec, event_data, metadata, writer_id, "
            "timestamp, slice) VALUES ($1, $2, pg_current_xact_id(), 1, 'added', 1, 'msgpack', $3, "
            "'', '01ARZ3NDEKTSV4RRFFQ69G5FAV', now(), $4)",
            id.str(), n, data, static_cast<std::int64_t>(id.slice()));
        if (!stored) return fail(std::move(stored.error()));
        std::this_thread::sleep_for(std::chrono::milliseconds{draw() % 20});
        return {};
      }));
    }
  }};
  std::minstd_rand draw{seed + 99};
  for (int round = 0; round < 8; ++round) {
    const store one = must(nexus::open(uri, all)), two = must(nexus::open(uri, all));
    nexus::system first{{.threads = 1}}, second{{.threads = 1}};
    const projection_options o{.parallel = 1 + static_cast<unsigned>(draw() % 4),
                               .batch_max = 1 + draw() % 20,
                               .lease = 1s};
    projection<tally> here{first, one, "report", counting(), o};
    projection<tally> there{second, two, "report", counting(), o};
    std::this_thread::sleep_for(std::chrono::milliseconds{draw() % 60});
  }
  writers.clear();
  over = true;
  late.join();
  const store whole = must(nexus::open(uri, all));
  projection<tally> last{sys, whole, "report", counting(), {.lease = 1s}};
  catch_up(last);
  EXPECT_EQ(reported(), stored());
  EXPECT_GT(losses->lost, 0u);
}
