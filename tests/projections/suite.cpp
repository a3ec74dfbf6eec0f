// What every projection does: each event counts once, whatever stops, waits or begins again.
#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;

namespace nexus::test {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Projection);
}

TEST_P(Projection, CountsWhatWasStoredBeforeAndWhatComesAfter) {
  add("a", 1);
  add("a", 2);
  projection<tally> report{sys, opened, "report", counting()};
  catch_up(report);
  EXPECT_EQ(reported(), "a 3/2");
  add("b", 5);
  catch_up(report);
  EXPECT_EQ(reported(), "a 3/2, b 5/1");
  const auto status = report.status();
  EXPECT_EQ(status.phase, projection_phase::running);
  EXPECT_EQ(status.handled, 3u);
  EXPECT_EQ(status.behind, 0u);
  EXPECT_EQ(status.lag, 0s);
  EXPECT_EQ(status.cells, all_cells());
  EXPECT_EQ(status.exactly_once, GetParam().exactly_once());
}

TEST_P(Projection, GoesOnWhereItStoppedAfterARestart) {
  add_many(20, 5);
  {
    projection<tally> report{sys, opened, "report", counting()};
    catch_up(report);
  }
  add_many(20, 5);
  projection<tally> again{sys, opened, "report", counting()};
  catch_up(again);
  EXPECT_EQ(reported(), stored());
  EXPECT_EQ(again.status().handled, 100u) << "and only what is new";
}

TEST_P(Projection, TakesEventsOneByOneOrInBatchesWithAndWithoutASession) {
  add_many(3, 4);
  std::atomic<int> single{0}, batch{0}, batch_on{0};
  projection<tally> one{sys, opened, "one", [&](const projected<tally>&) { ++single; }};
  projection<tally> some{sys, opened, "some", [&](std::span<const projected<tally>> events) {
                           batch += static_cast<int>(events.size());
                         }};
  projection<tally> more{sys, opened, "more",
                         [&](session&, std::span<const projected<tally>> all) -> result<void> {
                           batch_on += static_cast<int>(all.size());
                           return {};
                         }};
  catch_up(one);
  catch_up(some);
  catch_up(more);
  EXPECT_EQ(single, 12);
  EXPECT_EQ(batch, 12);
  EXPECT_EQ(batch_on, 12);
}

TEST_P(Projection, OffsetsPassOverEventsThatItDoesNotWant) {
  add("a", 1);
  const auto nothing = [](const projected<tally>&) { ADD_FAILURE() << "none has this tag"; };
  projection<tally> tagged{sys, opened, "tagged", nothing, {.tag = "gold"}};
  catch_up(tagged);
  add("a", 2);
  catch_up(tagged);
  tagged.stop();
  auto session = must(opened.open_session());
  for (const auto& one : must(session->projections()->cells({"tagged", 1}))) {
    const auto strand = one.cell / cells_per_strand;
    EXPECT_EQ(one.at, must(session->last(strand))) << one.cell;
  }
}

TEST_P(Projection, OfSomeSlicesLeavesTheOthersOut) {
  add_many(40, 1);
  std::mutex guard;
  std::map<std::string, int> seen;
  const auto note = [&](const projected<tally>& e) {
    std::lock_guard g{guard};
    ++seen[e.id];
  };
  projection<tally> half{sys, opened, "half", note, {.slices = slice_range{0, 511}}};
  catch_up(half);
  half.stop();
  for (int i = 0; i < 40; ++i) {
    const auto id = "t" + std::to_string(i);
    const bool wanted = must(persistence_id::make("tally", id)).slice() < 512;
    EXPECT_EQ(seen[id], wanted ? 1 : 0) << id;
  }
}

TEST_P(Projection, EventsOfAnEntityComeInOrderWithParallelWorkers) {
  add_many(50, 20);
  std::mutex guard;
  std::map<std::string, sequence_nr> last;
  int misplaced = 0;
  const auto check = [&](const projected<tally>& e) {
    std::lock_guard g{guard};
    if (e.number != ++last[e.id]) ++misplaced;
  };
  projection<tally> ordered{sys, opened, "ordered", check, {.parallel = 4, .batch_max = 7}};
  catch_up(ordered);
  EXPECT_EQ(misplaced, 0);
  EXPECT_EQ(last.size(), 50u);
  EXPECT_EQ(ordered.status().handled, 1000u);
}

TEST_P(Projection, AVersionBeginsAtTheStartBesideTheOlderOne) {
  add("a", 1);
  projection<tally> first{sys, opened, "report", counting()};
  catch_up(first);
  std::atomic<int> seen{0};
  projection<tally> second{
      sys, opened, "report", [&](const projected<tally>&) { ++seen; }, {.version = 2}};
  catch_up(second);
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(reported(), "a 1/1");
  add("a", 2);
  catch_up(first);
  catch_up(second);
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(reported(), "a 3/2");
}

TEST_P(Projection, BeginsAtAPositionIfItIsToldTo) {
  add("a", 1);
  auto session = must(opened.open_session());
  std::vector<position> now;
  for (std::uint32_t i = 0; i < session->strands(); ++i) now.push_back(must(session->last(i)));
  add("a", 10);
  projection<tally> report{sys, opened, "report", counting(), {.from = now}};
  catch_up(report);
  EXPECT_EQ(reported(), "a 10/1");
}

TEST_P(Projection, APauseHoldsAlsoAfterARestartUntilItIsResumed) {
  add("a", 1);
  {
    projection<tally> report{sys, opened, "report", counting()};
    catch_up(report);
    must(report.pause());
    EXPECT_TRUE(becomes(report, projection_phase::paused));
    add("a", 2);
    EXPECT_EQ(report.caught_up(patience).error().code, errc::stopped);
  }
  projection<tally> again{sys, opened, "report", counting()};
  EXPECT_TRUE(becomes(again, projection_phase::paused));
  EXPECT_EQ(reported(), "a 1/1");
  must(again.resume());
  catch_up(again);
  EXPECT_EQ(reported(), "a 3/2");
}

TEST_P(Projection, ARebuildHandlesEverythingAgainAndEmptiesTheRowsFirst) {
  add_many(5, 3);
  const auto empty = [this](session& on) { return empty_report(on); };
  projection<tally> report{sys, opened, "report", counting(), {.on_rebuild = empty}};
  catch_up(report);
  ASSERT_EQ(reported(), stored());
  {
    auto lent = must(opened.sessions().borrow());
    must(empty_report(*lent));
  }
  ASSERT_EQ(reported(), "");
  must(report.rebuild());
  catch_up(report);
  EXPECT_EQ(reported(), stored());
}

TEST_P(Projection, ARebuildWhoseOnRebuildFailsChangesNothing) {
  if (!GetParam().exactly_once())
    GTEST_SKIP() << "without transactions the offsets are set already";
  add("a", 1);
  const auto fails = [](session&) -> result<void> { throw std::runtime_error{"locked"}; };
  projection<tally> report{sys, opened, "report", counting(), {.on_rebuild = fails}};
  catch_up(report);
  const auto done = report.rebuild();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "on_rebuild threw: locked");
  add("a", 2);
  catch_up(report);
  EXPECT_EQ(reported(), "a 3/2");
}

TEST_P(Projection, CaughtUpEndsAtItsTime) {
  std::atomic<bool> go{false};
  const auto wait = [&](const projected<tally>&) {
    while (!go) std::this_thread::sleep_for(1ms);
  };
  add("a", 1);
  projection<tally> slow{sys, opened, "slow", wait};
  const auto done = slow.caught_up(1ms);
  EXPECT_EQ(done.error().code, errc::timeout);
  go = true;
  catch_up(slow);
}

// An open transaction elsewhere may hold stored events back from every reader.
TEST_P(Projection, CaughtUpWaitsForEventsThatAreHeldBack) {
  projection<tally> report{sys, opened, "report", counting(), {.poll_every = 5ms}};
  catch_up(report);
  faults->hold_back("pid 4711: its transaction is open");
  add("a", 1);
  const auto waited = report.caught_up(100ms);
  EXPECT_EQ(waited.error().code, errc::timeout);
  EXPECT_TRUE(waited.error().message.ends_with("held back by pid 4711: its transaction is open"))
      << waited.error().message;
  faults->hold_back(std::nullopt);
  catch_up(report);
  EXPECT_EQ(reported(), "a 1/1");
}

TEST_P(Projection, TheStatusSaysHowFarBehindItIs) {
  std::vector<event_view> events;
  std::string data;
  encode(tally::added{1}, data);
  for (int i = 0; i < 30; ++i) {
    events.push_back({.type = "added", .schema_version = 1, .codec = "msgpack", .data = data});
    events.back().time = wall_clock{}.now() - 1h;
  }
  auto session = must(opened.open_session());
  const append_request request{must(persistence_id::make("tally", "a")), 0, {}, events};
  ASSERT_TRUE(std::holds_alternative<nexus::stored>(session->append({&request, 1})[0]));
  std::atomic<bool> go{false};
  const auto wait = [&](const projected<tally>&) {
    while (!go) std::this_thread::sleep_for(1ms);
  };
  projection<tally> slow{sys, opened, "slow", wait, {.batch_max = 10}};
  EXPECT_TRUE(wait_until([&] {
    const auto now = slow.status();
    return now.behind == 30 && now.lag >= 1h;
  })) << slow.status().behind;
  go = true;
  catch_up(slow);
  EXPECT_EQ(slow.status().behind, 0u);
  EXPECT_EQ(slow.status().lag, 0s);
}

TEST_P(Projection, WhatItHasNotHandledIsNotErased) {
  add("a", 1);
  add("a", 2);
  std::atomic<bool> go{false};
  const auto wait = [&](const projected<tally>&) {
    while (!go) std::this_thread::sleep_for(1ms);
  };
  projection<tally> slow{sys, opened, "slow", wait};
  auto session = must(opened.open_session());
  EXPECT_TRUE(wait_until([&] { return must(session->readers()).size() == session->strands(); }));
  EXPECT_EQ(must(session->readers())[0].name, "projection slow version 1");
  const auto a = must(persistence_id::make("tally", "a"));
  EXPECT_EQ(session->erase_to(a, 2).error().code, errc::held_back);
  go = true;
  catch_up(slow);
  EXPECT_TRUE(wait_until([&] { return session->erase_to(a, 2).has_value(); }));
  slow.stop();
  must(forget_projection(opened, opened, {"slow", 1}));
  EXPECT_TRUE(must(session->readers()).empty());
  EXPECT_TRUE(must(session->projections()->cells({"slow", 1})).empty());
}

TEST_P(Projection, ErasedHistoryStopsItUnlessItTakesWhatIsKept) {
  add("a", 1);
  add("a", 2);
  auto session = must(opened.open_session());
  must(session->erase_to(must(persistence_id::make("tally", "a")), 1));
  projection<tally> strict{sys, opened, "strict", counting()};
  EXPECT_TRUE(becomes(strict, projection_phase::failed));
  EXPECT_NE(strict.status().why.find("erased"), std::string::npos) << strict.status().why;
  EXPECT_EQ(strict.caught_up(patience).error().code, errc::projection_failed);
  projection<tally> kept_ones{sys, opened, "kept", counting(), {.from_kept = true}};
  catch_up(kept_ones);
  EXPECT_EQ(reported(), "a 2/1");
}

TEST_P(Projection, WaitingForAnEntityInTheHandlerIsRefused) {
  add("a", 1);
  std::mutex guard;
  std::string got;
  const auto asks = [&](const projected<tally>&) {
    auto answer = tallies.of("b").ask(tally::add{1}).get(patience);
    std::lock_guard g{guard};
    got = answer ? "answered" : std::string{to_string(answer.error().code)};
  };
  projection<tally> asking{sys, opened, "asking", asks};
  EXPECT_TRUE(wait_until([&] {
    std::lock_guard g{guard};
    return !got.empty();
  }));
  asking.stop();
  EXPECT_EQ(got, "would_block");
}

TEST_P(Projection, WrongOptionsAndASecondOneAreNamedErrors) {
  const auto why = [&](std::string_view name, projection_options o) {
    projection<tally> made{sys, opened, name, counting(), std::move(o)};
    return made.status().why + (made.caught_up(patience) ? "" : "!");
  };
  EXPECT_EQ(why("", {}),
            "projection \"\" version 1 of tally: the name of a reader, \"\", is empty!");
  EXPECT_NE(why(std::string(201, 'x'), {}).find("201 bytes, at most 200"), std::string::npos);
  EXPECT_NE(why("r", {.version = 0}).find("version must be at least 1"), std::string::npos);
  EXPECT_NE(why("r", {.parallel = 65}).find("parallel is 65, not 1 to 64"), std::string::npos);
  EXPECT_NE(why("r", {.batch_max = 0}).find("batch_max is 0"), std::string::npos);
  EXPECT_NE(why("r", {.lease = 999ms}).find("lease must be at least 1 s"), std::string::npos);
  projection<tally> first{sys, opened, "r", counting()};
  EXPECT_NE(why("r", {}).find("projection r version 1 in"), std::string::npos);
  catch_up(first);
}

TEST_P(Projection, ItsLargestDurationsAreNoOverflow) {
  add("a", 1);
  const auto longest = std::chrono::nanoseconds::max();
  projection<tally> report{
      sys,
      opened,
      "report",
      counting(),
      {.batch_time = longest, .retry_pause = longest, .lease = longest, .poll_every = longest}};
  must(report.caught_up(longest));
  EXPECT_EQ(reported(), "a 1/1");
}

TEST_P(Projection, EndsWithItsSystem) {
  add("a", 1);
  projection<tally> report{sys, opened, "report", counting()};
  catch_up(report);
  const auto done = sys.shutdown(patience);
  EXPECT_TRUE(done.complete()) << (done.missed.empty() ? "" : done.missed.front());
  EXPECT_EQ(report.status().phase, projection_phase::stopped);
  EXPECT_EQ(report.caught_up(1s).error().code, errc::stopped);
}

TEST_P(Projection, TheSameNameForOtherEventsIsRefused) {
  add("a", 1);
  {
    projection<tally> report{sys, opened, "report", counting()};
    catch_up(report);
  }
  projection<tally> other{sys, opened, "report", counting(), {.tag = "gold"}};
  EXPECT_TRUE(becomes(other, projection_phase::failed));
  EXPECT_NE(other.status().why.find("reads tally in"), std::string::npos) << other.status().why;
  EXPECT_EQ(other.caught_up(patience).error().code, errc::projection_failed);
}

TEST_P(Projection, AForgottenVersionThatStillRunsFails) {
  add("a", 1);
  projection<tally> report{sys, opened, "report", counting(), {.lease = 1s}};
  catch_up(report);
  must(forget_projection(opened, opened, {"report", 1}));
  EXPECT_TRUE(becomes(report, projection_phase::failed));
  EXPECT_NE(report.status().why.find("forgotten"), std::string::npos) << report.status().why;
}

TEST_P(Projection, ASourceThatWasMadeAnewIsAnError) {
  add("a", 1);
  auto session = must(opened.open_session());
  std::vector<projection_cell> foreign;
  for (std::uint32_t cell = 0; cell < 64 * session->strands(); ++cell) {
    foreign.push_back({cell, {.epoch = 12345, .strand = cell / 64, .minor = 7}});
  }
  must(session->projections()->add({"report", 1}, foreign));
  projection<tally> report{sys, opened, "report", counting()};
  const auto done = report.caught_up(patience);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("its offset is not of"), std::string::npos)
      << done.error().message;
}

TEST_P(Projection, AStoppedOneIsNotResumed) {
  projection<tally> report{sys, opened, "report", counting()};
  report.stop();
  EXPECT_EQ(report.resume().error().code, errc::stopped);
  EXPECT_EQ(report.rebuild().error().code, errc::stopped);
}
