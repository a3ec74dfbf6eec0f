#include <nexus/testkit/contract/fixture.hpp>

#include "sqlite_under_test.hpp"

using nexus::testkit::JournalContract;

INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract,
                         ::testing::Values(nexus::test::sqlite_under_test()));
