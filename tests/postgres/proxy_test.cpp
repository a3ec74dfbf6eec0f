// The failing network of the other tests: that it fails at the right place.
#include "proxy.hpp"

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <signal.h>

#include <memory>
#include <string>

#include "cluster.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

// A client like the backend: prepared statements, a pipeline, one Sync per transaction.
class client {
 public:
  explicit client(const std::string& uri) : to_{PQconnectdb(uri.c_str()), &PQfinish} {
    if (PQstatus(to_.get()) != CONNECTION_OK) return;
    PQclear(PQprepare(to_.get(), "append_events", "INSERT INTO t VALUES ($1)", 0, nullptr));
    PQclear(PQprepare(to_.get(), "read", "SELECT count(*) FROM t WHERE n = $1", 0, nullptr));
  }

  [[nodiscard]] bool connected() const { return PQstatus(to_.get()) == CONNECTION_OK; }
  [[nodiscard]] int socket() const { return PQsocket(to_.get()); }

  // Sends it and a Sync, without waiting.
  void send(const char* statement, const char* n) {
    PQenterPipelineMode(to_.get());
    PQsendQueryPrepared(to_.get(), statement, 1, &n, nullptr, nullptr, 0);
    PQpipelineSync(to_.get());
  }
  // Whether the answer came, up to the Sync's.
  bool answered() {
    bool fine = true;
    for (;;) {
      const std::unique_ptr<PGresult, decltype(&PQclear)> got{PQgetResult(to_.get()), &PQclear};
      if (!connected()) return false;
      const auto status = PQresultStatus(got.get());
      if (status == PGRES_PIPELINE_SYNC) return fine;
      if (got && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fine = false;
    }
  }
  bool run(const char* statement, const char* n) {
    send(statement, n);
    return answered();
  }
  // Whether no answer has come yet, although one was requested.
  bool silent() {
    PQconsumeInput(to_.get());
    return connected() && PQisBusy(to_.get()) == 1;
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> to_;
};

struct Proxy : testing::Test {
  cluster& pg = cluster::shared();
  const std::string db = pg.fresh_database();
  proxy net{pg.port()};

  Proxy() { cluster::execute_at(db, "CREATE TABLE t (n int)"); }
  [[nodiscard]] std::string uri() const { return pg.tcp_uri(database_of(db), net.port()); }
  [[nodiscard]] std::string stored() const {
    return cluster::value_at(db, "SELECT count(*) FROM t");
  }
};

TEST_F(Proxy, PassesOnAndCounts) {
  client c{uri()};
  ASSERT_TRUE(c.connected());
  EXPECT_TRUE(c.run("append_events", "1"));
  EXPECT_TRUE(c.run("read", "1"));
  EXPECT_EQ(stored(), "1");
  EXPECT_EQ(net.passed("append"), 1U);
  EXPECT_EQ(net.passed("read"), 1U);
  EXPECT_EQ(net.accepted(), 1U);
}

TEST_F(Proxy, ACutBeforeTheSyncStoresNothing) {
  client c{uri()};
  net.once(fault::cut_before, executes("append"));
  EXPECT_TRUE(c.run("read", "1"));
  EXPECT_FALSE(c.run("append_events", "1"));
  ASSERT_TRUE(wait_until([&] { return net.happened() == 1; }));
  EXPECT_EQ(stored(), "0");
}

TEST_F(Proxy, ACutAfterTheSyncStoresIt) {
  client c{uri()};
  net.once(fault::cut_after, executes("append"));
  EXPECT_FALSE(c.run("append_events", "1"));
  ASSERT_TRUE(wait_until([&] { return net.happened() == 1; }));
  EXPECT_EQ(stored(), "1");
  EXPECT_TRUE(client{uri()}.run("append_events", "2"));  // once
}

TEST_F(Proxy, AHeldSyncIsStoredWhenTheClientHasLongGone) {
  {
    client c{uri()};
    net.once(fault::hold, executes("append"));
    EXPECT_FALSE(c.run("append_events", "1"));
  }
  EXPECT_EQ(net.happened(), 1U);
  EXPECT_FALSE(net.released());
  EXPECT_EQ(stored(), "0");
  EXPECT_TRUE(wait_until([&] { return pg.backends(db).size() == 1U; })) << "and who just asked";
  net.release();
  ASSERT_TRUE(wait_until([&] { return net.released(); }));
  EXPECT_EQ(stored(), "1");
}

TEST_F(Proxy, SilenceKeepsTheConnectionAndSaysNothing) {
  client before{uri()};
  client after{uri()};
  net.once(fault::silent_before, executes("append"));
  before.send("append_events", "1");
  ASSERT_TRUE(wait_until([&] { return net.happened() == 1; }));
  net.once(fault::silent_after, executes("append"));
  after.send("append_events", "2");
  ASSERT_TRUE(wait_until([&] { return stored() == "1"; }));
  EXPECT_TRUE(before.silent());
  EXPECT_TRUE(after.silent());
  EXPECT_EQ(net.open(), 2U);
}

TEST_F(Proxy, ASimpleQueryIsATransactionToo) {
  net.once(fault::cut_after, executes("COMMIT"));
  const auto three = "BEGIN; INSERT INTO t VALUES (1); COMMIT";
  cluster::execute_at(uri(), three);  // its text begins differently
  EXPECT_THROW(cluster::execute_at(uri(), "COMMIT"), std::runtime_error);
  EXPECT_EQ(stored(), "1");
}

TEST_F(Proxy, RefusesAndCutsWhenTold) {
  client c{uri()};
  net.refuse(true);
  EXPECT_FALSE(client{uri()}.connected());
  EXPECT_TRUE(c.run("read", "1"));
  net.cut();
  EXPECT_FALSE(c.run("read", "1"));
  net.refuse(false);
  EXPECT_TRUE(client{uri()}.connected());
  EXPECT_TRUE(wait_until([&] { return net.open() == 0; }));
}

TEST_F(Proxy, DelaysWhatEndsATransaction) {
  client c{uri()};
  net.delay(std::chrono::milliseconds{50});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(c.run("append_events", "1"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{50});
}

TEST_F(Proxy, AWholeSilenceTakesInNewConnectionsToo) {
  client c{uri()};
  net.silence();
  c.send("read", "1");
  EXPECT_FALSE(client{uri() + "&connect_timeout=2"}.connected());
  EXPECT_TRUE(c.silent());
}

TEST_F(Proxy, AServerThatIsGoneEndsItsConnections) {
  client c{uri()};
  for (const auto pid : pg.backends(db)) kill(pid, SIGTERM);
  EXPECT_FALSE(c.run("read", "1"));
  EXPECT_TRUE(wait_until([&] { return net.open() == 0; }));
}

TEST(Wire, TellsMessagesApartHoweverTheyArrive) {
  const std::string all = std::string{"\0\0\0\x08\x04\xd2\x16\x2f", 8} +          // SSLRequest
                          std::string{"\0\0\0\x09\0\x03\0\0\0", 9} +              // startup
                          std::string{"P\0\0\0\x13\0SELECT 1\0\0\0\0\0\0", 20} +  // unnamed
                          std::string{"B\0\0\0\x0e\0\0\0\0\0\0\0\0\0\0", 15} +    // of the above
                          std::string{"E\0\0\0\x09\0\0\0\0\0", 10} + std::string{"S\0\0\0\x04", 5};
  client_stream in;
  std::size_t messages = 0;
  std::vector<unit> units;
  std::string passed;
  for (const char c : all) {
    in.feed({&c, 1});
    while (auto m = in.next()) {
      ++messages;
      passed += m->bytes;
      if (m->ends) units.push_back(*m->ends);
    }
  }
  EXPECT_EQ(messages, 6U);
  EXPECT_EQ(passed, all);
  ASSERT_EQ(units.size(), 1U);
  EXPECT_EQ(units[0].executed, std::vector<std::string>{"SELECT 1"});
}

}}  // namespace nexus::test
