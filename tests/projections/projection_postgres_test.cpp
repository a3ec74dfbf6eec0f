#include <nexus/postgres.hpp>

#include "cluster.hpp"
#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;

INSTANTIATE_TEST_SUITE_P(Places, Projection,
                         testing::Values(projection_place{
                             "postgres",
                             [](const auto&) { return cluster::shared().fresh_schema(); },
                             {postgres_backend()}}),
                         [](const auto& of) { return of.param.name; });
