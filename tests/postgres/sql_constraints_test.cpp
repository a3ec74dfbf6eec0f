// Errors that say which constraint was broken, the same on every database; alone and within a
// transaction.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "journal_fixture.hpp"
#include "sql_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

/// "unique one_mail of guests (mail)"; of the names "-" for none.
std::string told(const result<sql_rows>& done) {
  if (done) return "nothing";
  const auto& why = done.error();
  if (!why.broken) return fmt::format("{}: {}", to_string(why.code), why.message);
  if (why.code != errc::constraint_violated) return "another code";
  const auto& b = *why.broken;
  const auto or_none = [](const std::string& name) { return name.empty() ? "-" : name; };
  return fmt::format("{} {} of {} ({})", to_string(b.kind), or_none(b.name), or_none(b.table),
                     fmt::join(b.columns, ", "));
}

class SqlConstraints : public Sql {
 protected:
  SqlConstraints() {
    make(
        "CREATE TABLE rooms (number bigint CONSTRAINT rooms_key PRIMARY KEY, beds bigint NOT NULL, "
        "CONSTRAINT some_beds CHECK (beds > 0 AND number <> beds))");
    make(
        "CREATE TABLE guests (id bigint, mail varchar(40) CONSTRAINT one_mail UNIQUE, "
        "room bigint, floor bigint DEFAULT (1), CONSTRAINT guests_key PRIMARY KEY (id), "
        "CONSTRAINT in_a_room FOREIGN KEY (room) REFERENCES rooms (number), "
        "CONSTRAINT alone UNIQUE (room, floor))");
    make("INSERT INTO rooms VALUES (101, 2), (102, 1)");
    make("INSERT INTO guests VALUES (1, 'ann@x', 101, 1)");
  }

  void make(const std::string& text) { must(one->execute(text)); }

  // By itself; then in a transaction that is rolled back, in which the same is expected.
  template <class... A>
  std::string broken(const std::string& text, const A&... with) {
    const auto alone = told(one->execute(text, with...));
    must(one->begin(isolation::read_committed, false));
    const auto within = told(one->execute(text, with...));
    EXPECT_EQ(told(one->execute("SELECT 1")), within) << "the transaction has failed";
    must(one->rollback());
    EXPECT_EQ(within, alone) << text;
    return alone;
  }
};

TEST_P(SqlConstraints, AUniqueKeyHasItsNameAndColumns) {
  EXPECT_EQ(broken("INSERT INTO guests (id, mail) VALUES ($1, $2)", 2, "ann@x"),
            "unique one_mail of guests (mail)");
  EXPECT_EQ(broken("INSERT INTO guests VALUES (2, 'bob@x', 101, 1)"),
            "unique alone of guests (room, floor)");
  make("INSERT INTO guests (id) VALUES (2)");
  EXPECT_EQ(broken("UPDATE guests SET id = 1 WHERE id = 2"), "unique guests_key of guests (id)");
  EXPECT_EQ(broken("INSERT INTO rooms VALUES (101, 1)"), "unique rooms_key of rooms (number)");
}

TEST_P(SqlConstraints, AUniqueIndexIsNamedTooAndAnExpressionIsNoColumn) {
  make("CREATE TABLE t (a bigint, b text, c bigint)");
  make("CREATE UNIQUE INDEX pair ON t (b, a)");
  make("CREATE UNIQUE INDEX lowered ON t (lower(b), c)");
  make("CREATE UNIQUE INDEX partly ON t (c) WHERE a > 5");
  make("INSERT INTO t VALUES (1, 'x', 1), (6, 'y', 6)");
  EXPECT_EQ(broken("INSERT INTO t VALUES (1, 'x', 2)"), "unique pair of t (b, a)");
  EXPECT_EQ(broken("INSERT INTO t VALUES (2, 'X', 1)"), "unique lowered of t (c)");
  EXPECT_EQ(broken("INSERT INTO t VALUES (7, 'z', 6)"), "unique partly of t (c)");
}

TEST_P(SqlConstraints, AMissingValueHasItsColumn) {
  EXPECT_EQ(broken("INSERT INTO rooms VALUES (1, $1)", nullptr), "not_null - of rooms (beds)");
  EXPECT_EQ(broken("UPDATE rooms SET beds = NULL"), "not_null - of rooms (beds)");
}

TEST_P(SqlConstraints, ACheckHasItsNameAndTheColumnsItReads) {
  EXPECT_EQ(broken("UPDATE rooms SET beds = 0 WHERE number = 101"),
            "check some_beds of rooms (beds, number)");
  make("CREATE TABLE t (n bigint CHECK ( n < 5 ), m bigint)");
  EXPECT_EQ(broken("INSERT INTO t VALUES (7, 7)"),
            is_sqlite() ? "check - of t (n)" : "check t_n_check of t (n)");
}

TEST_P(SqlConstraints, AForeignKeyIsThatOfTheReferencingTable) {
  EXPECT_EQ(broken("INSERT INTO guests (id, room) VALUES (2, 99)"),
            "foreign_key in_a_room of guests (room)");
  EXPECT_EQ(broken("UPDATE guests SET room = 98"), "foreign_key in_a_room of guests (room)");
  EXPECT_EQ(broken("DELETE FROM rooms"), "foreign_key in_a_room of guests (room)");
  EXPECT_EQ(broken("UPDATE rooms SET number = 5 WHERE number = 101"),
            "foreign_key in_a_room of guests (room)");
  make(
      "CREATE TABLE keys (room bigint, CONSTRAINT opens FOREIGN KEY (room) "
      "REFERENCES rooms ON DELETE RESTRICT)");
  make("INSERT INTO keys VALUES (102)");
  EXPECT_EQ(broken("INSERT INTO keys VALUES (99)"), "foreign_key opens of keys (room)");
}

TEST_P(SqlConstraints, AForeignKeyOfSeveralColumnsHasThemInOrder) {
  make("CREATE TABLE a (x bigint, y bigint, PRIMARY KEY (x, y))");
  make(
      "CREATE TABLE b (p bigint, q bigint, CONSTRAINT to_a FOREIGN KEY (q, p) REFERENCES a (x, "
      "y))");
  EXPECT_EQ(broken("INSERT INTO b VALUES (1, 2)"), "foreign_key to_a of b (q, p)");
}

TEST_P(SqlConstraints, HostileNamesAreToldAsTheyAre) {
  make(R"sql(CREATE TABLE "a.b, c" ("x. y" bigint, "it's" bigint NOT NULL, ")" bigint,
       CONSTRAINT "the "") one, two" UNIQUE ("x. y", ")")))sql");
  make(R"sql(CREATE TABLE a ("b, c" bigint, "b, c.it's" bigint))sql");
  make(R"sql(INSERT INTO "a.b, c" VALUES (1, 1, 1))sql");
  EXPECT_EQ(broken(R"sql(INSERT INTO "a.b, c" VALUES (1, 2, 1))sql"),
            R"sql(unique the ") one, two of a.b, c (x. y, )))sql");
  EXPECT_EQ(broken(R"sql(INSERT INTO "a.b, c" VALUES (1, NULL, 1))sql"),
            "not_null - of a.b, c (it's)");
}

TEST_P(SqlConstraints, OtherErrorsHaveNone) {
  EXPECT_EQ(told(one->execute("SELECT nothing")).substr(0, 12), "query_failed");
  EXPECT_FALSE(one->execute("SELECT nothing").error().broken);
}

TEST_P(SqlConstraints, ASavepointThatWasUndoneLeavesTheRestAndTheErrorIsWhole) {
  const auto done = transactional(*one, [&](nexus::session& s) -> result<std::string> {
    const auto add = [](nexus::session& in) {
      return in.execute("INSERT INTO guests (id) VALUES (1)");
    };
    const auto inner = told(transactional(s, add));
    must(s.execute("INSERT INTO guests (id) VALUES (3)"));
    return inner;
  });
  EXPECT_EQ(must(done), "unique guests_key of guests (id)");
  EXPECT_EQ(must(one->execute("SELECT id FROM guests")).size(), 2U);
}

TEST_P(SqlConstraints, ATableThatTheProgramHasJustMadeIsKnown) {
  for (int i = 0; i < 3; ++i) {
    make("CREATE TABLE t (n bigint, m bigint)");
    make("CREATE UNIQUE INDEX n ON t (" + std::string{i == 1 ? "m" : "n"} + ")");
    make("INSERT INTO t VALUES (1, 1)");
    EXPECT_EQ(broken("INSERT INTO t VALUES (1, 1)"),
              i == 1 ? "unique n of t (m)" : "unique n of t (n)");
    make("DROP TABLE t");
  }
}

INSTANTIATE_TEST_SUITE_P(All, SqlConstraints, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& of) { return std::string{of.param}; });

// -- SQLite only --------------------------------------------------------------------------------

class SqliteConstraints : public SqlConstraints {};

TEST_P(SqliteConstraints, KeysWithoutANameHaveThatOfTheirIndexIfThereIsOne) {
  make("CREATE TABLE t (id INTEGER PRIMARY KEY, n UNIQUE)");
  make("CREATE TABLE w (id TEXT PRIMARY KEY) WITHOUT ROWID");
  make("CREATE TABLE r (n)");
  make("INSERT INTO t VALUES (1, 1)");
  make("INSERT INTO w VALUES ('a')");
  make("INSERT INTO r (rowid) VALUES (1)");
  EXPECT_EQ(broken("INSERT INTO t (id) VALUES (1)"), "unique - of t (id)");
  EXPECT_EQ(broken("INSERT INTO t VALUES (2, 1)"), "unique sqlite_autoindex_t_1 of t (n)");
  EXPECT_EQ(broken("INSERT INTO w VALUES ('a')"), "unique sqlite_autoindex_w_1 of w (id)");
  EXPECT_EQ(broken("INSERT INTO r (rowid) VALUES (1)"), "unique - of r (rowid)");
}

TEST_P(SqliteConstraints, OneOfSeveralForeignKeysIsNotGuessed) {
  make("CREATE TABLE lines (room REFERENCES rooms, guest REFERENCES guests, n)");
  EXPECT_EQ(broken("INSERT INTO lines VALUES (101, 7, 1)"), "foreign_key - of lines ()");
  make("INSERT INTO lines VALUES (101, 1, 1)");
  EXPECT_EQ(broken("UPDATE lines SET guest = 7, n = 2"), "foreign_key - of lines (guest)");
  EXPECT_EQ(broken("DELETE FROM rooms"), "foreign_key - of - ()");
  EXPECT_EQ(broken("DELETE FROM guests"), "foreign_key - of lines (guest)");
}

TEST_P(SqliteConstraints, ACascadeIsFollowed) {
  make("CREATE TABLE notes (guest REFERENCES guests ON DELETE CASCADE, id INTEGER PRIMARY KEY)");
  make("CREATE TABLE marks (note CONSTRAINT of_note REFERENCES notes ON DELETE RESTRICT)");
  make("INSERT INTO notes VALUES (1, 5)");
  make("INSERT INTO marks VALUES (5)");
  EXPECT_EQ(broken("DELETE FROM guests"), "foreign_key of_note of marks (note)");
}

TEST_P(SqliteConstraints, WhatATriggerWritesIsToldOfItsTable) {
  make("CREATE TRIGGER full AFTER INSERT ON guests BEGIN INSERT INTO rooms VALUES (101, 1); END");
  EXPECT_EQ(broken("INSERT INTO guests (id) VALUES (5)"), "unique rooms_key of rooms (number)");
  make("DROP TRIGGER full");
  make("CREATE TRIGGER full AFTER INSERT ON guests BEGIN INSERT INTO rooms VALUES (7, 7); END");
  EXPECT_EQ(broken("INSERT INTO guests (id) VALUES (5)"),
            "check some_beds of rooms (beds, number)");
  make("DROP TRIGGER full");
  make("CREATE TRIGGER full BEFORE INSERT ON guests BEGIN SELECT RAISE(ABORT, 'we are full'); END");
  EXPECT_EQ(broken("INSERT INTO guests (id) VALUES (5)"), "other - of - ()");
}

TEST_P(SqliteConstraints, OtherFilesAndTemporaryTablesAreToldAsFarAsSqliteDoes) {
  make("CREATE TEMP TABLE t (a CONSTRAINT named NOT NULL, b, UNIQUE (a, b))");
  make("INSERT INTO t VALUES (1, 2)");
  EXPECT_EQ(broken("INSERT INTO t VALUES (1, 2)"), "unique - of t (a, b)");
  EXPECT_EQ(broken("INSERT INTO t VALUES (NULL, 2)"), "not_null - of t (a)");
}

TEST_P(SqliteConstraints, LookingItUpLeavesTheSessionAsItWas) {
  must(one->execute("INSERT INTO guests (id) VALUES (2)"));
  for (const auto* text :
       {"INSERT INTO guests (id) VALUES (1)", "INSERT INTO guests (id, room) VALUES (3, 3)",
        "UPDATE rooms SET beds = 0", "UPDATE rooms SET beds = NULL"}) {
    EXPECT_FALSE(one->execute(text));
    EXPECT_FALSE(one->touched()) << text;
    EXPECT_FALSE(one->in_transaction()) << text;
  }
}

TEST_P(SqliteConstraints, OfACommitOnlyTheKindIsKnown) {
  make("CREATE TABLE late (n REFERENCES rooms DEFERRABLE INITIALLY DEFERRED)");
  const auto done = transactional(
      *one, [](nexus::session& s) { return s.execute("INSERT INTO late VALUES (5)"); });
  EXPECT_EQ(told(done), "foreign_key - of - ()");
}

INSTANTIATE_TEST_SUITE_P(Of, SqliteConstraints, ::testing::Values("sqlite"),
                         [](const auto& of) { return std::string{of.param}; });

// -- PostgreSQL only ----------------------------------------------------------------------------

class PostgresConstraints : public SqlConstraints {};

TEST_P(PostgresConstraints, TheSchemaOfTheTableDecides) {
  const auto other =
      must(static_cast<nexus::session&>(*one).query<std::string>("SELECT current_schema()::text"))
          .at(0) +
      "_other";
  make("CREATE SCHEMA " + other);
  make("CREATE TABLE " + other +
       ".guests (id bigint, n bigint, CONSTRAINT guests_key PRIMARY KEY (n))");
  const auto add = "INSERT INTO " + other + ".guests VALUES (1, 1)";
  make(add);
  EXPECT_EQ(broken(add), "unique guests_key of guests (n)");
  EXPECT_EQ(broken("INSERT INTO guests (id) VALUES (1)"), "unique guests_key of guests (id)");
}

TEST_P(PostgresConstraints, OtherKindsOfConstraints) {
  make(
      "CREATE TABLE t (during int4range, n bigint, m bigint, "
      "CONSTRAINT apart EXCLUDE USING gist (during WITH &&))");
  make("CREATE UNIQUE INDEX carried ON t (n) INCLUDE (m)");
  make("INSERT INTO t VALUES ('[1,5)', 1, 1)");
  EXPECT_EQ(broken("INSERT INTO t VALUES ('[4,6)', 2, 2)"), "exclusion apart of t (during)");
  EXPECT_EQ(broken("INSERT INTO t VALUES ('[8,9)', 1, 2)"), "unique carried of t (n)");
  make("CREATE DOMAIN small AS bigint CONSTRAINT is_small CHECK (VALUE < 5)");
  make("CREATE TABLE d (n small)");
  EXPECT_EQ(broken("INSERT INTO d VALUES (7)"), "check is_small of - ()");
  make(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE "
      "integrity_constraint_violation USING MESSAGE = 'full', CONSTRAINT = 'made_up'; END $$");
  make("CREATE TRIGGER refuse BEFORE INSERT ON d EXECUTE FUNCTION refuse()");
  EXPECT_EQ(broken("INSERT INTO d VALUES (1)"), "other made_up of - ()");
}

TEST_P(PostgresConstraints, ADeferredOneIsToldByTheCommit) {
  make("CREATE TABLE t (n bigint CONSTRAINT late UNIQUE DEFERRABLE INITIALLY DEFERRED)");
  const auto done = transactional(
      *one, [](nexus::session& s) { return s.execute("INSERT INTO t VALUES (1), (1)"); });
  EXPECT_EQ(told(done), "unique late of t (n)");
}

// The catalog is read before a transaction.
TEST_P(PostgresConstraints, OfATableMadeInTheSameTransactionTheColumnsAreNotKnown) {
  must(one->begin(isolation::read_committed, false));
  make("CREATE TABLE t (n bigint CONSTRAINT just_made UNIQUE)");
  make("INSERT INTO t VALUES (1)");
  EXPECT_EQ(told(one->execute("INSERT INTO t VALUES (1)")), "unique just_made of t ()");
  must(one->rollback());
}

TEST_P(PostgresConstraints, WhatAnotherProcessAddsIsKnownSoonAfterTheFirstError) {
  EXPECT_EQ(broken("INSERT INTO guests (id) VALUES (1)"), "unique guests_key of guests (id)");
  cluster::execute_at(uri, "ALTER TABLE rooms ADD CONSTRAINT few CHECK (beds < 9)");
  EXPECT_TRUE(wait_until([&] {
    must(one->begin(isolation::read_committed, false));
    const auto found = told(one->execute("UPDATE rooms SET beds = 9"));
    must(one->rollback());
    EXPECT_EQ(found.substr(0, 19), "check few of rooms ");
    return found == "check few of rooms (beds)";
  }));
}

TEST_P(PostgresConstraints, ALostConnectionBeforeATransactionIsUnavailable) {
  make("CREATE TABLE t (n bigint)");  // so that the catalog is read again
  const auto pid = std::to_string(
      must(static_cast<nexus::session&>(*one).query<std::int64_t>("SELECT pg_backend_pid()"))
          .at(0));
  cluster::execute_at(uri, "SELECT pg_terminate_backend(" + pid + ")");
  const auto begun = one->begin(isolation::read_committed, false);
  if (begun) {
    must(one->rollback());  // it had noticed the loss before it began
  } else {
    EXPECT_EQ(code_of(begun), "unavailable") << message_of(begun);
  }
  must(one->begin(isolation::read_committed, false));
  must(one->rollback());
}

INSTANTIATE_TEST_SUITE_P(Of, PostgresConstraints, ::testing::Values("postgresql"),
                         [](const auto& of) { return std::string{of.param}; });

}}  // namespace nexus::test::
