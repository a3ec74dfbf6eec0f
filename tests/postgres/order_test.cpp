// The order of the whole journal, when transactions end in another order than they began.
#include <libpq-fe.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <map>
#include <nexus/live_reader.hpp>
#include <nexus/log.hpp>
#include <nexus/nexus.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "journal_fixture.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

// A transaction by plain SQL that appends an event, and commits on demand.
class open_transaction {
 public:
  open_transaction(const std::string& uri, const std::string& id, int number)
      : to_{PQconnectdb((uri + "&application_name=slowpoke").c_str()), &PQfinish} {
    run("BEGIN");
    run("INSERT INTO nexus_event_journal (persistence_id, sequence_nr, transaction_id, position, "
        "event_type, schema_version, codec, event_data, metadata, writer_id, timestamp, slice) "
        "VALUES "
        "('" +
        id + "', " + std::to_string(number) +
        ", pg_current_xact_id(), 1, 't', 1, 'msgpack', '', '', '01ARZ3NDEKTSV4RRFFQ69G5FAV', "
        "now(), 0)");
  }
  void commit() { run("COMMIT"); }
  [[nodiscard]] int pid() const { return PQbackendPID(to_.get()); }

 private:
  void run(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> done{PQexec(to_.get(), sql.c_str()),
                                                             &PQclear};
    if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) {
      throw std::runtime_error{PQerrorMessage(to_.get())};
    }
  }
  std::unique_ptr<PGconn, decltype(&PQfinish)> to_;
};

// A separate server: open transactions of other tests would hold readers back, too.
class PostgresOrder : public ::testing::Test {
 protected:
  static cluster& pg() {
    // Autovacuum's analysing is a transaction like any other.
    static cluster own{{.fsync = false, .parent = {}, .settings = {"autovacuum = off"}}};
    return own;
  }
  std::string read_on() {
    std::string seen;
    must(reader->read_all(at, 1'000, [&](const persistence_id& id, const record_view& r) {
      seen += (seen.empty() ? "" : " ") + std::string{id.id()} + std::to_string(r.number);
      at = r.at;
      return true;
    }));
    return seen;
  }

  const std::string uri = pg().fresh_database();
  std::shared_ptr<journal> store = open_journal(uri);
  std::unique_ptr<journal_session> reader = must(store->open_session());
  position at;
};

TEST_F(PostgresOrder, AReaderWaitsForTransactionsThatBeganEarlierAndCommitLater) {
  open_transaction first{uri, "t|a", 1};
  open_transaction second{uri, "t|b", 1};
  open_transaction third{uri, "t|c", 1};
  third.commit();
  EXPECT_EQ(read_on(), "") << "the first two may come before it";
  first.commit();
  EXPECT_EQ(read_on(), "a1") << "the second may come before the third";
  second.commit();
  EXPECT_EQ(read_on(), "b1 c1");
  EXPECT_EQ(read_on(), "");
}

TEST_F(PostgresOrder, OneThatRollsBackIsWaitedForAndLeavesNothing) {
  {
    open_transaction gone{uri, "t|a", 1};
    open_transaction stays{uri, "t|b", 1};
    stays.commit();
    EXPECT_EQ(read_on(), "");
  }
  EXPECT_TRUE(wait_until([&] { return read_on() == "b1"; }));
}

TEST_F(PostgresOrder, EachEventIsSeenOnceWhateverTheOrderOfCommits) {
  std::map<std::string, int> seen;
  std::mt19937 random{7};
  std::vector<std::unique_ptr<open_transaction>> open;
  terse_session writer{must(store->open_session())};
  const auto id = testkit::must(persistence_id::make("t", "w"));
  int begun = 0;
  int appended = 0;
  auto look = [&] {
    must(reader->read_all(at, 1'000, [&](const persistence_id& of, const record_view& r) {
      EXPECT_LT(at, r.at);
      ++seen[of.str() + "#" + std::to_string(r.number)];
      at = r.at;
      return true;
    }));
  };
  for (int step = 0; step < 400; ++step) {
    const auto pick = random() % 4;
    if (pick == 0 && open.size() < 8) {
      open.push_back(std::make_unique<open_transaction>(uri, "t|" + std::to_string(++begun), 1));
    } else if (pick == 1 && !open.empty()) {
      const auto which = random() % open.size();
      open[which]->commit();
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
    } else if (pick == 2) {
      ASSERT_EQ(writer.append(id, static_cast<sequence_nr>(appended), {"e"}), "stored");
      ++appended;
    } else {
      look();
    }
  }
  for (auto& one : open) one->commit();
  EXPECT_TRUE(wait_until([&] {
    look();
    return seen.size() == static_cast<std::size_t>(begun + appended);
  }));
  for (const auto& [event, times] : seen) EXPECT_EQ(times, 1) << event;
}

TEST_F(PostgresOrder, TheHolderOfReadersIsNamed) {
  EXPECT_FALSE(must(reader->held_back()));
  open_transaction slow{uri, "t|a", 1};
  EXPECT_FALSE(must(reader->held_back())) << "nothing waits for it yet";
  open_transaction quick{uri, "t|b", 1};
  quick.commit();
  const auto who = must(reader->held_back());
  ASSERT_TRUE(who);
  EXPECT_NE(who->find("pid " + std::to_string(slow.pid())), std::string::npos) << *who;
  EXPECT_NE(who->find("slowpoke"), std::string::npos) << *who;
  EXPECT_NE(who->find("idle in transaction"), std::string::npos) << *who;
  slow.commit();
  EXPECT_FALSE(must(reader->held_back()));
}

TEST_F(PostgresOrder, TheHolderOfAChangedStateIsNamed) {
  auto numbered = uri + "&indexes=states";
  must(must(nexus::open_schema(numbered))->create());
  terse_session states{must(store->open_session())};
  ASSERT_EQ(states.upsert("t|old"_id, 0, 1, "one"), "stored");
  const auto passed = [&] {
    std::string all;
    must(reader->read_states(position{}, 10, [&](const persistence_id&, const auto& state) {
      all += std::to_string(state.version);
      return true;
    }));
    return all;
  };
  ASSERT_TRUE(wait_until([&] { return passed() == "1"; }));
  open_transaction slow{uri, "t|a", 1};
  EXPECT_FALSE(must(reader->held_back())) << "nothing waits for it yet";
  ASSERT_EQ(states.upsert("t|old"_id, 1, 2, "two"), "stored");
  EXPECT_EQ(passed(), "") << "not the former state either, which is no more";
  const auto who = must(reader->held_back());
  ASSERT_TRUE(who);
  EXPECT_NE(who->find("pid " + std::to_string(slow.pid())), std::string::npos) << *who;
  slow.commit();
  EXPECT_TRUE(wait_until([&] { return passed() == "2"; }));
  EXPECT_FALSE(must(reader->held_back()));
}

TEST_F(PostgresOrder, AStateHoldsNothingBackWhereChangesAreNotNumbered) {
  terse_session states{must(store->open_session())};
  open_transaction slow{uri, "t|a", 1};
  ASSERT_EQ(states.upsert("t|old"_id, 0, 1, "one"), "stored");
  EXPECT_FALSE(must(reader->held_back()));
}

TEST_F(PostgresOrder, APreparedTransactionIsNamedToo) {
  cluster::execute_at(
      uri, "BEGIN; INSERT INTO nexus_meta VALUES ('x', 1); PREPARE TRANSACTION 'forgotten'");
  open_transaction quick{uri, "t|b", 1};
  quick.commit();
  const auto who = must(reader->held_back());
  ASSERT_TRUE(who);
  EXPECT_NE(who->find("forgotten"), std::string::npos) << *who;
  cluster::execute_at(uri, "ROLLBACK PREPARED 'forgotten'");
  EXPECT_EQ(read_on(), "b1");
}

TEST_F(PostgresOrder, ALiveReaderWarnsOfItsHolder) {
  std::ostringstream logged;  // on this thread, which reads
  use_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged)));
  auto opened = nexus::open(uri);
  ASSERT_TRUE(opened) << opened.error().message;
  auto live =
      must(live_reader::open(*opened, {}, {.poll_every = 50ms, .lag_warning_after = 200ms}));
  open_transaction slow{uri, "t|a", 1};
  open_transaction quick{uri, "t|b", 1};
  quick.commit();
  int seen = 0;
  auto count = [&](const persistence_id&, const record_view&) { return ++seen > 0; };
  EXPECT_TRUE(wait_until([&] {
    EXPECT_EQ(must(live.read(count, 50ms)), 0u);
    return logged.str().find("pid " + std::to_string(slow.pid())) != std::string::npos;
  })) << logged.str();
  slow.commit();
  EXPECT_TRUE(wait_until([&] {
    must(live.read(count, 50ms));
    return seen == 2;
  }));
  use_logger({});
}

TEST_F(PostgresOrder, ANewEventWakesAWatchOfAnotherJournal) {
  auto other = open_journal(uri);
  auto watch = must(other->watch());
  terse_session writer{must(store->open_session())};
  const auto id = testkit::must(persistence_id::make("t", "w"));
  for (sequence_nr n = 0; n < 3; ++n) {
    std::jthread later{[&] { EXPECT_EQ(writer.append(id, n, {"e"}), "stored"); }};
    const auto begun = std::chrono::steady_clock::now();
    must(watch->wait(30s));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s) << "not by polling";
  }
}

TEST_F(PostgresOrder, TablesRestoredFromAServerThatWasFurtherAreRefusedAndRenumbered) {
  terse_session writer{must(store->open_session())};
  const auto id = testkit::must(persistence_id::make("t", "w"));
  ASSERT_EQ(writer.append(id, 0, {"a", "b"}), "stored");
  cluster::execute_at(uri, "UPDATE nexus_event_journal SET transaction_id = '99999999999'");
  EXPECT_NE(why_not_opened(uri).find("restored"), std::string::npos) << why_not_opened(uri);
  EXPECT_EQ(must(must(nexus::open_schema(uri))->migrate()), 3u);
  EXPECT_EQ(why_not_opened(uri), "");
  ASSERT_EQ(writer.append(id, 2, {"c"}), "stored");
  // The store sends its notifications in separate transactions, which hold readers back as well.
  std::string seen;
  EXPECT_TRUE(wait_until([&] {
    const auto more = read_on();
    seen += (seen.empty() || more.empty() ? "" : " ") + more;
    return seen == "w1 w2 w3";
  })) << seen;
}

}}  // namespace nexus::test
