// SQL sessions of every database that has SQL: a test holds for all of them, unless it is skipped
// by name.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nexus/postgres.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <nexus/transaction.hpp>
#include <string>

#include "cluster.hpp"
#include "outcome_text.hpp"
#include "temporary_folder.hpp"

namespace nexus::test {

using testkit::must;
using testkit::operator""_id;
using testkit::terse_session;

inline std::unique_ptr<journal_session> session_at(journal& of) { return must(of.open_session()); }

class Sql : public ::testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] bool is_sqlite() const { return std::string_view{GetParam()} == "sqlite"; }

  std::shared_ptr<journal> open(const std::string& parameters = "") {
    const auto where = must(nexus::uri::parse(uri + parameters));
    return must((is_sqlite() ? sqlite_backend() : postgres_backend()).open(where));
  }
  std::unique_ptr<journal_session> session() { return session_at(*store); }

  /// A statement that does not end by itself, and writes to the table of `make_endless`.
  void make_endless() { must(one->execute("CREATE TABLE endless (n bigint)")); }
  [[nodiscard]] std::string endless() const {
    return is_sqlite()
               ? "INSERT INTO endless WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                 "FROM n) SELECT count(*) FROM n"
               : "INSERT INTO endless SELECT 1 FROM pg_sleep(600)";
  }
  /// Whether it runs already, and is not only on its way: it locks the file, or the table.
  bool endless_runs(nexus::session& seen_by) {
    if (is_sqlite()) {
      must(seen_by.execute("PRAGMA busy_timeout = 1"));
      if (!seen_by.begin(isolation::read_committed, false)) return true;
      must(seen_by.rollback());
      return false;
    }
    return !must(seen_by.execute("SELECT 1 FROM pg_locks WHERE relation = 'endless'::regclass AND "
                                 "mode = 'RowExclusiveLock' AND granted"))
                .empty();
  }

  temporary_folder folder;
  const std::string uri =
      is_sqlite() ? "sqlite:" + folder.path("j.db") : cluster::shared().fresh_schema();
  const std::shared_ptr<journal> store = open();
  const std::unique_ptr<journal_session> one = session();
};

/// With a table of rooms, whose key is the number.
class SqlTransaction : public Sql {
 protected:
  SqlTransaction() {
    must(one->execute("CREATE TABLE rooms (number bigint PRIMARY KEY, guest text)"));
    must(one->execute("INSERT INTO rooms VALUES (1, 'ann'), (2, 'bob')"));
  }

  static result<sql_rows> move_in(nexus::session& s, std::string_view guest, int number) {
    return s.execute("UPDATE rooms SET guest = $1 WHERE number = $2", guest, number);
  }
  static result<sql_rows> add(nexus::session& s, int number, std::string_view guest) {
    return s.execute("INSERT INTO rooms VALUES ($1, $2)", number, guest);
  }
  static std::string guests(nexus::session& s) {
    const auto found =
        s.query<std::optional<std::string>>("SELECT guest FROM rooms ORDER BY number");
    if (!found) return found.error().message;
    std::string all;
    for (const auto& guest : *found) all += (all.empty() ? "" : " ") + guest.value_or("-");
    return all;
  }
};

}  // namespace nexus::test
