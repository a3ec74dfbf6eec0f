// The databases of tests whose processes share one: a new SQLite file, or a new database of the
// PostgreSQL server that ctest started.
//
// Needs postgres_support, and FIXTURES postgres.
#pragma once

#include "cluster.hpp"
#include "kind_of_database.hpp"

namespace nexus::test {

// The cluster drops it at the end of the program.
inline constexpr kind_of_database on_postgres{
    "postgres", []() -> database {
      return {cluster::shared().fresh_database(), nullptr};
    }};

}  // namespace nexus::test
