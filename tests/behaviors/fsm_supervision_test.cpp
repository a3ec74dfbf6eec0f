// The user's supervision after a command that threw.
#include "fsm_harness.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

d::fsm_options with_verdict(measure v) {
  d::fsm_options made;
  made.on_failure = [v](const persistence_id&, const error&) { return v; };
  return made;
}

}  // namespace

TEST(FsmSupervision, ResumeAfterDecideThrewIsJustARefusal) {
  auto f = running_at(0, with_verdict({directive::resume}));
  EXPECT_EQ(f->command({.fails = true}), words{"release 1"});
  EXPECT_EQ(f->fate_of(1).answer, "decide_failed");
  EXPECT_EQ(f->command(reads), words{"release 2"});
}

TEST(FsmSupervision, ResumeDoesNotGoOnWithASpoiltState) {
  auto f = running_at(0, with_verdict({directive::resume}));
  EXPECT_EQ(f->command({.throws = true}), (words{"release 1", "load"}));
}

TEST(FsmSupervision, RestartRecoversAtOnceOrAfterAPause) {
  auto f = running_at(0, with_verdict({directive::restart}));
  EXPECT_EQ(f->command({.fails = true}), (words{"release 1", "load"}));
  auto g = running_at(0, with_verdict({directive::restart, false, 700us}));
  EXPECT_EQ(g->command({.fails = true}), (words{"release 1", "wait for 700 us"}));
  EXPECT_EQ(g->command(reads), words{});
  EXPECT_EQ(g->waited(), words{"load"});
  EXPECT_EQ(g->load_answer(0), words{"release 2"});
}

TEST(FsmSupervision, ARestartHappensWithoutACommand) {
  auto f = running_at(0, with_verdict({directive::restart, false, 700us}));
  f->command({.throws = true});
  EXPECT_EQ(f->waited(), words{"load"});
  EXPECT_EQ(f->load_answer(0), words{});
  EXPECT_FALSE(f->ended);
  EXPECT_EQ(f->waited(), words{}) << "a pause of long ago";
}

TEST(FsmSupervision, TheRestartWaitsForWhatIsInFlight) {
  auto f = running_at(0, with_verdict({directive::restart, false, 700us}));
  f->command(persists_one);
  EXPECT_EQ(f->command({.throws = true}), words{"append 1..1"});
  f->command(reads, {}, true);
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "wait for 700 us"}));
  f->waited();
  f->load_answer(1);
  EXPECT_EQ(f->chunk(1, 1), words{"release 3"});
}

TEST(FsmSupervision, ALostAppendMakesAPauseNeedless) {
  auto f = running_at(0, with_verdict({directive::restart, false, 700us}));
  f->command(persists_one);
  f->command({.throws = true});
  EXPECT_EQ(f->append_answers(rejected{{errc::too_large, "no"}}),
            (words{"refuse 1 too_large", "refuse 2 too_large", "load"}));
  f->load_answer(0);
  EXPECT_EQ(f->restart(), words{"load"}) << "and leaves none for later restarts";
}

TEST(FsmSupervision, ClosingDuringThePauseLeavesNoCallerWaiting) {
  auto f = running_at(0, with_verdict({directive::restart, false, 700us}));
  f->command({.throws = true});
  f->command(reads);
  EXPECT_EQ(f->close(), (words{"refuse 2 stopped", "stopped"}));
  EXPECT_EQ(f->waited(), words{});
  EXPECT_EQ(f->fsm().held(), 0U);
}

TEST(FsmSupervision, StopEndsItAsFailed) {
  auto f = running_at(0, with_verdict({directive::stop}));
  EXPECT_EQ(f->command({.throws = true}), (words{"release 1", "stopped"}));
  EXPECT_EQ(f->ended, ending::failed);
  f->command(reads);
  EXPECT_EQ(f->load_answer(0), words{"release 2"}) << "the next command starts over";
  EXPECT_EQ(f->fate_of(2).seen, 0);
}

TEST(FsmSupervision, StopWaitsForWhatIsInFlight) {
  auto f = running_at(0, with_verdict({directive::stop}));
  f->command(persists_one);
  EXPECT_EQ(f->command({.fails = true}), words{"append 1..1"});
  EXPECT_EQ(f->append_stored(), (words{"release 1", "release 2", "stopped"}));
  EXPECT_EQ(f->ended, ending::failed);
}

TEST(FsmSupervision, ASpoiltStateIsNeverSaved) {
  auto options = with_verdict({directive::stop});
  options.snapshot_every = 1;
  auto f = running_at(0, options);
  f->command(persists_one);
  f->drained();
  EXPECT_EQ(f->append_stored(), (words{"save 1", "release 1"}));
  f->command(persists_one);
  f->drained();
  f->command({.throws = true});
  EXPECT_EQ(f->saved(), words{});
  EXPECT_EQ(f->append_stored(), (words{"release 2", "release 3", "stopped"}));
}

TEST(FsmSupervision, AStopAfterwardsIsAnOrdinaryOne) {
  auto f = running_at(0, with_verdict({directive::stop}));
  f->command({.throws = true});
  f->command({.then = {.stops = true}});
  EXPECT_EQ(f->load_answer(0), (words{"release 2", "stopped"}));
  EXPECT_EQ(f->ended, ending::stopped);
}
