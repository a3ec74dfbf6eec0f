#include <nexus/testkit/journal_contract.hpp>

#include "sqlite_under_test.hpp"

INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract,
                         ::testing::Values(nexus::test::sqlite_under_test()));
