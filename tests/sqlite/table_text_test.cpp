// The constraints in the text of a CREATE TABLE.
#include "table_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace {

namespace sqlite = nexus::sqlite;

// "unique named (a, b)"; a foreign key with its parent, a check with its expression.
std::string told(std::string_view text) {
  std::string all;
  for (const auto& one : sqlite::declared_constraints(text)) {
    all += fmt::format("{}{} {}({}){}", all.empty() ? "" : "; ", to_string(one.kind),
                       one.name.empty() ? "" : one.name + " ", fmt::join(one.columns, ", "),
                       one.parent + one.expression);
  }
  return all;
}

TEST(TableText, ConstraintsOfColumns) {
  EXPECT_EQ(told("CREATE TABLE t (a INTEGER CONSTRAINT p PRIMARY KEY ASC AUTOINCREMENT, "
                 "b varchar(10, 2) CONSTRAINT n NOT NULL UNIQUE ON CONFLICT FAIL, "
                 "c DEFAULT (a + 1) CONSTRAINT f REFERENCES o (x) ON DELETE SET NULL, "
                 "d CHECK (d > 5) COLLATE nocase)"),
            "unique p (a); unique (b); foreign_key f (c)o; check (d)d > 5");
}

TEST(TableText, ConstraintsOfTheTableAlsoWithoutCommas) {
  EXPECT_EQ(told("create table t (a, b, constraint u unique (b collate nocase desc, a) "
                 "primary key (a), constraint f foreign key (B, A) references [o 1] (x, y) "
                 "constraint c check (A < b and length(b) > 1)) strict"),
            "unique u (b, a); unique (a); foreign_key f (b, a)o 1; "
            "check c (a, b)A < b and length(b) > 1");
}

TEST(TableText, QuotesAndCommentsHideNothing) {
  EXPECT_EQ(told(R"sql(CREATE TABLE "t (x, ""y"" UNIQUE)" ( -- a UNIQUE
      "a, ""b""" /* UNIQUE ( */ TEXT UNIQUE, `c``d`, [e)f] DEFAULT 'UNIQUE ('')',
      CONSTRAINT "of, it" CHECK ( "c`d" <> ')' AND [e)f] = "a, ""b""" )))sql"),
            R"sql(unique (a, "b"); check of, it (c`d, e)f, a, "b")"c`d" <> ')' AND )sql"
            R"sql([e)f] = "a, ""b""")sql");
}

TEST(TableText, TextsThatEndEarlyAndOtherStatementsAreRead) {
  const std::string whole =
      "CREATE TABLE t (a INTEGER CONSTRAINT p PRIMARY KEY, b \"x\" UNIQUE /* c */, "
      "CONSTRAINT f FOREIGN KEY (a, b) REFERENCES o (x), CHECK (a > 'b'))";
  for (std::size_t size = 0; size <= whole.size(); ++size) (void)told(whole.substr(0, size));
  EXPECT_EQ(told(""), "");
  EXPECT_EQ(told("CREATE VIRTUAL TABLE t USING fts5 (a UNIQUE)"), "");
  EXPECT_EQ(told("CREATE TABLE t"), "");
  EXPECT_EQ(told("CREATE INDEX i ON t (a)"), "");
}

}  // namespace
