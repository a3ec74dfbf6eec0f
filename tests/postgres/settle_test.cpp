// Settling an append whose connection broke during its commit: the final truth.
#include <signal.h>

#include <future>

#include "journal_fixture.hpp"
#include "proxy.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

class PostgresSettle : public PostgresTest {
 protected:
  explicit PostgresSettle(cluster& on = cluster::shared()) : PostgresTest{on} {}

  void SetUp() override {
    direct = pg.fresh_database();
    through = pg.tcp_uri(database_of(direct), net.port());
    store = open_journal(through + "&statement_timeout=10000");
    sender = terse_session{must(store->open_session())};
    settler = terse_session{must(store->open_session())};
    ASSERT_EQ(sender.append(bob, 0, {"warm"}), "stored");
    beside = open_journal(direct);
    gate = must(beside->open_session());
  }

  // The answer of the settler when it knows the truth.
  std::string settled(const request& lost) {
    std::string truth;
    EXPECT_TRUE(wait_until([&] {
      truth = settled_by(settler, lost);
      return truth == "stored" || truth == "not stored";
    })) << truth;
    return truth;
  }

  // From now on the numbers belong to that request or to the next one.
  void expect_final(const request& lost, const std::string& truth) {
    const sequence_nr highest = truth == "stored" ? 2 : 0;
    EXPECT_EQ(settler.highest(alice), highest);
    EXPECT_EQ(settler.append(alice, highest, {"next"}), "stored");
    EXPECT_EQ(settler.settle(lost), truth);
    EXPECT_EQ(settler.history(alice), truth == "stored" ? "1:a 2:b 3:next" : "1:next");
  }

  // From now on an append waits until `gate` opens.
  void make_gate() {
    cluster::execute_at(direct,
                        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                        "PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$;"
                        "CREATE TRIGGER wait AFTER INSERT ON nexus_event_journal "
                        "FOR EACH STATEMENT EXECUTE FUNCTION wait()");
    must(gate->execute("SELECT pg_advisory_lock(4711)"));
  }
  void open_gate() { must(gate->execute("SELECT pg_advisory_unlock(4711)")); }

  proxy net{pg.port()};
  std::string direct, through;
  std::shared_ptr<journal> store, beside;
  std::unique_ptr<journal_session> gate;
  terse_session sender, settler;
  const request lost{alice, 0, {"a", "b"}};
};

class PostgresSettleAlone : public PostgresSettle {
 protected:
  PostgresSettleAlone() : PostgresSettle{own()} {}

 private:
  static cluster& own() {
    static cluster made{{.fsync = false}};
    return made;
  }
};

TEST_F(PostgresSettle, CutBeforeTheCommit) {
  net.once(fault::cut_before, executes("append"));
  ASSERT_EQ(sender.append(lost).substr(0, 7), "unknown");
  EXPECT_EQ(settled(lost), "not stored");
  expect_final(lost, "not stored");
}

TEST_F(PostgresSettle, CutAfterTheCommit) {
  net.once(fault::cut_after, executes("append"));
  ASSERT_EQ(sender.append(lost).substr(0, 7), "unknown");
  ASSERT_TRUE(wait_until([&] { return net.happened() == 1; })) << "else settling ends its session";
  EXPECT_EQ(settled(lost), "stored");
  expect_final(lost, "stored");
}

TEST_F(PostgresSettle, ACommitThatArrivesWhenItWasSettledChangesNothing) {
  net.once(fault::hold, executes("append"));
  ASSERT_EQ(sender.append(lost).substr(0, 7), "unknown");
  const auto truth = settled(lost);
  EXPECT_EQ(truth, "not stored") << "the transaction was open, and its session was ended";
  net.release();
  EXPECT_TRUE(wait_until([&] { return net.released(); }));
  expect_final(lost, truth);
}

// A read alone would say "not stored" here, and a moment later it would be stored.
TEST_F(PostgresSettleAlone, ABackendThatCommitsSecondsLaterIsWaitedFor) {
  cluster::execute_at(direct, "CREATE ROLE plain_" + database_of(direct) + " LOGIN PASSWORD 'pw'");
  cluster::execute_at(
      direct, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain_" +
                  database_of(direct) +
                  "; REVOKE EXECUTE ON FUNCTION pg_terminate_backend FROM PUBLIC");
  make_gate();
  store = open_journal(
      pg.tcp_uri(database_of(direct), net.port(), "plain_" + database_of(direct), "pw"));
  sender = terse_session{must(store->open_session())};
  settler = terse_session{must(store->open_session())};

  net.once(fault::silent_after, executes("append"));
  auto outcome = std::async(std::launch::async, [&] { return sender.append(lost); });
  ASSERT_TRUE(wait_until([&] { return net.happened() == 1; }));
  net.cut();
  ASSERT_EQ(outcome.get().substr(0, 7), "unknown");
  ASSERT_EQ(cluster::value_at(direct,
                              "SELECT count(*) FROM nexus_event_journal WHERE persistence_id "
                              "= 'account|alice'"),
            "0")
      << "not there yet";
  const auto undecided = settled_by(settler, lost);
  EXPECT_NE(undecided.find("lock timeout"), std::string::npos) << undecided;
  open_gate();
  EXPECT_EQ(settled(lost), "stored");
  expect_final(lost, "stored");
  cluster::execute_at(direct, "DROP OWNED BY plain_" + database_of(direct) + "; DROP ROLE plain_" +
                                  database_of(direct));
}

TEST_F(PostgresSettleAlone, ABackendThatStandsStillIsNotGuessedAbout) {
  const auto before = pg.backends(direct);
  net.once(fault::hold, executes("append"));
  // The server has received everything except the commit, and now stands still.
  ASSERT_EQ(sender.append(lost).substr(0, 7), "unknown");
  pid_t writer = 0;
  for (auto pid : before) {
    const auto holds = cluster::value_at(
        direct, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = " +
                    std::to_string(pid));
    if (holds == "1") writer = pid;
  }
  ASSERT_NE(writer, 0);
  ASSERT_EQ(kill(writer, SIGSTOP), 0);
  net.release();
  const auto undecided = settled_by(settler, lost);
  EXPECT_NE(undecided.find("lock timeout"), std::string::npos) << undecided;
  ASSERT_EQ(kill(writer, SIGCONT), 0);
  const auto truth = settled(lost);
  expect_final(lost, truth);
}

TEST_F(PostgresSettle, AServerThatFallsSilentIsGivenUpAndSettled) {
  store = open_journal(through + "&statement_timeout=1000");
  sender = terse_session{must(store->open_session())};
  net.once(fault::silent_after, executes("append"));
  EXPECT_EQ(sender.append(lost).substr(0, 7), "unknown");
  EXPECT_EQ(settled(lost), "stored");
  expect_final(lost, "stored");
}

TEST_F(PostgresSettle, ALostUpsertIsSettled) {
  for (auto what : {fault::cut_before, fault::cut_after}) {
    const auto id = what == fault::cut_before ? alice : bob;
    net.once(what, executes("upsert"));
    const testkit::put put{id, 0, 1, testkit::state("one")};
    ASSERT_EQ(sender.upsert(put).substr(0, 7), "unknown");
    const auto truth = what == fault::cut_before ? "not stored" : "stored";
    ASSERT_TRUE(wait_until([&] { return net.happened() == (id == alice ? 1u : 2u); }));
    std::string found;
    EXPECT_TRUE(wait_until([&] {
      return (found = settled_by(settler, static_cast<upsert_request>(put))) == truth;
    })) << found;
  }
}

TEST_F(PostgresSettle, AnUnsentAppendIsOfCertainOutcome) {
  net.refuse(true);
  net.cut();
  // The first one may find its connection broken while sending; then nothing was sent at all.
  std::string outcome;
  EXPECT_TRUE(wait_until([&] {
    outcome = sender.append(lost);
    return outcome.substr(0, 6) == "failed";
  })) << outcome;
  net.refuse(false);
  EXPECT_TRUE(wait_until([&] { return sender.append(lost) == "stored"; }))
      << "it comes back by itself";
}

}}  // namespace nexus::test
