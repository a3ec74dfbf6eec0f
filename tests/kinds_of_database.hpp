// The databases of tests whose processes share one: a new SQLite file, or a new database of the
// PostgreSQL server that ctest started.
//
//   class Rivals : public testing::TestWithParam<kind_of_database> { … };
//   INSTANTIATE_TEST_SUITE_P(Sqlite, Rivals, testing::Values(on_sqlite), name_of_kind);
//
// Needs postgres_support, and FIXTURES postgres.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>

#include "cluster.hpp"
#include "temporary_folder.hpp"

namespace nexus::test {

/// A database; each test gets a new one, which lives as long as the result of `fresh`.
struct database {
  std::string uri;
  std::shared_ptr<void> kept;
};

struct kind_of_database {
  const char* name;
  database (*fresh)();

  // Otherwise the name of each test has the bytes of this value, which differ from build to build.
  friend void PrintTo(const kind_of_database& kind, std::ostream* out) { *out << kind.name; }
};

inline constexpr kind_of_database on_sqlite{"sqlite", []() -> database {
                                              auto folder = std::make_shared<temporary_folder>();
                                              return {"sqlite:" + folder->path("test.db"), folder};
                                            }};

// The cluster drops it at the end of the program.
inline constexpr kind_of_database on_postgres{
    "postgres", []() -> database {
      return {cluster::shared().fresh_database(), nullptr};
    }};

inline std::string name_of_kind(const testing::TestParamInfo<kind_of_database>& of) {
  return of.param.name;
}

}  // namespace nexus::test
