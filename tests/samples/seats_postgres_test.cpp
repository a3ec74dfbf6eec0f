#include "kinds_of_database.hpp"
#include "seats_suite.hpp"

namespace seats {

INSTANTIATE_TEST_SUITE_P(Postgres, SeatsReport, testing::Values(nexus::test::on_postgres),
                         nexus::test::name_of_kind);

}  // namespace seats
