#include <nexus/postgres.hpp>
#include <nexus/testkit/journal_contract.hpp>

#include "cluster.hpp"

namespace {

std::string fresh_journal() { return nexus::test::cluster::shared().fresh_schema(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "postgres",
                             .backend = nexus::postgres_backend(),
                             .fresh = fresh_journal}));
