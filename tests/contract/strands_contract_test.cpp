#include <nexus/testkit/contract/fixture.hpp>

#include "strands_journal.hpp"

using nexus::testkit::JournalContract;

INSTANTIATE_TEST_SUITE_P(Strands, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "three_strands",
                             .backend = nexus::test::strands_backend(3),
                             .fresh = [] { return "strands:"; },
                             .reopens = false}));
