// What settles a lost answer when it is truly lost; and a journal that wraps another passes too.
#include <nexus/testkit/journal_contract.hpp>

#include "lossy_backend.hpp"

namespace {

void lose_answers_and_requests_in_turn(nexus::journal_session& session) {
  using nexus::test::lossy_session;
  static bool arrives = false;
  arrives = !arrives;
  dynamic_cast<lossy_session&>(session).lose_next(arrives ? lossy_session::loss::of_the_answer
                                                          : lossy_session::loss::of_the_request);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Lossy, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "lossy memory",
                             .backend = nexus::test::lossy(nexus::memory_backend()),
                             .fresh = [] { return "memory:"; },
                             .reopens = false,
                             .lose_next_answer = lose_answers_and_requests_in_turn}));
