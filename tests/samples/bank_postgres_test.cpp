// The bank on PostgreSQL: only the URI changes.
#include <gtest/gtest.h>

#include <algorithm>

#include "bank_fixture.hpp"
#include "cluster.hpp"
#include "kill_support.hpp"
#include "wait_until.hpp"

namespace samples { namespace {

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
    EXPECT_EQ(stored(uri), postings);
  }
  /// The number of stored events; 0 while there are no tables, or no server.
  [[nodiscard]] static unsigned long long stored(const std::string& uri) {
    try {
      return std::stoull(cluster::value_at(uri, "SELECT count(*) FROM nexus_event_journal"));
    } catch (const std::exception&) {
      return 0;
    }
  }
  /// Waits until the import at `uri` has stored up to `most` more events; returns the total.
  static unsigned long long wait_for_more(const std::string& uri, unsigned long long most) {
    const auto until = std::min(stored(uri) + most, postings);
    EXPECT_TRUE(nexus::test::wait_until([&] { return stored(uri) >= until; }, milliseconds{60'000}))
        << stored(uri) << " of " << until;
    return stored(uri);
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

TEST_F(BankOnPostgres, ProcessesAtOnceRebuildAndReadTheSameBalances) {
  const auto uri = cluster::shared().fresh_database();
  ASSERT_EQ(bank({"import", postings_csv()}, uri).code, 0);
  process first{line({"rebuild"}, uri), directory.path()};
  process second{line({"rebuild"}, uri), directory.path()};
  for (int i = 0; i < 3; ++i) {
    const auto read = bank({"balances", "--csv"}, uri);
    EXPECT_EQ(read.code, 0) << read.err;
    EXPECT_TRUE(read.out == expected_balances());
  }
  for (auto* one : {&first, &second}) {
    EXPECT_EQ(one->wait(), 0) << one->err();
    EXPECT_NE(one->out().find("events       34,715 in "), std::string::npos) << one->out();
  }
  expect_whole(uri);
}

// Until the ledger is done: a few thousand postings get through between two crashes.
TEST_F(BankOnPostgres, AnImportSurvivesCrashesOfTheServer) {
  cluster own;  // with fsync
  auto random = random_source();
  const auto most = static_cast<unsigned>(times(6'000, 2'000));
  const int wanted = times(2, 100);
  int crashes = 0;
  while (crashes < wanted && !HasFailure()) {
    const auto uri = own.fresh_database();
    process import{line({"import", postings_csv()}, uri), directory.path()};
    while (stored(uri) < postings && !HasFailure()) {
      wait_for_more(uri, 1 + random() % most);
      own.stop_immediate();
      own.start();
      ++crashes;
    }
    EXPECT_EQ(import.wait(), 0) << import.out() << import.err();
    expect_whole(uri);
  }
  std::cout << crashes << " crashes\n";
}

// The moments are counted in events, not in milliseconds: a fast machine imports in a few hundred
// ms.
TEST_F(BankOnPostgres, AnImportKilledAtAnyMomentIsResumed) {
  auto random = random_source();
  const int wanted = times(2, 200);
  int halfway = 0;
  while (halfway < wanted && !HasFailure()) {
    const auto uri = cluster::shared().fresh_database();
    while (stored(uri) < postings && !HasFailure()) {
      process import{line({"import", postings_csv()}, uri), directory.path()};
      const auto seen = wait_for_more(uri, random() % 6'000);  // 0: a program that has just started
      (void)import.kill();
      import.wait();
      halfway += seen > 0 && seen < postings ? 1 : 0;
    }
    EXPECT_EQ(bank({"import", postings_csv()}, uri).code, 0);
    expect_whole(uri);
  }
  std::cout << halfway << " kills halfway\n";
}

// As seen by a client: from some moment on no event fits.
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

// The same program continues when there is room again.
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

}}  // namespace samples
