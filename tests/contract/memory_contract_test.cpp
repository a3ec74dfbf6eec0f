#include <nexus/memory.hpp>
#include <nexus/testkit/contract/fixture.hpp>

using nexus::testkit::JournalContract;

INSTANTIATE_TEST_SUITE_P(Memory, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "memory",
                             .backend = nexus::memory_backend(),
                             .fresh = [] { return "memory:"; },
                             .reopens = false}));

TEST(MemoryBackend, RefusesAPath) {
  auto opened = nexus::memory_backend().open(nexus::uri::parse("memory:bank").value());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, nexus::errc::invalid_argument);
}

TEST(MemoryBackend, EveryJournalIsAnother) {
  auto memory = nexus::uri::parse("memory:").value();
  auto alice = nexus::persistence_id::parse("account|alice").value();
  auto first = nexus::memory_backend().open(memory).value();
  auto second = nexus::memory_backend().open(memory).value();
  nexus::event_view event{.type = "happened", .data = "a", .metadata = {}};
  nexus::append_request request{alice, 0, {}, {&event, 1}};
  (void)first->open_session().value()->append({&request, 1});
  EXPECT_EQ(first->open_session().value()->highest(alice), 1u) << "sessions share their journal";
  EXPECT_EQ(second->open_session().value()->highest(alice), 0u);
}
