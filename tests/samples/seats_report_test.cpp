#include "report.hpp"
#include "seats_suite.hpp"

namespace seats {

INSTANTIATE_TEST_SUITE_P(Sqlite, SeatsReport, testing::Values(nexus::test::on_sqlite),
                         nexus::test::name_of_kind);

TEST(SeatsReportInMemory, IsRefused) {
  nexus::system sys;
  const auto store = nexus::open("memory:").value();
  EXPECT_FALSE(report::start(sys, store));
}

}  // namespace seats
