// A third party's backend: the memory journal under a scheme of its own, behind its own function.
#include <nexus/testkit/journal_contract.hpp>

nexus::backend stranger_backend() {
  nexus::backend backend = nexus::memory_backend();
  backend.scheme = "stranger";
  return backend;
}

INSTANTIATE_TEST_SUITE_P(Stranger, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "stranger",
                             .backend = stranger_backend(),
                             .fresh = [] { return "stranger:"; },
                             .reopens = false}));
