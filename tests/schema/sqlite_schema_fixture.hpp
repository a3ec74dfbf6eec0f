// Tables at an address, and made-up layouts.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "persistence/sqlite_fixture.hpp"
#include "schema.hpp"

namespace nexus::test {

/// The layout of a made-up version: the current tables and `more`, reached from the current version
/// by `steps`.
struct made_up {
  made_up(const std::string& more, const std::vector<sqlite::migration>& steps)
      : sql{std::string{sqlite::today().tables} + more},
        of{sqlite::today().version + static_cast<unsigned>(steps.size()), sql,
           sqlite::today().steps} {
    of.steps.insert(of.steps.end(), steps.begin(), steps.end());
  }
  made_up(const made_up&) = delete;
  made_up& operator=(const made_up&) = delete;

  const std::string sql;
  sqlite::layout of;
};

inline sqlite::migration running(std::string sql) {
  return [sql = std::move(sql)](SQLite::Database& db, const schema_choices& c) -> result<void> {
    db.exec(c.named(sql));
    return {};
  };
}

}  // namespace nexus::test

class SqliteSchemaTest : public SqliteTest {
 protected:
  [[nodiscard]] std::string at(const std::string& parameters = "") const {
    return "sqlite:" + path() + parameters;
  }

  [[nodiscard]] std::unique_ptr<nexus::schema> tables(const std::string& parameters = "") const {
    return nexus::sqlite_backend().schema(nexus::uri::parse(at(parameters)).value()).value();
  }

  [[nodiscard]] std::unique_ptr<nexus::schema> tables_of(const nexus::test::made_up& layout,
                                                         const std::string& parameters = "") const {
    auto where = nexus::uri::parse(at(parameters)).value();
    return nexus::sqlite::make_schema(nexus::sqlite::address::from(where).value(), layout.of);
  }

  using lines = std::vector<std::string>;
  [[nodiscard]] lines differences(const std::string& parameters = "") const {
    return tables(parameters)->check().value().differences;
  }

  void expect_refused(const nexus::result<void>& done, nexus::errc code,
                      const std::string& names) const {
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, code) << done.error().message;
    expect_names(done.error(), names);
  }
};
