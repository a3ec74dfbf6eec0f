// Journals that were restored from a server with other transaction ids.
#include <nexus/nexus.hpp>

#include "journal_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

class PostgresRestored : public PostgresTest {
 protected:
  void run(const std::string& sql) { cluster::execute_at(uri, sql); }
  std::string differences() {
    std::string all;
    for (const auto& one : must(must(open_schema(with_states))->check()).differences)
      all += one + "\n";
    return all;
  }
  // As a dump of a server that had counted further.
  void restore() {
    for (const char* table : {"nexus_event_journal", "nexus_event_tags", "nexus_erased",
                              "nexus_readers", "nexus_pruning", "nexus_durable_state"}) {
      run(std::string{"UPDATE "} + table +
          " SET transaction_id = (transaction_id::text::int8 + 100000000)::text::xid8 "
          "WHERE transaction_id > '0'");
    }
  }
  void migrate() { must(must(open_schema(with_states))->migrate()); }

  // The position of the last event, once all events are read; other tests may hold them back.
  position last_of(terse_session& session, std::size_t count) {
    std::vector<testkit::journal_record> all;
    EXPECT_TRUE(wait_until([&] { return (all = session.read_all()).size() == count; }));
    return all.back().at;
  }
  std::string read_past(terse_session& session, position after) {
    std::string all;
    auto done = session.inner().read_all(after, 100, [&](const persistence_id& of, const auto& r) {
      all += (all.empty() ? "" : ", ") + std::string{of.id()} + std::to_string(r.number);
      return true;
    });
    return done ? all : testkit::code_of(done);
  }

  const std::string uri = pg.fresh_database();
  const std::string with_states = uri + "&indexes=states";
};

TEST_F(PostgresRestored, AJournalWithoutEventsIsRecognisedByItsOtherPositions) {
  {
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
    must(session.inner().save_reader({"report", last_of(session, 2), timestamp{}}));
    session.erase_to(alice, 2);
    run("INSERT INTO nexus_pruning SELECT * FROM nexus_erased");
    ASSERT_EQ(session.upsert(bob, 0, 1, "one"), "stored");
  }
  EXPECT_EQ(why_not_opened(with_states), "");
  EXPECT_EQ(differences(), "");
  for (const std::string table :
       {"nexus_erased", "nexus_readers", "nexus_pruning", "nexus_durable_state"}) {
    run("CREATE TABLE kept AS TABLE " + table);
    run("UPDATE " + table + " SET transaction_id = '99999999999'");
    EXPECT_NE(why_not_opened(with_states).find("restored"), std::string::npos) << table;
    EXPECT_NE(differences().find("restored"), std::string::npos) << table;
    run("TRUNCATE " + table + "; INSERT INTO " + table + " TABLE kept; DROP TABLE kept");
    EXPECT_EQ(why_not_opened(with_states), "") << table;
  }
}

TEST_F(PostgresRestored, AReaderOfAJournalWithoutEventsReadsWhatIsAppendedLater) {
  {
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
    must(session.inner().save_reader({"report", last_of(session, 2), timestamp{}}));
    session.erase_to(alice, 2);
  }
  restore();
  EXPECT_NE(why_not_opened(with_states), "");
  migrate();
  auto store = open_journal(with_states);
  terse_session session{must(store->open_session())};
  const auto report = must(session.inner().readers()).at(0);
  ASSERT_EQ(session.append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(testkit::code_of(session.inner().erase_to(alice, 3)), "held_back");
  std::string read;
  EXPECT_TRUE(wait_until([&] { return !(read = read_past(session, report.at)).empty(); }));
  EXPECT_EQ(read, "alice3");
}

}}  // namespace nexus::test
