// Errors of opening, each in one clear line that names the thing and no password.
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "fake_server.hpp"
#include "journal_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

class PostgresOpening : public PostgresTest {
 protected:
  // One line, not much longer than a terminal is wide, without secrets.
  void expect_line(const std::string& uri, const std::vector<std::string>& parts) {
    const auto why = why_not_opened(uri);
    EXPECT_FALSE(why.empty()) << uri;
    for (const auto& part : parts) EXPECT_NE(why.find(part), std::string::npos) << why;
    EXPECT_EQ(why.find('\n'), std::string::npos) << why;
    EXPECT_EQ(why.find("hush"), std::string::npos) << why;
    EXPECT_LT(why.size(), 320u) << why;
  }

  std::string database() { return database_of(pg.fresh_database()); }

  // A new user with a password that must never be shown.
  std::string user(const std::string& rights, const std::string& in) {
    static int count = 0;
    auto name = "u" + std::to_string(getpid()) + "_" + std::to_string(++count);
    pg.execute("CREATE ROLE " + name + " LOGIN PASSWORD 'hush'; " + rights, in);
    users_.push_back(name);
    return name;
  }

  void TearDown() override {
    for (const auto& name : users_) {
      for (const auto& db : databases_of_users_) pg.execute("DROP OWNED BY " + name, db);
      pg.execute("DROP ROLE IF EXISTS " + name);
    }
  }

  std::vector<std::string> users_, databases_of_users_;
};

TEST_F(PostgresOpening, AServerThatIsNotThere) {
  const auto port = std::to_string(unused_port());
  expect_line("postgresql://bob:hush@127.0.0.1:" + port + "/bank",
              {"postgresql://bob:***@127.0.0.1:" + port + "/bank", "cannot open",
               "Connection refused; Is the server"});
  expect_line("postgresql:///bank?host=/nowhere/at/all", {"/nowhere/at/all", "No such file"});
  expect_line("postgresql://no-such-host.invalid/bank", {"no-such-host.invalid"});
}

TEST_F(PostgresOpening, AServerThatDoesNotAnswerIsGivenUp) {
  const silent_server silent;
  const auto before = std::chrono::steady_clock::now();
  expect_line("postgresql://bob:hush@127.0.0.1:" + std::to_string(silent.port()) +
                  "/bank?connect_timeout=2",
              {"timeout expired"});
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{10});
}

TEST_F(PostgresOpening, AWrongPassword) {
  const auto db = database();
  const auto name = user("", db);
  expect_line(pg.tcp_uri(db, pg.port(), name, "hush%20not"),
              {"password authentication failed", name});
}

TEST_F(PostgresOpening, AMissingDatabase) {
  expect_line(pg.tcp_uri("no_such_bank"), {"database \"no_such_bank\" does not exist"});
}

TEST_F(PostgresOpening, AnEncodingThatLosesLetters) {
  const auto name = "latin_" + std::to_string(getpid());
  pg.execute("CREATE DATABASE " + name + " ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
  expect_line(pg.uri(name), {"encoding is LATIN1, not UTF8"});
  pg.execute("DROP DATABASE " + name);
}

TEST_F(PostgresOpening, AServerThatIsTooOld) {
  const old_server old{"12.17"};
  expect_line("postgresql://bob:hush@127.0.0.1:" + std::to_string(old.port()) + "/bank",
              {"PostgreSQL 12.17", "too old", "13"});
}

TEST_F(PostgresOpening, AUserWithReadAccessOnly) {
  const auto uri = pg.fresh_database();
  const auto db = database_of(uri);
  must(postgres_backend().open(must(nexus::uri::parse(uri))));
  const auto name = user("", db);
  databases_of_users_.push_back(db);
  pg.execute("GRANT USAGE ON SCHEMA public TO " + name +
                 "; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + name,
             db);
  expect_line(pg.tcp_uri(db, pg.port(), name, "hush"),
              {"user " + name + " may not write nexus_event_journal"});
  expect_line(uri + "&options=-cdefault_transaction_read_only%3Don", {"read-only"});
}

TEST_F(PostgresOpening, AUserWithoutTheRightToMakeTables) {
  const auto db = database();
  const auto name = user("", db);
  expect_line(pg.tcp_uri(db, pg.port(), name, "hush"), {"permission denied for schema public"});
}

TEST_F(PostgresOpening, AUserWithNoMoreThanTheRightsOfATableIsEnough) {
  const auto uri = pg.fresh_database();
  const auto db = database_of(uri);
  must(postgres_backend().open(must(nexus::uri::parse(uri))));
  const auto name = user("", db);
  databases_of_users_.push_back(db);
  pg.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + name, db);
  auto store = open_journal(pg.tcp_uri(db, pg.port(), name, "hush"));
  terse_session session{must(store->open_session())};
  EXPECT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  session.erase_to(alice, 2);
  EXPECT_EQ(session.highest(alice), 2u);
}

// With an unknown server certificate: TLS is used if required, and refused if verified.
TEST_F(PostgresOpening, TlsIsChosenInTheAddress) {
  cluster own{{.fsync = false}};
  const auto key = own.socket_dir() + "/key.pem";
  const auto certificate = own.socket_dir() + "/certificate.pem";
  const auto make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout " + key +
      " -out " + certificate + " 2>/dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  struct stat directory {};
  ASSERT_EQ(stat(own.socket_dir().c_str(), &directory), 0);
  ASSERT_EQ(chown(key.c_str(), directory.st_uid, directory.st_gid), 0);
  ASSERT_EQ(chmod(key.c_str(), S_IRUSR), 0);
  own.execute("ALTER SYSTEM SET ssl_cert_file = '" + certificate + "'");
  own.execute("ALTER SYSTEM SET ssl_key_file = '" + key + "'");
  own.execute("ALTER SYSTEM SET ssl = on");
  own.execute("SELECT pg_reload_conf()");

  const auto plain = own.tcp_uri(database_of(own.fresh_database()));
  auto with = [&](const std::string& mode) {
    auto uri = plain;
    return uri.replace(uri.find("sslmode=disable"), 15, "sslmode=" + mode);
  };
  std::string why;
  EXPECT_TRUE(wait_until([&] { return (why = why_not_opened(with("require"))).empty(); })) << why;
  auto store = open_journal(with("require"));
  terse_session session{must(store->open_session())};
  EXPECT_EQ(session.append(alice, 0, {"a"}), "stored");
  EXPECT_EQ(
      cluster::value_at(own.uri(database_of(plain)),
                        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"),
      "t");
  expect_line(with("verify-full"), {"certificate"});
}

TEST_F(PostgresOpening, ParametersThatMakeNoSense) {
  const auto uri = pg.uri();
  expect_line(uri + "&no_such_parameter=1", {"no_such_parameter"});
  expect_line(uri + "&writers=0", {"writers is \"0\"", "1 to 64"});
  expect_line(uri + "&writers=many", {"writers is \"many\""});
  expect_line(uri + "&schema=Bank%22", {"schema is \"Bank\"\""});
  expect_line(uri + "&table_prefix=x-", {"table_prefix is \"x-\""});
  expect_line(uri + "&statement_timeout=soon", {"statement_timeout is \"soon\""});
  expect_line("postgresql://bob:hush@127.0.0.1:port/bank", {"port"});
  expect_line("postgresql://bob:hush%zz@127.0.0.1/bank", {"percent"});
  expect_line("postgresql://bob:hush@[::1/bank", {"postgresql://bob:***@[::1/bank"});
  expect_line(uri + "&sslmode=perhaps", {"sslmode"});
}

TEST_F(PostgresOpening, OtherPeoplesTables) {
  const auto uri = pg.fresh_database();
  cluster::execute_at(uri, "CREATE TABLE nexus_event_journal (x int)");
  expect_line(uri, {"is not a Nexus journal", "nexus_event_journal but no nexus_meta"});
}

TEST_F(PostgresOpening, ANewerAndAnOlderSchema) {
  const auto uri = pg.fresh_database();
  must(postgres_backend().open(must(nexus::uri::parse(uri))));
  cluster::execute_at(uri, "UPDATE nexus_meta SET value = 99 WHERE name = 'schema_version'");
  expect_line(uri, {"newer Nexus", "99"});
}

TEST_F(PostgresOpening, TablesThatAreToExistAndDoNot) {
  expect_line(pg.fresh_database() + "&tables=existing", {"has no tables", "tables=existing"});
}

TEST_F(PostgresOpening, AColumnThatIsMissing) {
  const auto uri = pg.fresh_database();
  must(postgres_backend().open(must(nexus::uri::parse(uri))));
  cluster::execute_at(uri, "ALTER TABLE nexus_event_journal DROP COLUMN metadata");
  expect_line(uri, {"column nexus_event_journal.metadata is missing"});
}

TEST_F(PostgresOpening, ManyAtOnceMakeTheTablesOnce) {
  const auto uri = pg.fresh_database();
  std::vector<std::jthread> all;
  for (int i = 0; i < 6; ++i) {
    all.emplace_back([&] { EXPECT_EQ(why_not_opened(uri), ""); });
  }
}

}}  // namespace nexus::test
