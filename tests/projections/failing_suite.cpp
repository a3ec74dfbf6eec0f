// Handlers, storages and events that fail.
#include <nexus/transaction.hpp>

#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;
using testkit::fault;
using testkit::operation;

namespace {

bool is_poison(const projected<tally>& e) { return value_of(e.event) == 13; }

}  // namespace

TEST_P(Projection, AnEventThatKeepsFailingStopsItBeforeThatEvent) {
  add("a", 1);
  add("a", 13);
  add("a", 2);
  std::atomic<bool> mended{false};
  std::atomic<int> tries{0};
  std::mutex guard;
  std::vector<std::string> phases;
  const auto handle = [&](session& on, const projected<tally>& e) -> result<void> {
    if (is_poison(e) && !mended) {
      ++tries;
      throw std::runtime_error{"no such seat"};
    }
    return count(on, e);
  };
  const auto note = [&](const projection_status& s) {
    std::lock_guard g{guard};
    phases.emplace_back(to_string(s.phase));
  };
  projection<tally> report{
      sys, opened, "report", handle, {.retries = 2, .retry_pause = 1ms, .on_change = note}};
  EXPECT_TRUE(becomes(report, projection_phase::failed));
  EXPECT_EQ(report.status().why, "event 2 (added) of tally|a: the handler threw: no such seat");
  EXPECT_EQ(reported(), "a 1/1");
  EXPECT_GE(tries, 3);
  const auto waited = report.caught_up(patience);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, errc::projection_failed);
  EXPECT_NE(waited.error().message.find("no such seat"), std::string::npos);
  const auto told = [&] {
    std::lock_guard g{guard};
    return phases;
  };
  EXPECT_TRUE(wait_until([&] { return told().size() == 2; }));  // the status is there before it
  mended = true;
  must(report.resume());
  catch_up(report);
  EXPECT_EQ(reported(), "a 16/3");
  EXPECT_EQ(told(), (std::vector<std::string>{"running", "failed", "running"}));
}

TEST_P(Projection, ASkippedEventIsListedAndRetriedOutOfOrder) {
  add("a", 1);
  add("a", 13);
  add("a", 2);
  std::atomic<bool> mended{false}, flagged{false};
  const auto handle = [&](session& on, const projected<tally>& e) -> result<void> {
    if (is_poison(e) && !mended) return fail(errc::rejected, "no such seat");
    if (e.out_of_order) flagged = is_poison(e);
    return count(on, e);
  };
  projection<tally> report{
      sys,
      opened,
      "report",
      handle,
      {.retries = 1, .retry_pause = 1ms, .on_failure = projection_options::failing::skip}};
  catch_up(report);
  EXPECT_EQ(reported(), "a 3/2");
  EXPECT_EQ(report.status().skipped, 1u);
  auto failures = must(report.failures());
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].of.str(), "tally|a");
  EXPECT_EQ(failures[0].number, 2u);
  EXPECT_EQ(failures[0].event_type, "added");
  EXPECT_EQ(failures[0].error, "no such seat");
  EXPECT_EQ(failures[0].attempts, 3u) << "in its batch, alone, and once more";

  EXPECT_EQ(report.retry(failures[0]).error().message, "no such seat");
  EXPECT_EQ(must(report.failures())[0].attempts, 4u);
  mended = true;
  must(report.retry(failures[0]));
  EXPECT_TRUE(flagged);
  EXPECT_EQ(reported(), "a 16/3");
  EXPECT_TRUE(must(report.failures()).empty());
  EXPECT_EQ(report.retry(failures[0]).error().code, errc::invalid_argument) << "it is gone";
  EXPECT_EQ(reported(), "a 16/3");
}

TEST_P(Projection, OfABatchThatFailsOnlyTheFailingEventIsSkipped) {
  add_many(10, 20);
  const auto handle = [&](session& on, std::span<const projected<tally>> all) -> result<void> {
    for (const auto& e : all) {
      if (is_poison(e)) return fail(errc::rejected, "not thirteen");
    }
    for (const auto& e : all) {
      if (auto done = count(on, e); !done) return done;
    }
    return {};
  };
  projection<tally> report{
      sys,
      opened,
      "report",
      handle,
      {.retries = 0, .retry_pause = 1ms, .on_failure = projection_options::failing::skip}};
  catch_up(report);
  EXPECT_EQ(must(report.failures()).size(), 10u);
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    expected += (i == 0 ? "t" : ", t") + std::to_string(i) + " 197/19";
  }
  EXPECT_EQ(reported(), expected);
}

TEST_P(Projection, AnEventThatDoesNotDecodeIsTreatedLikeOneThatFails) {
  add("a", 1);
  auto session = must(opened.open_session());
  event_view odd{.type = "unheard_of", .schema_version = 1, .codec = "msgpack", .data = "\x80"};
  const auto a = must(persistence_id::make("tally", "a"));
  must(tallies.of("a").ask(tally::retire{}).get(patience));
  append_request request{a, 1, {}, {}};
  const std::array one{odd};
  request.events = one;
  ASSERT_TRUE(std::holds_alternative<nexus::stored>(session->append({&request, 1})[0]));
  add("b", 2);
  projection<tally> strict{sys, opened, "strict", [](const projected<tally>&) {}};
  EXPECT_TRUE(becomes(strict, projection_phase::failed));
  EXPECT_NE(strict.status().why.find("event 2 (unheard_of) of tally|a"), std::string::npos)
      << strict.status().why;
  projection<tally> report{
      sys, opened, "report", counting(), {.on_failure = projection_options::failing::skip}};
  catch_up(report);
  EXPECT_EQ(reported(), "a 1/1, b 2/1");
  const auto failures = must(report.failures());
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(report.retry(failures[0]).error().code, errc::unknown_type);
}

TEST_P(Projection, AStorageThatFailsIsTriedAgainAndNothingCountsTwice) {
  add_many(10, 10);
  faults->inject(fault::fail, operation::read, 5);
  projection<tally> report{sys, opened, "report", counting()};
  catch_up(report);
  faults->clear();
  EXPECT_EQ(reported(), stored());
}

TEST_P(Projection, AHandlerCannotEndItsTransaction) {
  if (!GetParam().sql) GTEST_SKIP() << "it has none";
  add("a", 1);
  add("a", 2);
  std::mutex guard;
  std::vector<std::string> told;
  const auto ends = [&](session& on, const projected<tally>& e) -> result<void> {
    std::lock_guard g{guard};
    told.clear();
    for (const auto* sql : {"COMMIT", "rollback", " END", "/* now */ ABORT", "BEGIN",
                            "/* ROLLBACK TO */ ROLLBACK", "/* /* */ SELECT */ COMMIT", "; END"}) {
      auto done = on.execute(sql);
      told.push_back(done ? "done" : std::string{to_string(done.error().code)});
    }
    if (on.commit() || on.rollback() || on.begin(isolation::serializable, false)) {
      told.emplace_back("done");
    }
    // Savepoints are its own.
    auto nested = transactional(on, [&](session& s) -> result<void> {
      if (auto done = count(s, e); !done) return done;
      return fail(errc::rejected, "undone");
    });
    if (nested) told.emplace_back("no savepoint");
    return transactional(on, [&](session& s) { return count(s, e); });
  };
  projection<tally> report{sys, opened, "report", ends};
  catch_up(report);
  EXPECT_EQ(told, std::vector<std::string>(8, "invalid_argument"));
  EXPECT_EQ(reported(), "a 3/2");
}

TEST_P(Projection, AnErrorOfSqlThatTheHandlerIgnoresIsNoSuccess) {
  if (!GetParam().sql) GTEST_SKIP() << "it has no SQL";
  add("a", 1);
  const auto ignores = [](session& on, const projected<tally>&) {
    (void)on.execute("INSERT INTO nowhere VALUES (1)");
  };
  projection<tally> report{sys, opened, "report", ignores, {.retries = 0}};
  EXPECT_TRUE(becomes(report, projection_phase::failed));
  EXPECT_NE(report.status().why.find("nowhere"), std::string::npos) << report.status().why;
}

TEST_P(Projection, ASlowHandlerCommitsWhatItHasWhenTheTimeIsUp) {
  add_many(1, 40);
  const auto slow = [&](session& on, const projected<tally>& e) {
    std::this_thread::sleep_for(3ms);
    return count(on, e);
  };
  projection<tally> report{sys, opened, "report", slow, {.batch_time = 10ms}};
  // Long before all of the forty are handled.
  EXPECT_TRUE(wait_until([&] { return !reported().empty(); }));
  EXPECT_NE(reported(), "t0 820/40");
  catch_up(report);
  EXPECT_EQ(reported(), "t0 820/40");
}

TEST_P(Projection, ARebuildTakesTheFailuresThatComeAgain) {
  add("a", 13);
  std::atomic<bool> mended{false};
  const auto handle = [&](session& on, const projected<tally>& e) -> result<void> {
    if (!mended) return fail(errc::rejected, "not yet");
    return count(on, e);
  };
  projection<tally> report{
      sys,
      opened,
      "report",
      handle,
      {.retries = 0, .retry_pause = 1ms, .on_failure = projection_options::failing::skip}};
  catch_up(report);
  ASSERT_EQ(must(report.failures()).size(), 1u);
  mended = true;
  must(report.rebuild());
  catch_up(report);
  EXPECT_TRUE(must(report.failures()).empty());
  EXPECT_EQ(reported(), "a 13/1");
}

// They read a row, change it and write it back; each row belongs to several entities.
TEST_P(Projection, RowsOfSeveralEntitiesLoseNoUpdate) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "it has no transactions";
  add_many(20, 10);
  const auto add_up = [&](session& on, const projected<tally>& e) -> result<void> {
    if (GetParam().documents) {
      auto one = e;
      one.id = "all";
      return count(on, one);
    }
    auto found = on.query<std::int64_t>("SELECT total FROM report WHERE id = 'all'");
    if (!found) return fail(std::move(found.error()));
    const auto total = (found->empty() ? 0 : found->front()) + value_of(e.event);
    return on
        .execute(
            "INSERT INTO report (id, total, events) VALUES ('all', $1, 1) ON CONFLICT (id) DO "
            "UPDATE SET total = excluded.total, events = report.events + 1",
            total)
        .map([](const auto&) {});
  };
  projection<tally> report{sys, opened, "report", add_up, {.parallel = 4, .batch_max = 10}};
  catch_up(report);
  EXPECT_EQ(reported(), "all 1100/200");
}

TEST_P(Projection, AnEventWhosePausesAreLongerThanTheLeaseIsDecided) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "a journal in memory is of one process";
  add("a", 13);
  const auto handle = [&](const projected<tally>&) -> result<void> {
    return fail(errc::rejected, "never");
  };
  const projection_options o{.retries = 2,
                             .retry_pause = 1s,
                             .on_failure = projection_options::failing::skip,
                             .lease = 1s};
  const store other = open(faults);
  nexus::system other_sys{{.threads = 1}};
  projection<tally> here{sys, opened, "report", handle, o};
  projection<tally> there{other_sys, other, "report", handle, o};
  catch_up(here);
  EXPECT_EQ(must(here.failures()).size(), 1u);
}
