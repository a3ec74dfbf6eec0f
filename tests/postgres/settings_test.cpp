// Settings of server, database and role, and the journal's guarantees under them.
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <fstream>
#include <nexus/log.hpp>
#include <nexus/nexus.hpp>
#include <sstream>

#include "journal_fixture.hpp"
#include "sql_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

class PostgresSettings : public PostgresTest {
 protected:
  // For connections made from now on.
  void set(const std::string& name, const std::string& value) {
    pg.execute("ALTER DATABASE " + database_of(uri) + " SET " + name + " = " + value);
  }
  void reset(const std::string& name) {
    pg.execute("ALTER DATABASE " + database_of(uri) + " RESET " + name);
  }

  // Records at each commit of an append or an upsert how durable it will be.
  void note_commits() {
    cluster::execute_at(
        uri,
        "CREATE TABLE commits (at serial, how text);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "
        "public.commits (how) VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER note AFTER INSERT ON nexus_event_journal DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW EXECUTE FUNCTION note();"
        "CREATE CONSTRAINT TRIGGER note AFTER INSERT ON nexus_durable_state DEFERRABLE INITIALLY "
        "DEFERRED FOR EACH ROW EXECUTE FUNCTION note()");
  }
  std::string commits() {
    return cluster::value_at(uri,
                             "WITH noted AS (DELETE FROM commits RETURNING *) "
                             "SELECT string_agg(how, ' ' ORDER BY at) FROM noted");
  }
  // How durable an append, an upsert and own SQL commit.
  std::string ways_to_commit(const std::string& parameters) {
    auto store = open_journal(uri + parameters);
    terse_session session{must(store->open_session())};
    EXPECT_EQ(session.append(alice, session.highest(alice), {"a"}), "stored");
    const persistence_id of_state = must(persistence_id::make("s", std::to_string(++states)));
    EXPECT_EQ(session.upsert(testkit::put{of_state, 0, 1, testkit::state("one")}), "stored");
    auto& sql = session.inner();
    auto own = must(sql.query<std::string>("SHOW synchronous_commit")).at(0);
    must(sql.reset(""));
    EXPECT_EQ(must(sql.query<std::string>("SHOW synchronous_commit")).at(0), own);
    return commits() + " " + own;
  }

  const std::string uri = pg.fresh_database();
  int states = 0;
};

TEST_F(PostgresSettings, AnAcknowledgedEventIsDurableWhateverTheDatabaseSays) {
  must(must(open_schema(uri))->create());
  note_commits();
  for (const auto& [said, is] : {std::pair{"off", "on on on"},
                                 {"local", "on on on"},
                                 {"remote_write", "remote_write remote_write remote_write"},
                                 {"on", "on on on"},
                                 {"remote_apply", "remote_apply remote_apply remote_apply"}}) {
    set("synchronous_commit", said);
    EXPECT_EQ(ways_to_commit(""), is) << said;
    EXPECT_EQ(ways_to_commit("&synchronous_commit=off"), "off off off") << said;
    EXPECT_EQ(ways_to_commit("&synchronous_commit=remote_apply"),
              "remote_apply remote_apply remote_apply")
        << said;
  }
  EXPECT_EQ(ways_to_commit("&options=-csynchronous_commit%3Doff"), "on on on")
      << "only the journal's own parameter says so";
  EXPECT_NE(why_not_opened(uri + "&synchronous_commit=no").find("synchronous_commit is \"no\""),
            std::string::npos);
}

TEST_F(PostgresSettings, NeitherOwnSqlNorATriggerMakesACommitLessDurable) {
  auto store = open_journal(uri);
  note_commits();
  terse_session session{must(store->open_session())};
  must(session.inner().execute("SET synchronous_commit = off"));
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(commits(), "on");
  cluster::execute_at(uri,
                      "CREATE FUNCTION hurry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                      "PERFORM set_config('synchronous_commit', 'off', false); RETURN NULL; END $$;"
                      "CREATE TRIGGER hurry AFTER INSERT ON nexus_event_journal "
                      "FOR EACH STATEMENT EXECUTE FUNCTION hurry()");
  for (sequence_nr n = 1; n < 3; ++n) EXPECT_EQ(session.append(alice, n, {"a"}), "stored");
  EXPECT_EQ(commits(), "on on");
}

TEST_F(PostgresSettings, AServerWhoseConfigurationIsReadAgainChangesNothing) {
  cluster own{{.fsync = false}};
  const auto at = own.fresh_database();
  auto store = open_journal(at);
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  const auto show = [&] {
    return must(session.inner().query<std::string, std::string>(
        "SELECT current_setting('synchronous_commit'), current_setting('search_path')"));
  };
  const auto before = show();
  for (const auto* line :
       {"synchronous_commit = off", "search_path = nowhere", "lock_timeout = 1"}) {
    own.execute(std::string{"ALTER SYSTEM SET "} + line);
  }
  own.execute("SELECT pg_reload_conf()");
  ASSERT_TRUE(
      wait_until([&] { return own.execute("SHOW synchronous_commit").at(0).at(0) == "off"; }));
  EXPECT_EQ(session.append(alice, 1, {"b"}), "stored");
  EXPECT_EQ(show(), before);
  terse_session later{must(store->open_session())};
  EXPECT_EQ(later.append(alice, 2, {"c"}), "stored") << "it finds the tables that were opened";
  EXPECT_EQ(later.history(alice), "1:a 2:b 3:c");
}

TEST_F(PostgresSettings, TheJournalWorksWhateverTheDatabaseSays) {
  must(must(open_schema(uri))->create());
  for (const auto& [name, value] : {std::pair{"default_transaction_isolation", "'serializable'"},
                                    {"default_transaction_deferrable", "on"},
                                    {"lock_timeout", "1"},
                                    {"idle_in_transaction_session_timeout", "1"},
                                    {"statement_timeout", "5000"},
                                    {"exit_on_error", "on"},
                                    {"standard_conforming_strings", "off"},
                                    {"bytea_output", "escape"},
                                    {"extra_float_digits", "0"},
                                    {"client_encoding", "'LATIN1'"},
                                    {"DateStyle", "'SQL, DMY'"},
                                    {"IntervalStyle", "'sql_standard'"},
                                    {"TimeZone", "'Asia/Tokyo'"},
                                    {"array_nulls", "off"},
                                    {"quote_all_identifiers", "on"},
                                    {"enable_indexscan", "off"},
                                    {"enable_nestloop", "off"},
                                    {"plan_cache_mode", "force_custom_plan"},
                                    {"row_security", "off"},
                                    {"transform_null_equals", "on"},
                                    {"client_min_messages", "debug1"}}) {
    set(name, value);
  }
  EXPECT_EQ(must(must(open_schema(uri))->check()).differences, std::vector<std::string>{});
  auto store = open_journal(uri);
  terse_session one{must(store->open_session())};
  terse_session two{must(store->open_session())};
  EXPECT_EQ(one.append(alice, 0, {"ä\xE2\x82\xAC", "b"}), "stored");
  EXPECT_EQ(two.append(alice, 0, {"x"}), "conflict 2") << "and the session lives on";
  EXPECT_EQ(two.append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(one.history(alice), "1:ä\xE2\x82\xAC 2:b 3:c");
  auto& sql = one.inner();
  for (const double value : {0.1 + 0.2, 1.0 / 3, 5e-324, 1.7976931348623157e308}) {
    EXPECT_EQ(must(sql.query<double>("SELECT $1::float8", value)).at(0), value);
  }
  const sql_bytes bytes{std::string{"\0\xff\\a", 4}};
  EXPECT_EQ(must(sql.query<sql_bytes>("SELECT $1::bytea", bytes)).at(0), bytes);
  EXPECT_EQ(must(sql.query<std::string>("SELECT $1::text", "ä\xE2\x82\xAC\\")).at(0),
            "ä\xE2\x82\xAC\\");
}

TEST_F(PostgresSettings, ADatabaseInWhichNoTriggerRunsIsRefused) {
  set("session_replication_role", "replica");
  EXPECT_NE(why_not_opened(uri).find("session_replication_role is replica"), std::string::npos);
}

// An unnoticed gap would be worse than an error.
TEST_F(PostgresSettings, RowsThatAPolicyHidesAreAnErrorAndNoGap) {
  auto store = open_journal(uri);
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  const auto name = "hidden_" + database_of(uri);
  cluster::execute_at(uri, "CREATE ROLE " + name + " LOGIN PASSWORD 'pw'");
  cluster::execute_at(uri,
                      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public "
                      "TO " +
                          name +
                          "; ALTER TABLE nexus_event_journal ENABLE ROW LEVEL "
                          "SECURITY");
  const auto why = why_not_opened(pg.tcp_uri(database_of(uri), pg.port(), name, "pw"));
  EXPECT_NE(why.find("row-level security policy for table \"nexus_event_journal\""),
            std::string::npos)
      << why;
  cluster::execute_at(uri, "DROP OWNED BY " + name + "; DROP ROLE " + name);
}

TEST_F(PostgresSettings, ServersThatForgetAreWarnedOfAtOpening) {
  std::ostringstream logged;
  use_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged)));
  const auto opened = [&](const std::string& at) {
    logged.str({});
    must(postgres_backend().open(must(nexus::uri::parse(at))));
    return logged.str();
  };
  auto said = opened(uri);
  EXPECT_NE(said.find("fsync is off on the server"), std::string::npos) << said;
  EXPECT_EQ(said.find("full_page_writes"), std::string::npos) << said;
  cluster own{{.fsync = true, .parent = {}, .settings = {"full_page_writes = off"}}};
  said = opened(own.fresh_database());
  EXPECT_NE(said.find("full_page_writes is off on the server"), std::string::npos) << said;
  EXPECT_EQ(said.find("fsync"), std::string::npos) << said;
  use_logger({});
}

// -- what changes under a connection ---------------------------------------------------------------

TEST_F(PostgresSettings, AConnectionWhoseSettingsChangedUnderItIsReplacedAndSaysWhy) {
  auto store = open_journal(uri);
  terse_session session{must(store->open_session())};
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  // After everything else of the append.
  cluster::execute_at(
      uri,
      "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "PERFORM set_config('search_path', 'nowhere', false); RETURN NULL; END $$;"
      "CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON nexus_event_journal DEFERRABLE INITIALLY "
      "DEFERRED FOR EACH ROW EXECUTE FUNCTION leave()");
  ASSERT_EQ(session.append(alice, 1, {"b"}), "stored");
  cluster::execute_at(uri, "DROP TRIGGER leave ON nexus_event_journal");
  const auto lost = session.inner().highest(alice);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, errc::unavailable) << "it is no foreign schema";
  EXPECT_NE(lost.error().message.find("the connection is replaced: search_path is \"nowhere\""),
            std::string::npos)
      << lost.error().message;
  EXPECT_EQ(session.append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(session.history(alice), "1:a 2:b 3:c");
}

TEST_F(PostgresSettings, AConnectionThatBecameReadOnlyIsReplacedAndSaysWhy) {
  auto store = open_journal(uri);
  set("default_transaction_read_only", "on");
  terse_session session{must(store->open_session())};
  const auto outcome = session.append(alice, 0, {"a"});
  EXPECT_TRUE(outcome.starts_with("failed")) << outcome;
  const request one{alice, 0, {"a"}};
  const append_request requests[] = {one};
  const auto outcomes = session.inner().append(requests);
  const auto* why = std::get_if<failed>(&outcomes.at(0));
  ASSERT_NE(why, nullptr);
  EXPECT_EQ(why->why.code, errc::unavailable);
  EXPECT_NE(why->why.message.find("read-only transaction (SQLSTATE 25006); the connection is "
                                  "replaced: default_transaction_read_only is on"),
            std::string::npos)
      << why->why.message;
  reset("default_transaction_read_only");
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored") << "on a connection of today";
}

TEST_F(PostgresSettings, OwnSqlOnAConnectionThatBecameReadOnlyComesBackToo) {
  auto store = open_journal(uri);
  cluster::execute_at(uri, "CREATE TABLE t (n bigint)");
  set("default_transaction_read_only", "on");
  auto sql = must(store->open_session());
  const auto refused = sql->execute("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unavailable);
  EXPECT_NE(refused.error().message.find("default_transaction_read_only is on"), std::string::npos)
      << refused.error().message;
  EXPECT_TRUE(sql->broken()) << "a pool replaces it";
  reset("default_transaction_read_only");
  must(sql->execute("INSERT INTO t VALUES (1)"));
}

TEST_F(PostgresSettings, ASessionMadeReadOnlyByItsUserIsKept) {
  auto store = open_journal(uri);
  cluster::execute_at(uri, "CREATE TABLE t (n bigint)");
  auto sql = must(store->open_session());
  must(sql->execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"));
  for (int i = 0; i < 2; ++i) {
    const auto refused = sql->execute("INSERT INTO t VALUES (1)");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::query_failed) << refused.error().message;
    EXPECT_FALSE(sql->broken());
  }
  must(sql->reset(""));
  must(sql->execute("INSERT INTO t VALUES (1)"));
}

// As after a failover of which the program was not told, or in the middle of one.
TEST_F(PostgresSettings, AServerThatComesBackAsAReplicaIsWaitedForUntilItIsPromoted) {
  cluster own{{.fsync = false}};
  const auto at = own.fresh_database();
  auto store = open_journal(at);
  terse_session session{must(store->open_session())};
  auto sql = must(store->open_session());
  must(sql->execute("CREATE TABLE t (n bigint)"));
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  own.stop_immediate();
  std::ofstream{own.socket_dir() + "/data/standby.signal"}.close();
  own.start();
  const request b{alice, 1, {"b"}};
  const append_request requests[] = {b};
  std::string why;
  EXPECT_TRUE(wait_until([&] {
    const auto outcomes = session.inner().append(requests);
    const auto* f = std::get_if<failed>(&outcomes.at(0));
    why = f == nullptr ? testkit::told(outcomes.at(0)) : f->why.message;
    return why.find("the connection is replaced: the server is a read-only replica") !=
           std::string::npos;
  })) << why;
  EXPECT_EQ(session.history(alice), "1:a") << "reading goes on";
  result<void> begun;
  EXPECT_TRUE(wait_until([&] {
    begun = sql->begin(isolation::read_committed, false);
    return message_of(begun).find("read-only replica") != std::string::npos;
  })) << message_of(begun);
  EXPECT_EQ(code_of(begun), "unavailable");
  EXPECT_FALSE(sql->in_transaction());
  EXPECT_NE(why_not_opened(at).find("read-only replica"), std::string::npos);

  own.execute("SELECT pg_promote()");
  std::string outcome;
  EXPECT_TRUE(wait_until([&] { return (outcome = session.append(b)) == "stored"; })) << outcome;
  EXPECT_EQ(session.history(alice), "1:a 2:b");
  EXPECT_TRUE(wait_until([&] { return sql->execute("INSERT INTO t VALUES (1)").has_value(); }));
}

}}  // namespace nexus::test
