// The bank on PostgreSQL: nothing changes but the URI.
#include <gtest/gtest.h>

#include <algorithm>

#include "bank_fixture.hpp"
#include "cluster.hpp"
#include "kill_support.hpp"
#include "wait_until.hpp"

namespace samples {
namespace {

using nexus::test::cluster;
using std::chrono::milliseconds;

constexpr unsigned long long postings = 34'715;

class BankOnPostgres : public Bank {
 protected:
  [[nodiscard]] command_line line(command_line arguments, const std::string& uri) const {
    arguments.insert(arguments.begin(), BANK_PROGRAM);
    arguments.insert(arguments.end(), {"--journal", uri});
    return arguments;
  }
  [[nodiscard]] finished bank(command_line arguments, const std::string& uri) const {
    return run(line(std::move(arguments), uri), directory.path());
  }
  void expect_whole(const std::string& uri) const {
    const auto verified = bank({"verify"}, uri);
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
    EXPECT_TRUE(bank({"balances", "--csv"}, uri).out == expected_balances());
    EXPECT_EQ(cluster::value_at(uri, "SELECT count(*) FROM nexus_event_journal"), "34715");
  }
};

TEST_F(BankOnPostgres, BalancesAreTheSame) {
  const auto uri = cluster::shared().fresh_database();
  const auto imported = bank({"import", postings_csv()}, uri);
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(imported.err.find("bank:"), std::string::npos) << imported.err;
  expect_whole(uri);
  const auto again = bank({"import", postings_csv()}, uri);
  EXPECT_NE(again.out.find("nothing changed"), std::string::npos) << again.out;

  const auto moved =
      bank({"transfer", "Assets:US:BofA:Checking", "Assets:US:ETrade:Cash", "1.00", "USD"}, uri);
  EXPECT_EQ(moved.code, 0) << moved.out << moved.err;
  EXPECT_EQ(bank({"verify"}, uri).code, 0);
}

// As often as the ledger lasts: between two crashes a few thousand postings get through.
TEST_F(BankOnPostgres, AnImportSurvivesCrashesOfTheServer) {
  cluster own;  // with fsync
  auto random = random_source();
  const auto most = static_cast<unsigned>(times(6'000, 2'000));
  for (int round = 0; round < times(1, 6); ++round) {
    const auto uri = own.fresh_database();
    auto stored = [&] {
      try {
        return std::stoull(cluster::value_at(uri, "SELECT count(*) FROM nexus_event_journal"));
      } catch (const std::exception&) {
        return 0ULL;  // there are no tables yet
      }
    };
    process import{line({"import", postings_csv()}, uri), directory.path()};
    int crashes = 0;
    for (auto last = stored(); last < postings; last = stored()) {
      const auto until = std::min(last + 1 + random() % most, postings);
      ASSERT_TRUE(nexus::test::wait_until([&] { return stored() >= until; }, milliseconds{60'000}))
          << stored() << " of " << until;
      own.stop_immediate();
      own.start();
      ++crashes;
    }
    EXPECT_EQ(import.wait(), 0) << import.out() << import.err();
    expect_whole(uri);
    std::cout << crashes << " crashes\n";
    EXPECT_GE(crashes, 2);
  }
}

TEST_F(BankOnPostgres, AnImportKilledAtAnyMomentIsResumed) {
  const auto uri = cluster::shared().fresh_database();
  auto random = random_source();
  int kills = 0;
  for (int i = 0; i < times(5, 200); ++i) {
    process import{line({"import", postings_csv()}, uri), directory.path()};
    if (import.read_for(milliseconds{50 + random() % 600})) break;
    kills += import.kill() ? 1 : 0;
    import.wait();
  }
  EXPECT_GE(kills, 2) << "of an import that takes seconds";
  EXPECT_EQ(bank({"import", postings_csv()}, uri).code, 0);
  expect_whole(uri);
}

// As far as a client can see: from some moment on there is no room for any event.
TEST_F(BankOnPostgres, AFullDiskEndsAnImportWithTheReasonAndRoomResumesIt) {
  const auto uri = cluster::shared().fresh_database();
  const auto empty = file("empty.csv", header);
  ASSERT_EQ(bank({"import", empty}, uri).code, 0);
  cluster::execute_at(
      uri,
      "CREATE SEQUENCE batches;"
      "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('batches') > 5 THEN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = "
      "'could not extend file \"base/1/2\": No space left on device'; END IF; RETURN NULL; END $$;"
      "CREATE TRIGGER full_disk AFTER INSERT ON nexus_event_journal "
      "FOR EACH STATEMENT EXECUTE FUNCTION full_disk()");
  const auto full = bank({"import", postings_csv(), "--patience", "2"}, uri);
  EXPECT_EQ(full.code, 2) << full.err;
  const auto at = full.err.rfind("\nbank: ", full.err.size() - 2);
  const auto last = full.err.substr(at == std::string::npos ? 0 : at + 1);
  for (const auto* part : {"No space left on device", "SQLSTATE 53100", "given up after 2 s",
                           "import again to go on"}) {
    EXPECT_NE(last.find(part), std::string::npos) << full.err;
  }
  cluster::execute_at(uri, "DROP TRIGGER full_disk ON nexus_event_journal");
  EXPECT_EQ(bank({"import", postings_csv()}, uri).code, 0);
  expect_whole(uri);
}

// The same program goes on when there is room again.
TEST_F(BankOnPostgres, AnImportOutlastsADiskThatIsFullForAWhile) {
  const auto uri = cluster::shared().fresh_database();
  ASSERT_EQ(bank({"import", file("empty.csv", header)}, uri).code, 0);
  cluster::execute_at(
      uri,
      "CREATE SEQUENCE refused;"
      "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('refused') > 0 THEN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = "
      "'No space left on device'; END IF; RETURN NULL; END $$;"
      "CREATE TRIGGER full_disk AFTER INSERT ON nexus_event_journal "
      "FOR EACH STATEMENT EXECUTE FUNCTION full_disk()");
  process import{line({"import", postings_csv(), "--patience", "600"}, uri), directory.path()};
  ASSERT_TRUE(nexus::test::wait_until(
      [&] { return std::stoi(cluster::value_at(uri, "SELECT last_value FROM refused")) > 10; },
      milliseconds{60'000}));
  cluster::execute_at(uri, "DROP TRIGGER full_disk ON nexus_event_journal");
  EXPECT_EQ(import.wait(), 0) << import.err();
  expect_whole(uri);
}

TEST_F(BankOnPostgres, APasswordIsInNoMessage) {
  const auto& pg = cluster::shared();
  const std::string bad = pg.tcp_uri("no_such_bank", pg.port(), "postgres", "hush%2Fhush");
  for (const auto& command :
       {command_line{"balances"}, {"verify"}, {"history", "x"}, {"import", postings_csv()}}) {
    const auto done = bank(command, bad);
    EXPECT_NE(done.code, 0);
    EXPECT_EQ((done.out + done.err).find("hush"), std::string::npos) << done.err;
    EXPECT_EQ(std::ranges::count(done.err, '\n'), 1) << done.err;
  }
}

}  // namespace
}  // namespace samples
