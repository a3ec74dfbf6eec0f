// Entities with on_recovered, whose unfinished work goes on without a command; and the answers to
// their own questions, which are not lost.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

const plan own_answer{.persists = 1, .own = true};

std::unique_ptr<fsm_driver> process_at(sequence_nr events, d::fsm_options options = {}) {
  auto made = std::make_unique<fsm_driver>(options);
  made->model().process = true;
  made->command({});
  made->load_answer(events);
  if (events != 0) made->chunk(1, events);
  made->signals.clear();
  return made;
}

d::fsm_options with_verdict(measure v) {
  d::fsm_options made;
  made.on_failure = [v](const persistence_id&, const error&) { return v; };
  return made;
}

std::vector<std::string> told(const fsm_driver& f, entity_signal::kind what) {
  std::vector<std::string> all;
  for (const auto& s : f.signals) {
    if (s.what == what) all.push_back(s.why.message);
  }
  return all;
}

}  // namespace

// -- coming back ------------------------------------------------------------------------------

TEST(FsmProcess, ALostAppendWithoutACallerIsFollowedByARecovery) {
  auto f = process_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "disk"}}),
            (words{"refuse 2 unavailable", "wait 0"}));
  EXPECT_EQ(f->waited(), words{"load"}) << "without a command";
  EXPECT_EQ(f->load_failed(errc::unavailable), words{"wait 1"});
  EXPECT_EQ(f->waited(), words{"load"});
  EXPECT_EQ(f->load_failed(errc::timeout), words{"wait 2"});
  EXPECT_EQ(f->waited(), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{"release 0"}) << "on_recovered";
  EXPECT_FALSE(f->ended);
}

TEST(FsmProcess, EventsOfOnRecoveredAreRetriedUntilTheyAreStored) {
  fsm_driver f;
  f.model().persists_once_recovered = true;
  f.command(reads);
  f.load_answer(0);
  f.drained();
  f.append_stored();
  f.restart();
  f.load_answer(1);
  f.chunk(1, 1);
  f.drained();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(f.append_answers(failed{{errc::unavailable, "full"}}),
              (words{"refuse 0 unavailable", "wait " + std::to_string(i)}));
    EXPECT_EQ(f.waited(), words{"load"});
    f.load_answer(1);
    f.chunk(1, 1);
    EXPECT_EQ(f.drained(), words{"append 2..2"});
  }
  EXPECT_EQ(f.append_stored(), words{"release 0"});
}

TEST(FsmProcess, AConflictIsNoEndEither) {
  auto f = process_at(0);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{0}), (words{"refuse 2 conflict", "load"}));
  EXPECT_EQ(f->load_failed(errc::unavailable), words{"wait 0"});
  EXPECT_EQ(f->waited(), words{"load"});
}

TEST(FsmProcess, BytesThatCannotBeReadStopItUntilACommandComes) {
  auto f = process_at(0);
  f->restart();
  EXPECT_EQ(f->load_failed(errc::corrupt), words{"stopped"});
  EXPECT_EQ(f->ended, ending::failed);
}

TEST(FsmProcess, ClosingEndsItsBackOffAtOnce) {
  auto f = process_at(0);
  f->restart();
  f->load_failed(errc::unavailable);
  EXPECT_EQ(f->close(), words{"stopped"});
  EXPECT_EQ(f->waited(), words{});
}

TEST(FsmProcess, ToldToGoForGoodItDoesNotComeBack) {
  auto f = process_at(0);
  f->restart();
  f->load_failed(errc::unavailable);
  EXPECT_EQ(f->passivate_now(), words{}) << "it is not idle";
  EXPECT_EQ(f->passivate(), words{"stopped"});
  EXPECT_EQ(f->ended, ending::passivated);
  EXPECT_EQ(f->waited(), words{});
}

TEST(FsmProcess, OthersStillEndWithoutACommand) {
  auto f = running_at(0);
  f->restart();
  f->load_failed(errc::unavailable);
  EXPECT_EQ(f->waited(), words{"stopped"});
}

TEST(FsmProcess, ConflictsWithoutEndHaveAPauseNowAndThen) {
  auto f = process_at(0);
  int pauses = 0;
  for (int i = 0; i < 24; ++i) {
    f->command(persists_one);
    f->drained();
    const auto done = f->append_answers(conflict{0});
    if (done.back() == "load") {
      f->load_answer(0);
      continue;
    }
    EXPECT_EQ(done.back(), "wait " + std::to_string(pauses)) << "and they grow";
    ++pauses;
    f->waited();
    f->load_answer(0);
  }
  EXPECT_EQ(pauses, 3);
}

// -- on_recovered that fails ------------------------------------------------------------------

TEST(FsmOnRecovered, ThatThrowsRejectsOrStashesIsAFailedRecovery) {
  for (plan p : {plan{.fails = true}, plan{.throws = true}, plan{.rejects = true}}) {
    fsm_driver f;
    f.model().once_recovered = &p;
    f.command(reads);
    EXPECT_EQ(f.load_answer(0),
              (words{std::string{"refuse 1 "} + (p.throws ? "apply_failed" : "decide_failed"),
                     "wait 0"}));
    EXPECT_EQ(told(f, entity_signal::kind::recovered).size(), 0U);
    const auto failures = told(f, entity_signal::kind::recovery_failed);
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].find("sum|one: could not be recovered, as its on_recovered failed: "), 0U)
        << failures[0];
    EXPECT_EQ(f.last_error, failures[0]);
    EXPECT_EQ(f.waited(), words{"load"});
    EXPECT_EQ(f.load_answer(0), words{"wait 1"});
    EXPECT_TRUE(f.signals.back().unseen) << "no caller was told";
    plan fine{};
    f.model().once_recovered = &fine;
    f.command(reads);
    f.waited();
    EXPECT_EQ(f.load_answer(0), (words{"release 0", "release 2"}));
  }
}

TEST(FsmOnRecovered, UnderStopEndsTheEntityAndAnswersTheWaiting) {
  plan throws{.fails = true};
  fsm_driver f{with_verdict({directive::stop})};
  f.model().once_recovered = &throws;
  f.command(reads);
  f.command(reads);
  EXPECT_EQ(f.load_answer(0),
            (words{"refuse 1 decide_failed", "refuse 2 decide_failed", "stopped"}));
  EXPECT_EQ(f.ended, ending::failed);
  EXPECT_EQ(f.fsm().held(), 0U);
}

TEST(FsmOnRecovered, UnderRestartWaitsAsLongAsSupervisionSays) {
  plan throws{.fails = true};
  fsm_driver f{with_verdict({directive::restart, false, 700us})};
  f.model().once_recovered = &throws;
  f.command(reads);
  EXPECT_EQ(f.load_answer(0), (words{"refuse 1 decide_failed", "wait for 700 us"}));
  EXPECT_EQ(f.waited(), words{"load"});
}

TEST(FsmOnRecovered, ThatStopsEndsTheEntityOnceTheWaitingAreAnswered) {
  plan stops{.persists = 1, .then = {.stops = true}};
  fsm_driver f;
  f.model().once_recovered = &stops;
  f.command(reads);
  f.command(persists_one);
  EXPECT_EQ(f.load_answer(0), words{});
  EXPECT_EQ(f.drained(), words{"append 1..2"});
  EXPECT_EQ(f.append_stored(), (words{"release 0", "release 1", "release 2"}));
  EXPECT_EQ(f.drained(), words{"stopped"});
  EXPECT_EQ(f.ended, ending::stopped);
}

TEST(FsmOnRecovered, ThatStopsAndIsLostComesAgain) {
  plan stops{.persists = 1, .then = {.stops = true}};
  fsm_driver f;
  f.model().once_recovered = &stops;
  f.command(reads);
  f.load_answer(0);
  f.drained();
  EXPECT_EQ(f.append_answers(failed{{errc::unavailable, "full"}}),
            (words{"refuse 0 unavailable", "refuse 1 unavailable", "wait 0"}));
  EXPECT_EQ(f.waited(), words{"load"});
  f.load_answer(0);
  f.drained();
  f.append_stored();
  EXPECT_EQ(f.drained(), words{"stopped"});
}

// -- answers to own questions -----------------------------------------------------------------

TEST(FsmOwnAnswer, OutlivesARecoveryThatFails) {
  fsm_driver f;
  f.command(own_answer);
  f.command(reads);
  EXPECT_EQ(f.load_failed(errc::unavailable), (words{"refuse 2 unavailable", "wait 0"}));
  EXPECT_EQ(f.waited(), words{"load"});
  f.load_answer(0);
  EXPECT_EQ(f.drained(), words{"append 1..1"});
  EXPECT_EQ(f.append_stored(), words{"release 1"});
}

TEST(FsmOwnAnswer, IsDecidedAgainWhenItsAppendIsLost) {
  auto f = running_at(0);
  f->command(own_answer);
  f->drained();
  EXPECT_EQ(f->append_answers(failed{{errc::unavailable, "full"}}), words{"wait 0"});
  f->waited();
  f->load_answer(0);
  f->drained();
  EXPECT_EQ(f->append_answers(conflict{0}), words{"load"});
  f->load_answer(0);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  EXPECT_EQ(f->settles(settlement::not_stored), words{"wait 1"}) << "not without a pause";
  f->waited();
  f->load_answer(0);
  f->drained();
  EXPECT_EQ(f->append_stored(), words{"release 1"});
}

TEST(FsmOwnAnswer, ThatIsRejectedItselfIsRefusedInTheEnd) {
  auto f = running_at(0);
  f->command(own_answer);
  f->drained();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "no"}}),
              words{"wait " + std::to_string(i)});
    f->waited();
    f->load_answer(0);
    f->drained();
  }
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "no"}}),
            (words{"refuse 1 too_large", "wait 3"}));
}

TEST(FsmOwnAnswer, IsNotDroppedForNewerCommands) {
  fsm_driver f;
  f.command(own_answer);
  f.command(reads);
  EXPECT_EQ(f.displace(), words{"refuse 2 overloaded"});
  EXPECT_EQ(f.displace(), words{}) << "what is left is no newer command's to displace";
  EXPECT_EQ(f.fsm().held(), 1U);
}

TEST(FsmOwnAnswer, FindsRoomInAFullStash) {
  d::fsm_options options;
  options.stash_max = 1;
  auto f = running_at(0, options);
  f->command({.then = {.stashes = true}});
  EXPECT_EQ(f->command({.then = {.stashes = true}}), words{"release 2"}) << "overloaded";
  EXPECT_EQ(f->command({.then = {.stashes = true}, .own = true}), words{});
  EXPECT_EQ(f->fsm().held(), 2U);
}

// -- other things that grew, or were silent ---------------------------------------------------

TEST(FsmStashGrowth, ExpiredCommandsMakeRoom) {
  d::fsm_options options;
  options.stash_max = 2;
  auto f = running_at(0, options);
  const auto start = f->now.steady;
  f->command({.then = {.stashes = true}}, {.deadline = start + 1s});
  f->command({.then = {.stashes = true}}, {.deadline = start + 3s});
  EXPECT_EQ(f->command({.then = {.stashes = true}}), words{"release 3"}) << "overloaded";
  f->now.steady = start + 2s;
  EXPECT_EQ(f->command({.then = {.stashes = true}}), words{"refuse 1 timeout"});
  f->now.steady = start + 4s;
  EXPECT_EQ(f->command({.persists = 1, .then = {.unstashes = true}}),
            (words{"refuse 2 timeout", "append 1..1"}));
}

TEST(FsmOutcomeReason, IsKnownToACallerThatStopsWaiting) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "the disk is full"}});
  f->settles(fail(errc::unavailable, "still full"));
  f->command(reads);
  EXPECT_EQ(f->trouble_of(1), "the disk is full");
  EXPECT_EQ(f->trouble_of(2), "still full");
}

TEST(FsmOutcomeReason, IsToldThoughTheOutcomeWasUnknownFirst) {
  auto f = running_at(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "the disk is full"}});
  f->settles(settlement::not_stored);
  EXPECT_EQ(f->last_error, "sum|one: the storage did not store the events: the disk is full");
  f->load_answer(0);
  f->command(persists_one);
  f->drained();
  f->append_answers(unknown{{errc::unavailable, "cut"}});
  f->settles(fail(errc::unavailable, "the disk is still full"));
  f->close();
  EXPECT_EQ(
      f->last_error,
      "sum|one: stopped before the storage said whether it stored the events; its last error: "
      "the disk is still full");
}
