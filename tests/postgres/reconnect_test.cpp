// Servers that restart under an open store, and damaged rows.
#include <nexus/nexus.hpp>

#include "journal_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

class PostgresReconnect : public PostgresTest {};

TEST_F(PostgresReconnect, ASessionComesBackAfterTheServerDid) {
  cluster own{{.fsync = false}};
  auto store = open_journal(own.fresh_database());
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  own.stop_immediate();
  const auto outcome = session.append(alice, 1, {"b"});
  EXPECT_TRUE(outcome.starts_with("failed") || outcome.starts_with("unknown")) << outcome;
  const auto why = session.inner().highest(alice);
  ASSERT_FALSE(why);
  EXPECT_EQ(why.error().code, errc::unavailable) << why.error().message;
  own.start();
  EXPECT_TRUE(wait_until([&] { return session.inner().highest(alice).has_value(); }));
  const request b{alice, 1, {"b"}};
  EXPECT_TRUE(wait_until([&] { return settled_by(session, b).ends_with("stored"); }));
  if (session.settle(b) == "not stored") {
    EXPECT_EQ(session.append(b), "stored");
  }
  EXPECT_EQ(session.history(alice), "1:a 2:b");
}

TEST_F(PostgresReconnect, ASessionWhoseBackendWasEndedIsReplacedUnseen) {
  const auto uri = pg.fresh_database();
  auto store = open_journal(uri);
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  cluster::execute_at(uri,
                      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_EQ(session.append(alice, 1, {"b"}), "stored") << "it is seen before anything is sent";
  EXPECT_EQ(session.history(alice), "1:a 2:b");
}

TEST_F(PostgresReconnect, AStatementThatTakesTooLongIsCertainlyNotDone) {
  const auto uri = pg.fresh_database();
  auto store = open_journal(uri + "&statement_timeout=1000");  // bounds the opening, too
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  cluster::execute_at(uri,
                      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                      "PERFORM pg_sleep(600); RETURN NULL; END $$;"
                      "CREATE TRIGGER slow AFTER INSERT ON nexus_event_journal "
                      "FOR EACH STATEMENT EXECUTE FUNCTION slow()");
  const auto outcome = session.append(alice, 1, {"b"});
  EXPECT_TRUE(outcome.starts_with("failed")) << outcome;
  EXPECT_EQ(session.highest(alice), 1u);
}

TEST_F(PostgresReconnect, AnEntryThatIsCorruptIsNamed) {
  const auto uri = pg.fresh_database();
  auto store = open_journal(uri);
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  auto why = [&] {
    const auto read = session.inner().replay(alice, 1, sequence_nr_max, 10,
                                             [](const record_view&) { return true; });
    return read ? std::string{"fine"} : read.error().message;
  };
  auto spoil = [&](const std::string& what) {
    cluster::execute_at(uri, "UPDATE nexus_event_journal SET " + what + " WHERE sequence_nr = 2");
    return why();
  };
  EXPECT_NE(
      spoil("writer_id = 'nobody'").find("event 2 of account|alice is corrupt: bad writer_id"),
      std::string::npos);
  EXPECT_NE(
      spoil("writer_id = '01ARZ3NDEKTSV4RRFFQ69G5FAV', schema_version = -1").find("schema_version"),
      std::string::npos);
  EXPECT_NE(spoil("schema_version = 1, timestamp = 'infinity'").find("timestamp"),
            std::string::npos);
  spoil("timestamp = now()");
  EXPECT_EQ(why(), "fine");
}

TEST_F(PostgresReconnect, OneRequestThatPostgresqlRefusesFailsAlone) {
  auto store = open_journal(pg.fresh_database());
  terse_session session{must(store->open_session())};
  auto bad = testkit::event("b");
  bad.type = "\xff is no UTF-8";
  EXPECT_EQ(
      session.append_all({{alice, 0, {"a"}}, {bob, 0, {{bad}}}, {"account|carol"_id, 0, {"c"}}}),
      "stored, rejected invalid_argument, stored");
  EXPECT_EQ(session.highest(bob), 0u);
}

TEST_F(PostgresReconnect, WritersAreAsManyAsTheAddressSays) {
  const auto uri = pg.fresh_database();
  EXPECT_EQ(open_journal(uri)->writers(), 4u);
  EXPECT_EQ(open_journal(uri + "&writers=2")->writers(), 2u);
  auto store = must(nexus::open(uri + "&writers=3"));
  // A writer connects on its own thread, and closed connections end on the server later.
  std::size_t open = 0;
  EXPECT_TRUE(wait_until([&] {
    open = pg.backends(uri).size();
    return store.sessions().statistics().idle == 2 && open == 3u + 2u;
  })) << open
      << ", not 3 writers and 2 that the pool keeps open";
}

}}  // namespace nexus::test
