// New tables on the DynamoDB Local that ctest started, as a kind of database.
//
// Needs dynamodb_support, and FIXTURES dynamodb.
#pragma once

#include "kind_of_database.hpp"
#include "local_server.hpp"

namespace nexus::test {

/// A transaction of DynamoDB Local takes ten actions: more strands make smaller ones.
inline constexpr kind_of_database on_dynamodb{
    "dynamodb", []() -> database {
      return {local_server::shared().fresh_journal("strands=4"), nullptr};
    }};

}  // namespace nexus::test
