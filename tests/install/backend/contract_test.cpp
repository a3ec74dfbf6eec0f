// A third party's backend: the memory journal under a scheme of its own, behind its own function. It is
// also tested inside of a faulty store, which loses answers.
#include <nexus/testkit/faulty.hpp>
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

nexus::testkit::journal_under_test losing_answers() {
  auto faults = std::make_shared<nexus::testkit::faults>();
  return {.name = "stranger that loses answers",
          .backend = nexus::testkit::faulty(stranger_backend(), faults),
          .fresh = [] { return "stranger:"; },
          .reopens = false,
          .lose_next_answer =
              [faults](nexus::journal_session&) {
                faults->inject(nexus::testkit::fault::lose_answer,
                               nexus::testkit::operation::append);
              }};
}

INSTANTIATE_TEST_SUITE_P(Losing, JournalContract, ::testing::Values(losing_answers()));
