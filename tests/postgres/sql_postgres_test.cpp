// PostgreSQL only: settings, locks, prepared statements, types.
#include "journal_fixture.hpp"
#include "sql_fixture.hpp"

namespace nexus::test { namespace {

class SqlPostgres : public PostgresTest {
 protected:
  static std::string shown(nexus::session& s, const std::string& what) {
    return must(s.query<std::string>("SHOW " + what)).at(0);
  }
  // On the whole server, by the sessions of this test's database.
  std::int64_t locks() const {
    return std::stoll(cluster::value_at(
        uri,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"));
  }

  const std::string uri = pg.fresh_database();
  const std::shared_ptr<journal> store = open_journal(uri);
  terse_session events{must(store->open_session())};
  journal_session& sql = events.inner();
};

TEST_F(SqlPostgres, OwnSqlHasTheServersSettingsAndTheJournalItsOwn) {
  const auto& own = [&] { return shown(sql, "enable_seqscan") + " " + shown(sql, "jit"); };
  const auto servers =
      cluster::value_at(uri, "SHOW enable_seqscan") + " " + cluster::value_at(uri, "SHOW jit");
  EXPECT_EQ(own(), servers);
  // The default of a column sees the settings of the journal's statements.
  must(
      sql.execute("CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                  "INSERT INTO settings VALUES (current_setting('enable_seqscan'), "
                  "current_setting('plan_cache_mode')); RETURN NULL; END $$"));
  must(sql.execute("CREATE TABLE settings (seqscan text, plans text)"));
  must(
      sql.execute("CREATE TRIGGER seen AFTER INSERT ON nexus_event_journal "
                  "FOR EACH STATEMENT EXECUTE FUNCTION seen()"));
  EXPECT_EQ(events.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(own(), servers);
  must(sql.execute("SET search_path = pg_catalog"));
  EXPECT_EQ(events.append(alice, 1, {"b"}), "stored") << "whatever was set";
  const auto found = must(sql.query<std::string, std::string>("SELECT * FROM settings"));
  const std::tuple<std::string, std::string> ours{"off", "force_generic_plan"};
  EXPECT_EQ(found, (std::vector{ours, ours}));
}

TEST_F(SqlPostgres, TheStatementTimeoutHoldsForOwnSql) {
  auto patient = open_journal(uri + "&statement_timeout=1000");  // bounds the opening, too
  auto s = must(patient->open_session());
  const auto late = s->execute("SELECT pg_sleep(600)");
  EXPECT_EQ(code_of(late), "query_failed");
  EXPECT_NE(message_of(late).find("57014"), std::string::npos) << message_of(late);
  must(s->execute("SELECT 1"));
  must(s->reset(""));
  EXPECT_EQ(code_of(s->execute("SELECT pg_sleep(600)")), "query_failed");
}

TEST_F(SqlPostgres, AResetUndoesWhatDiscardAllDoes) {
  must(sql.execute("SELECT pg_advisory_lock(4711)"));
  must(sql.execute("PREPARE own AS SELECT 1"));
  must(sql.execute("LISTEN something"));
  must(sql.execute("DECLARE c CURSOR WITH HOLD FOR SELECT 1"));
  must(sql.execute("SET ROLE pg_monitor"));
  must(sql.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"));
  EXPECT_EQ(locks(), 1);
  must(sql.reset(""));
  EXPECT_EQ(locks(), 0);
  EXPECT_EQ(must(sql.execute("SELECT * FROM pg_listening_channels()")).size(), 0u);
  EXPECT_EQ(must(sql.execute("SELECT * FROM pg_cursors WHERE name <> ''")).size(), 0u);
  EXPECT_EQ(must(sql.execute("SELECT * FROM pg_prepared_statements")).size(), 0u);
  EXPECT_EQ(shown(sql, "default_transaction_read_only"), "off");
  EXPECT_EQ(must(sql.query<bool>("SELECT session_user = current_user")).at(0), true);
}

TEST_F(SqlPostgres, AResetKeepsTheJournalsPreparedStatements) {
  EXPECT_EQ(events.append(alice, 0, {"a"}), "stored");
  const auto prepared = "SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql";
  const auto before = must(sql.query<std::int64_t>(prepared)).at(0);
  EXPECT_GE(before, 2);
  must(sql.reset(""));
  EXPECT_EQ(must(sql.query<std::int64_t>(prepared)).at(0), before);
  EXPECT_EQ(events.append(alice, 1, {"b"}), "stored");
}

TEST_F(SqlPostgres, TheJournalPreparesAgainWhatOwnSqlHasDeallocated) {
  EXPECT_EQ(events.append(alice, 0, {"a"}), "stored");
  must(sql.execute("DEALLOCATE append_check"));
  EXPECT_EQ(events.append(alice, 1, {"b"}), "stored");
  must(sql.execute("DEALLOCATE ALL"));
  EXPECT_EQ(events.append(alice, 2, {"c"}), "stored");
  must(sql.reset("DISCARD ALL"));
  EXPECT_EQ(events.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(events.history(alice), "1:a 2:b 3:c 4:d");
}

TEST_F(SqlPostgres, AResetGoesBackToTheRoleThatTheAddressNames) {
  const auto role = "role_of_" + database_of(uri);
  cluster::execute_at(uri, "CREATE ROLE " + role + " SUPERUSER");
  auto of_role = open_journal(uri + "&options=-crole%3D" + role);
  auto s = must(of_role->open_session());
  const auto who = [&] { return must(s->query<std::string>("SELECT current_user::text")).at(0); };
  ASSERT_EQ(who(), role);
  must(s->execute("SET ROLE pg_monitor"));
  must(s->reset(""));
  EXPECT_EQ(who(), role);
  cluster::execute_at(uri, "DROP ROLE " + role);
}

TEST_F(SqlPostgres, StatementsThatOwnSqlHasPreparedAreNotTakenForTheJournals) {
  for (const auto* name : {"highest", "append_check", "read_events", "hold_lock"}) {
    must(sql.execute(std::string{"PREPARE "} + name + " AS SELECT 1"));
  }
  EXPECT_EQ(events.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(events.highest(alice), 1u);
  EXPECT_EQ(events.history(alice), "1:a");
  must(sql.execute("DEALLOCATE highest"));
  must(sql.execute("PREPARE highest (text[]) AS SELECT 7::int8"));
  EXPECT_EQ(events.highest(alice), 1u);
}

TEST_F(SqlPostgres, AWriterHoldsItsLockWheneverItWrites) {
  EXPECT_EQ(events.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(locks(), 1);
  for (sequence_nr n = 1; n < 5; ++n) {
    must(sql.reset(""));
    EXPECT_EQ(locks(), 0);
    EXPECT_EQ(events.append(alice, n, {"b"}), "stored");
    EXPECT_EQ(locks(), 1);
    must(sql.execute("SELECT pg_advisory_unlock_all()"));
    EXPECT_EQ(events.append(bob, n - 1, {"c"}), "stored");
    EXPECT_EQ(locks(), 1);
  }
}

TEST_F(SqlPostgres, OtherTypesAreText) {
  const auto found = must(sql.execute(
      "SELECT 12.50::numeric, '2026-01-02'::date, ARRAY[1,2], $1::uuid, $2::numeric + 1, 'x'::name",
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "0.10"));
  EXPECT_EQ(
      found.rows.at(0),
      (std::vector<sql_value>{std::string{"12.50"}, std::string{"2026-01-02"}, std::string{"{1,2}"},
                              std::string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
                              std::string{"1.10"}, std::string{"x"}}));
  EXPECT_EQ(must(sql.query<double>("SELECT 0.1::real")).at(0), 0.1);
  must(sql.execute("SET bytea_output = escape"));
  const sql_bytes bytes{std::string{"\0\xff\\a", 4}};
  EXPECT_EQ(must(sql.query<sql_bytes>("SELECT $1::bytea", bytes)).at(0), bytes);
}

TEST_F(SqlPostgres, TextThatCannotBeSentIsRefused) {
  EXPECT_EQ(code_of(sql.execute("SELECT $1::text", std::string{"a\0b", 3})), "query_failed");
  EXPECT_EQ(code_of(sql.execute(std::string_view{"SELECT 1\0", 9})), "query_failed");
  const auto copy = sql.execute("COPY nexus_event_journal TO STDOUT");
  EXPECT_EQ(code_of(copy), "query_failed") << message_of(copy);
  must(sql.execute("SELECT 1"));
}

TEST_F(SqlPostgres, ALevelIsWhatTheServerSays) {
  for (auto level :
       {isolation::read_committed, isolation::repeatable_read, isolation::serializable}) {
    must(sql.begin(level, true));
    EXPECT_EQ(shown(sql, "transaction_isolation"), to_string(level));
    EXPECT_EQ(shown(sql, "transaction_read_only"), "on");
    EXPECT_EQ(must(sql.level()), level);
    must(sql.commit());
  }
}

TEST_F(SqlPostgres, ADeferredConstraintIsToldByTheCommit) {
  must(sql.execute("CREATE TABLE t (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)"));
  const auto done = transactional(
      sql, [](nexus::session& s) { return s.execute("INSERT INTO t VALUES (1), (1)"); });
  EXPECT_EQ(code_of(done), "constraint_violated");
  EXPECT_FALSE(sql.in_transaction());
  EXPECT_FALSE(sql.broken());
}

}}  // namespace nexus::test
