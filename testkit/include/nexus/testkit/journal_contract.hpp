// The contract of nexus/journal.hpp as tests. Every backend must pass them, in this repository or
// elsewhere. A backend's whole test file:
//
//   #include <nexus/testkit/journal_contract.hpp>
//
//   INSTANTIATE_TEST_SUITE_P(Memory, JournalContract,
//                            ::testing::Values(nexus::testkit::journal_under_test{
//                                .name = "memory",
//                                .backend = nexus::memory_backend(),
//                                .fresh = [] { return "memory:"; },
//                                .reopens = false}));
//
// contract/fixture.hpp describes the optional parts. Without them tests are skipped, so look at the
// skipped tests. Some tests start this program again, as a second process. Link nexus::testkit and
// GTest::gtest_main. The tests are defined here, so include this in one source file of a program; a
// program that tests several backends instantiates all of them in that file.
#pragma once

// IWYU pragma: begin_exports
#include "nexus/testkit/contract/alarm_lists.hpp"
#include "nexus/testkit/contract/alarm_races.hpp"
#include "nexus/testkit/contract/alarms.hpp"
#include "nexus/testkit/contract/append.hpp"
#include "nexus/testkit/contract/batch.hpp"
#include "nexus/testkit/contract/changes.hpp"
#include "nexus/testkit/contract/commits.hpp"
#include "nexus/testkit/contract/damage.hpp"
#include "nexus/testkit/contract/documents.hpp"
#include "nexus/testkit/contract/documents_found.hpp"
#include "nexus/testkit/contract/erase.hpp"
#include "nexus/testkit/contract/fixture.hpp"
#include "nexus/testkit/contract/followers.hpp"
#include "nexus/testkit/contract/global_order.hpp"
#include "nexus/testkit/contract/hostile_ids.hpp"
#include "nexus/testkit/contract/ids.hpp"
#include "nexus/testkit/contract/interrupt.hpp"
#include "nexus/testkit/contract/limits.hpp"
#include "nexus/testkit/contract/offsets.hpp"
#include "nexus/testkit/contract/opening.hpp"
#include "nexus/testkit/contract/positions.hpp"
#include "nexus/testkit/contract/processes.hpp"
#include "nexus/testkit/contract/prune.hpp"
#include "nexus/testkit/contract/query.hpp"
#include "nexus/testkit/contract/races.hpp"
#include "nexus/testkit/contract/readers.hpp"
#include "nexus/testkit/contract/reads.hpp"
#include "nexus/testkit/contract/records.hpp"
#include "nexus/testkit/contract/replay.hpp"
#include "nexus/testkit/contract/sessions.hpp"
#include "nexus/testkit/contract/settle.hpp"
#include "nexus/testkit/contract/sinks.hpp"
#include "nexus/testkit/contract/snapshots.hpp"
#include "nexus/testkit/contract/state_races.hpp"
#include "nexus/testkit/contract/states.hpp"
#include "nexus/testkit/contract/strands.hpp"
#include "nexus/testkit/contract/tags.hpp"
#include "nexus/testkit/contract/two_journals.hpp"
// IWYU pragma: end_exports

using nexus::testkit::JournalContract;
