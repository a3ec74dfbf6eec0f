// A kind of database of a test, of which each test gets a new one.
//
//   class Rivals : public testing::TestWithParam<kind_of_database> { … };
//   INSTANTIATE_TEST_SUITE_P(Sqlite, Rivals, testing::Values(on_sqlite), name_of_kind);
//
// kinds_of_database.hpp and dynamodb/on_dynamodb.hpp have kinds that need a server.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>

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

inline std::string name_of_kind(const testing::TestParamInfo<kind_of_database>& of) {
  return of.param.name;
}

}  // namespace nexus::test
