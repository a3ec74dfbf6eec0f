// Reads that are made together on SQLite: one view of the file, which everything but reads ends.
#include <nexus/testkit/contract/terse_session.hpp>

#include "persistence/sqlite_fixture.hpp"

namespace {

using namespace nexus::testkit;

class SqliteViews : public SqliteTest {
 protected:
  SqliteViews() {
    must(one.inner().execute("CREATE TABLE mine (n INTEGER)"));
    EXPECT_EQ(other.append(alice, 0, {"a"}), "stored");
    one.inner().begin_reads();
    EXPECT_EQ(one.highest(alice), 1u);
    EXPECT_EQ(other.append(alice, 1, {"b"}), "stored");
  }

  const nexus::persistence_id alice = "account|alice"_id;
  terse_session one{session()};
  terse_session other{session()};
};

TEST_F(SqliteViews, ReadsMadeTogetherAreOfOneTime) {
  EXPECT_EQ(one.highest(alice), 1u) << "else each read takes the locks again";
  EXPECT_EQ(must(one.inner().query<std::int64_t>("SELECT count(*) FROM nexus_event_journal")).at(0),
            1);
  one.inner().end_reads();
  EXPECT_EQ(one.highest(alice), 2u);
}

TEST_F(SqliteViews, AWriteOfTheJournalEndsTheView) {
  EXPECT_EQ(one.append(alice, 2, {"c"}), "stored") << "not refused for an old view";
  EXPECT_EQ(one.highest(alice), 3u);
}

TEST_F(SqliteViews, AWriteOfTheProgramEndsTheView) {
  must(one.inner().execute("INSERT INTO mine VALUES (1)"));
  EXPECT_EQ(must(other.inner().query<std::int64_t>("SELECT count(*) FROM mine")).at(0), 1);
  EXPECT_EQ(one.highest(alice), 2u);
}

TEST_F(SqliteViews, ATransactionOfTheProgramEndsTheView) {
  must(one.inner().begin(nexus::isolation::serializable, false));
  must(one.inner().execute("INSERT INTO mine VALUES (1)"));
  one.inner().begin_reads();  // does nothing
  one.inner().end_reads();
  must(one.inner().rollback());
  EXPECT_EQ(must(one.inner().query<std::int64_t>("SELECT count(*) FROM mine")).at(0), 0);
}

TEST_F(SqliteViews, AReadOfSeveralStatementsEndsTheView) {
  EXPECT_EQ(one.read_all().size(), 2u);
  EXPECT_FALSE(one.inner().unfinished());
}

TEST_F(SqliteViews, AViewIsNoTransactionOfTheProgram) {
  EXPECT_FALSE(one.inner().unfinished());
  EXPECT_EQ(code_of(one.inner().commit()), "invalid_argument");
}

}  // namespace
