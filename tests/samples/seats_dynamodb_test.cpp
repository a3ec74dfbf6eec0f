#include "dynamodb/on_dynamodb.hpp"
#include "seats_suite.hpp"

namespace seats {

INSTANTIATE_TEST_SUITE_P(Dynamodb, SeatsReport, testing::Values(nexus::test::on_dynamodb),
                         nexus::test::name_of_kind);

}  // namespace seats
