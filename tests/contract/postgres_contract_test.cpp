// Through a proxy that cuts the connection at the commit of an append: before, after and during it.
#include <array>
#include <nexus/postgres.hpp>
#include <nexus/testkit/contract/fixture.hpp>
#include <stdexcept>

#include "cluster.hpp"
#include "proxy.hpp"
#include "wait_until.hpp"

namespace {

using nexus::test::cluster;
using nexus::test::fault;

nexus::test::proxy& network() {
  static nexus::test::proxy made{cluster::shared().port()};
  return made;
}

constexpr std::string_view of_nexus = "&indexes=states";

std::string fresh_journal() {
  auto& pg = cluster::shared();
  const auto direct = pg.fresh_schema();
  const auto options = direct.substr(direct.find("&options="));
  return pg.tcp_uri(nexus::test::database_of(direct), network().port()) + options +
         std::string{of_nexus};
}

/// Runs SQL on a connection of libpq, which knows no parameters of Nexus.
void run_sql(const std::string& uri, const std::string& sql) {
  cluster::execute_at(uri.substr(0, uri.find(of_nexus)), sql);
}

void lose_next_answer(nexus::journal_session&) {
  constexpr std::array each{fault::cut_before, fault::cut_after, fault::hold};
  static std::size_t turn = 0;
  network().once(each[turn++ % each.size()], [](const nexus::test::unit& sent) {
    return std::ranges::any_of(sent.executed, [](const std::string& name) {
      return name == "append_events" || name == "upsert_states" || name == "set_alarms" ||
             name == "set_state_alarms";
    });
  });
}

// A deferred constraint, which fails the commit as a full disk would.
void fail_commits(const std::string& uri, bool fail) {
  if (fail) {
    run_sql(uri,
            "CREATE FUNCTION commit_fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE 'no space left, says the test' USING ERRCODE = '53100'; END $$");
  }
  for (std::string table :
       {"nexus_event_journal", "nexus_snapshot_store", "nexus_durable_state", "nexus_alarms"}) {
    run_sql(uri,
            fail ? "CREATE CONSTRAINT TRIGGER commit_fails AFTER INSERT OR UPDATE OR DELETE ON " +
                       table +
                       " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commit_fails()"
                 : "DROP TRIGGER commit_fails ON " + table);
  }
  if (!fail) run_sql(uri, "DROP FUNCTION commit_fails()");
}

void let_arrive() {
  network().release();
  if (!nexus::test::wait_until([] { return network().released(); })) {
    throw std::runtime_error{"what was held back did not arrive"};
  }
}

void damage(const std::string& uri, const nexus::persistence_id& id, nexus::sequence_nr number) {
  run_sql(uri,
          "UPDATE nexus_event_journal SET writer_id = 'nobody' WHERE persistence_id "
          "= '" +
              id.str() + "' AND sequence_nr = " + std::to_string(number));
}

// Tables with a journal's names that are not a journal.
std::vector<std::string> foreign_schemas() {
  const auto alike = fresh_journal();
  run_sql(alike, "CREATE TABLE nexus_meta (name text, value bigint)");
  const auto other = fresh_journal();
  run_sql(other, "CREATE TABLE nexus_event_journal (number int)");
  return {alike, other};
}

void make_newer(const std::string& uri) {
  run_sql(uri, "UPDATE nexus_meta SET value = 99 WHERE name = 'schema_version'");
}

}  // namespace

using nexus::testkit::JournalContract;

INSTANTIATE_TEST_SUITE_P(Postgres, JournalContract,
                         ::testing::Values(nexus::testkit::journal_under_test{
                             .name = "postgres",
                             .backend = nexus::postgres_backend(),
                             .fresh = fresh_journal,
                             .lose_next_answer = lose_next_answer,
                             .let_arrive = let_arrive,
                             .fail_commits = fail_commits,
                             .damage = damage,
                             .foreign = foreign_schemas,
                             .make_newer = make_newer}));
