// A journal that wraps another one passes; and settling a lost answer of it.
#include <nexus/memory.hpp>
#include <nexus/testkit/contract/fixture.hpp>
#include <nexus/testkit/faulty.hpp>

namespace {

using namespace nexus::testkit;

nexus::testkit::journal_under_test faulty_memory() {
  auto told = std::make_shared<faults>();
  auto lose = [told, arrives = false](nexus::journal_session&) mutable {
    arrives = !arrives;
    told->inject(arrives ? fault::lose_answer : fault::lose_request, operation::append);
  };
  return {.name = "faulty memory",
          .backend = faulty(nexus::memory_backend(), told),
          .fresh = [] { return "memory:"; },
          .reopens = false,
          .lose_next_answer = lose};
}

}  // namespace

using nexus::testkit::JournalContract;

INSTANTIATE_TEST_SUITE_P(Faulty, JournalContract, ::testing::Values(faulty_memory()));
