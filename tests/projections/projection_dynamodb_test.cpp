#include <nexus/dynamodb.hpp>

#include "local_server.hpp"
#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;

INSTANTIATE_TEST_SUITE_P(Places, Projection,
                         testing::Values(projection_place{
                             "dynamodb",
                             [](const auto&) {
                               return local_server::shared().fresh_journal("strands=4");
                             },
                             {dynamodb_backend()},
                             false,
                             true}),
                         [](const auto& of) { return of.param.name; });
