// The suite's own tests: each mistake of broken_backends.hpp is found by its test, and without the
// mistake the same test passes.
//
//   test_contract_broken remembers_heads       exit code 0: every test that should fail did
#include <cstdio>
#include <nexus/testkit/contract/fixture.hpp>
#include <span>

#include "broken_alarms.hpp"
#include "broken_backends.hpp"
#include "nexus/memory.hpp"
#include "sqlite_under_test.hpp"

namespace {

using namespace nexus::test;
using nexus::testkit::journal_under_test;
using nexus::testkit::JournalContract;

struct mistake {
  const char* name;
  journal_under_test (*make)();
  std::vector<std::string> found_by;  // or passed by, for backends without mistake
  bool is_one = true;
};

/// Wrapped in one of the classes of broken_backends.hpp.
template <class S, class Shared = nothing_shared>
journal_under_test of_sqlite() {
  auto made = sqlite_under_test();
  made.backend = wrapped<S, Shared>(made.backend);
  return made;
}
template <class S, class Shared = nothing_shared>
journal_under_test of_memory() {
  return {.name = "memory",
          .backend = wrapped<S, Shared>(nexus::memory_backend()),
          .fresh = [] { return "memory:"; },
          .reopens = false};
}

template <class S>
journal_under_test late() {
  auto made = of_memory<S>();
  made.lose_next_answer = [](nexus::journal_session&) { the_network().loses = true; };
  made.let_arrive = [] { the_network().let_arrive(); };
  return made;
}

journal_under_test overwriting() {
  auto made = sqlite_under_test();
  made.backend = overwrites_what_it_does_not_know(
      made.backend, [](const nexus::uri& where) { std::filesystem::remove(where.path); });
  return made;
}

const std::vector<mistake>& mistakes() {
  static const std::vector<mistake> all{
      {"none",
       sqlite_under_test,
       {"AHeadIsNotRememberedByTheJournalObject", "AHeadIsNotRememberedAcrossProcesses",
        "NoNumberIsAcknowledgedTwiceByTwoProcesses",
        "AReaderThatFollowsManyWritersSeesEveryEventOnce",
        "AnExceptionOfASinkReachesTheCallerAndTheSessionStaysUsable",
        "NothingIsStoredAfterAnInterrupt", "AnAppendWhoseCommitFailsIsNeverTakenForStored",
        "AcknowledgedEventsSurviveAKillOfTheProcess", "AReaderNeverSeesHalfARequestOrAGap",
        "ADamagedEventIsCorruptByIdAndNumberAndStopsNothingElse", "AnInvalidTypeListsNothing",
        "ARefusedAppendLeavesTheAlarm", "ADueOnlyRequestIsFencedByTheHighestNumber",
        "OfAnAppendAndADueOnlyRequestThatRaceTheAlarmIsTheAppends",
        "ErasingEverythingRemovesTheAlarm", "PagesOfAlarmsOfOneTimeRepeatNoneAndLeaveNoneOut",
        "SettleOfADueOnlyRequestIsTheTruth", "AForeignDatabaseIsRefusedAndLeftUnchanged",
        "AJournalOfANewerVersionIsRefusedAndLeftUnchanged"},
       false},
      {"ends_late_commits",
       late<ends_late_commits>,
       {"ARequestSettledAsNotStoredNeverArrives"},
       false},
      {"remembers_heads",
       of_sqlite<remembers_heads, heads>,
       {"AHeadIsNotRememberedByTheJournalObject", "AHeadIsNotRememberedAcrossProcesses",
        "NoNumberIsAcknowledgedTwiceByTwoProcesses"}},
      {"positions_too_early",
       of_memory<positions_too_early, given_positions>,
       {"AReaderThatFollowsManyWritersSeesEveryEventOnce"}},
      {"swallows_exceptions",
       of_memory<swallows_exceptions>,
       {"AnExceptionOfASinkReachesTheCallerAndTheSessionStaysUsable"}},
      {"stuck_after_exceptions",
       of_memory<stuck_after_exceptions>,
       {"AnExceptionOfASinkReachesTheCallerAndTheSessionStaysUsable"}},
      {"deaf_to_interrupts", of_memory<deaf_to_interrupts>, {"NothingIsStoredAfterAnInterrupt"}},
      {"settles_by_reading",
       of_sqlite<settles_by_reading>,
       {"AnAppendWhoseCommitFailsIsNeverTakenForStored"}},
      {"commits_late", late<commits_late>, {"ARequestSettledAsNotStoredNeverArrives"}},
      {"guesses_failed",
       of_sqlite<guesses_failed>,
       {"AnAppendWhoseCommitFailsIsNeverTakenForStored"}},
      {"ignores_commits",
       of_sqlite<ignores_commits>,
       {"AnAppendWhoseCommitFailsIsNeverTakenForStored"}},
      {"writes_behind", of_sqlite<writes_behind>, {"AcknowledgedEventsSurviveAKillOfTheProcess"}},
      {"tears_requests", of_sqlite<tears_requests>, {"AReaderNeverSeesHalfARequestOrAGap"}},
      {"passes_over_damage",
       of_sqlite<passes_over_damage>,
       {"ADamagedEventIsCorruptByIdAndNumberAndStopsNothingElse"}},
      {"lists_by_prefix", of_memory<lists_by_prefix>, {"AnInvalidTypeListsNothing"}},
      {"skips_erased_history",
       of_memory<skips_erased_history>,
       {"AReaderThatStartsBeforeErasedEventsIsTold"}},
      {"erases_past_readers",
       of_memory<erases_past_readers>,
       {"PruningLeavesEventsToReadersAndIsMadeUpFor", "WhatAForgottenReaderHeldBackIsPruned"}},
      {"pages_by_offset",
       of_memory<pages_by_offset>,
       {"ACursorStaysCorrectWhileEventsAreAppended"}},
      {"keeps_alarms_of_refused",
       of_memory<keeps_alarms_of_refused>,
       {"ARefusedAppendLeavesTheAlarm"}},
      {"ignores_expected_of_alarms",
       of_sqlite<ignores_expected_of_alarms>,
       {"ADueOnlyRequestIsFencedByTheHighestNumber"}},
      {"fences_alarms_too_early",
       of_memory<fences_alarms_too_early>,
       {"OfAnAppendAndADueOnlyRequestThatRaceTheAlarmIsTheAppends"}},
      {"leaves_alarms_of_erased",
       of_memory<leaves_alarms_of_erased>,
       {"ErasingEverythingRemovesTheAlarm"}},
      {"pages_alarms_by_time",
       of_memory<pages_alarms_by_time>,
       {"PagesOfAlarmsOfOneTimeRepeatNoneAndLeaveNoneOut"}},
      {"settles_alarms_by_number",
       of_memory<settles_alarms_by_number>,
       {"SettleOfADueOnlyRequestIsTheTruth"}},
      {"overwrites_what_it_does_not_know",
       overwriting,
       {"AForeignDatabaseIsRefusedAndLeftUnchanged",
        "AJournalOfANewerVersionIsRefusedAndLeftUnchanged"}}};
  return all;
}

std::vector<journal_under_test> all_made() {
  std::vector<journal_under_test> made;
  for (const auto& m : mistakes()) made.push_back(m.make());
  return made;
}

/// Runs the tests of the mistake at `index`; returns how many had the wrong result.
int run(std::size_t index) {
  const auto& chosen = mistakes()[index];
  std::string filter;
  for (const auto& test : chosen.found_by) {
    filter += "Broken/JournalContract." + test + "/" + std::to_string(index) + ":";
  }
  testing::GTEST_FLAG(filter) = filter;
  [[maybe_unused]] const int as_usual = RUN_ALL_TESTS();
  const auto& unit = *testing::UnitTest::GetInstance();
  int wrong = static_cast<int>(chosen.found_by.size()) - unit.test_to_run_count();
  for (int s = 0; s < unit.total_test_suite_count(); ++s) {
    const auto& suite = *unit.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const auto& test = *suite.GetTestInfo(t);
      if (!test.should_run()) continue;
      if (!test.result()->Skipped() && test.result()->Failed() == chosen.is_one) continue;
      std::printf("%s: %s %s\n", chosen.name, test.name(),
                  chosen.is_one ? "has found nothing" : "should have passed");
      ++wrong;
    }
  }
  return wrong;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Broken, JournalContract, ::testing::ValuesIn(all_made()));

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // The second process of a test.
  if (std::getenv(nexus::testkit::journal_of_parent) != nullptr) return RUN_ALL_TESTS();
  const std::string wanted = argc > 1 ? argv[1] : "";
  for (std::size_t i = 0; i < mistakes().size(); ++i) {
    if (mistakes()[i].name == wanted) return run(i) == 0 ? 0 : 1;
  }
  std::fprintf(stderr, "no mistake \"%s\"\n", wanted.c_str());
  return 2;
}
