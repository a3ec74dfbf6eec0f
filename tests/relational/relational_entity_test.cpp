// Relational entities on real databases.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <nexus/nexus.hpp>
#include <nexus/relational.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <string>
#include <vector>

#include "postgres/cluster.hpp"
#include "purchase.hpp"
#include "temporary_folder.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;
using testkit::must;

/// A seat, without a version: guarded by old values.
struct plain_seat_row {
  std::string hall;
  std::int64_t number = 0;
  std::string guest;
  std::int64_t uses = 0;
  MSGPACK_DEFINE_MAP(hall, number, guest, uses)
};
struct plain_seat {
  static constexpr std::string_view entity_type = "plain_seat";
  using row = plain_seat_row;
  static entity_rows<row> rows() {
    mapping<row> seats{"plain_seats"};
    seats.key({"hall", "number"});
    return entity_rows<row>{seats};
  }
  struct take {
    std::string guest;
  };
  struct use {};
  struct leave {};
  using command = std::variant<take, use, leave>;
  static effect<plain_seat, std::string> decide(const row& now, const take& c) {
    return persist([c](row& r) { r.guest = c.guest; })
        .then_reply([before = now.guest](const row&) -> std::string { return {before}; });
  }
  static effect<plain_seat, std::int64_t> decide(const row&, const use&) {
    return persist([](row& r) { ++r.uses; }).then_reply(&row::uses);
  }
  static effect<plain_seat> decide(const row&, const leave&) { return nexus::remove(); }
};

class Relational : public ::testing::TestWithParam<const char*> {
 protected:
  Relational() {
    for (const auto& sql : purchase_tables) run(sql);
    run("CREATE TABLE plain_seats (hall text NOT NULL, number bigint NOT NULL, guest text NOT "
        "NULL, uses bigint NOT NULL, PRIMARY KEY (hall, number))");
  }

  [[nodiscard]] bool is_sqlite() const {
    return std::string_view{GetParam()}.starts_with("sqlite");
  }
  static entity_options options(entity_options made = {}) {
    if (std::string_view{GetParam()}.ends_with("dedicated")) {
      made.connection = connection_mode::dedicated;
      made.dedicated_max = 4;
    }
    return made;
  }
  void run(std::string_view sql) { must(plain_->execute(sql)); }
  std::int64_t number(std::string_view sql) { return must(plain_->query<std::int64_t>(sql)).at(0); }
  template <class T>
  T got(asked<T> what) {
    return must(what.get(30s));
  }
  template <class T>
  error failed_with(asked<T> what) {
    auto done = what.get(30s);
    return done ? error{errc::rejected, "it worked"} : done.error();
  }

  temporary_folder folder_{};
  const std::string uri_ =
      is_sqlite() ? "sqlite:" + folder_.path("rows.db") : cluster::shared().fresh_schema();
  store store_ = must(nexus::open(uri_));
  std::unique_ptr<journal_session> plain_ = must(store_.open_session());
};

TEST_P(Relational, AnEntityIsARowWithTheRowsItOwns) {
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  ASSERT_TRUE(all.status()) << all.status().error().message;
  const auto one = all.of("7");
  EXPECT_EQ(got(one.ask(purchase::add_line{"nuts", 500})), 500);
  EXPECT_EQ(got(one.ask(purchase::add_line{"bolts", 200})), 700);
  EXPECT_EQ(got(one.ask(purchase::drop_line{1})), 200);
  EXPECT_EQ(got(one.ask(purchase::pay{})), 200);
  EXPECT_EQ(failed_with(one.ask(purchase::pay{})).code, errc::rejected);
  EXPECT_EQ(number("SELECT paid FROM purchases WHERE id = 7"), 200);
  EXPECT_EQ(number("SELECT max(line * 1000 + cents) FROM purchase_lines WHERE purchase = 7"), 2200);
  const auto shown = got(one.ask(purchase::show{}));
  EXPECT_EQ(shown.version, number("SELECT version FROM purchases"));
  EXPECT_EQ(shown.lines, (std::vector<purchase_line>{{7, 2, "bolts", 200}}));
  EXPECT_EQ(got(one.ask(purchase::cancel{})), 200) << "the reply is of the last row";
  EXPECT_EQ(number("SELECT count(*) FROM purchases"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM purchase_lines"), 0);
  EXPECT_TRUE(wait_until([&] { return all.live() == 0; }));
}

TEST_P(Relational, ARowIsLoadedAgainAfterTheEntityHasStopped) {
  {
    nexus::system sys{{.threads = 2}};
    entities<purchase> all{sys, store_, options()};
    got(all.of("1").ask(purchase::add_line{"nuts", 500}));
    got(all.of("1").ask(purchase::rename{"ann"}));
  }
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  const auto shown = got(all.of("1").ask(purchase::show{}));
  EXPECT_EQ(shown.buyer, "ann");
  EXPECT_EQ(shown.total(), 500);
  EXPECT_EQ(got(all.of("1").ask(purchase::rename{"bob"})), shown.version + 1);
}

TEST_P(Relational, WithoutARowTheAnswerIsNotFoundUntilThereIsOne) {
  nexus::system sys{{.threads = 2}};
  entities<plain_seat> seats{sys, store_, options()};
  ASSERT_TRUE(seats.status()) << seats.status().error().message;
  const auto why = failed_with(seats.of("red/5").ask(plain_seat::take{"ann"}));
  EXPECT_EQ(why.code, errc::not_found);
  EXPECT_EQ(why.message, "plain_seat|red/5: there is no such row in table plain_seats");
  run("INSERT INTO plain_seats VALUES ('red', 5, 'free', 0)");
  EXPECT_TRUE(wait_until([&] { return seats.live() == 0; }));
  EXPECT_EQ(got(seats.of("red/5").ask(plain_seat::take{"ann"})), "free");
  EXPECT_EQ(failed_with(seats.of("red/05").ask(plain_seat::use{})).code, errc::invalid_id);
  EXPECT_EQ(failed_with(seats.of("red").ask(plain_seat::use{})).code, errc::invalid_id);
  got(seats.of("red/5").ask(plain_seat::leave{}));
  EXPECT_EQ(number("SELECT count(*) FROM plain_seats"), 0);
  EXPECT_EQ(failed_with(seats.of("red/5").ask(plain_seat::use{})).code, errc::not_found);
}

/// Without a row it stays.
struct patient_seat {
  static constexpr std::string_view entity_type = "patient_seat";
  using row = plain_seat_row;
  static entity_rows<row> rows() { return plain_seat::rows().on_demand(); }
  struct guest {};
  struct take {
    std::string by;
  };
  using command = std::variant<guest, take>;
  static effect<patient_seat, std::string> decide(const row& now, const guest&) {
    return reply(now.guest);
  }
  static effect<patient_seat> decide(const row&, const take& c) {
    return persist([c](row& r) { r.guest = c.by; });
  }
};

TEST_P(Relational, OnDemandAnEntityStaysAndEachCommandLooksForTheRowAgain) {
  nexus::system sys{{.threads = 2}};
  entities<patient_seat> seats{sys, store_, options()};
  ASSERT_TRUE(seats.status()) << seats.status().error().message;
  const auto one = seats.of("red/5");
  for (int i = 0; i < 3; ++i) {
    const auto why = failed_with(one.ask(patient_seat::guest{}));
    EXPECT_EQ(why.code, errc::not_found);
    EXPECT_EQ(why.message, "patient_seat|red/5: there is no such row in table plain_seats");
    EXPECT_EQ(seats.live(), 1u);
  }
  std::deque<asked<std::string>> many;
  for (int i = 0; i < 100; ++i) many.push_back(one.ask(patient_seat::guest{}));
  for (auto& each : many) EXPECT_EQ(failed_with(std::move(each)).code, errc::not_found);
  run("INSERT INTO plain_seats VALUES ('red', 5, 'free', 0)");
  EXPECT_EQ(got(one.ask(patient_seat::guest{})), "free");
  EXPECT_TRUE(one.ask(patient_seat::take{"ann"}).get(30s));
  run("DELETE FROM plain_seats");
  EXPECT_EQ(failed_with(one.ask(patient_seat::take{"bob"})).code, errc::conflict);
  EXPECT_EQ(failed_with(one.ask(patient_seat::guest{})).code, errc::not_found);
  run("INSERT INTO plain_seats VALUES ('red', 5, 'eve', 0)");
  EXPECT_EQ(got(one.ask(patient_seat::guest{})), "eve");
  EXPECT_EQ(seats.live(), 1u);
}

TEST_P(Relational, ABrokenConstraintFailsItsCommandAlone) {
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  got(all.of("1").ask(purchase::rename{"ann"}));
  std::deque<asked<std::int64_t>> fine, bad;
  for (int i = 2; i < 40; ++i) {
    const auto one = all.of(std::to_string(i));
    fine.push_back(one.ask(purchase::add_line{"nuts", i}));
    bad.push_back(one.ask(purchase::rename{"ann"}));
    fine.push_back(one.ask(purchase::add_line{"bolts", 1}));
    bad.push_back(one.ask(purchase::add_line{"none", 0}));
    fine.push_back(one.ask(purchase::add_line{"screws", 1}));
  }
  for (auto& one : fine) {
    const auto done = one.get(30s);
    EXPECT_TRUE(done) << done.error().message;
  }
  for (auto& one : bad) {
    const auto done = one.get(30s);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::constraint_violated) << done.error().message;
  }
  EXPECT_EQ(number("SELECT count(*) FROM purchase_lines"), 3 * 38);
  EXPECT_EQ(number("SELECT count(*) FROM purchases WHERE buyer LIKE 'new %'"), 38);
}

TEST_P(Relational, AFailureMayHaveAnAnswerOfItsOwn) {
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  EXPECT_EQ(got(all.of("1").ask(purchase::try_add{5})), "added");
  EXPECT_TRUE(got(all.of("1").ask(purchase::try_add{0})).starts_with("no: "));
  EXPECT_EQ(number("SELECT count(*) FROM purchase_lines"), 1);
}

TEST_P(Relational, AnotherWritersChangeIsAConflictAndTheRowIsLoadedAgain) {
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  const auto one = all.of("1");
  got(one.ask(purchase::add_line{"nuts", 500}));
  run("UPDATE purchases SET buyer = 'eve', version = version + 1");
  EXPECT_EQ(failed_with(one.ask(purchase::add_line{"bolts", 1})).code, errc::conflict);
  EXPECT_EQ(got(one.ask(purchase::show{})).buyer, "eve");
  EXPECT_EQ(got(one.ask(purchase::add_line{"bolts", 1})), 501);
  run("UPDATE purchases SET buyer = 'zoe', version = version + 1");
  EXPECT_EQ(got(one.ask_verified(purchase::show{})).buyer, "zoe");
  run("DELETE FROM purchase_lines");
  run("DELETE FROM purchases");
  run("INSERT INTO purchases VALUES (1, 'again', 0, NULL, 1)");
  EXPECT_EQ(failed_with(one.ask(purchase::pay{})).code, errc::conflict);
  EXPECT_EQ(got(one.ask(purchase::show{})).buyer, "again");
}

TEST_P(Relational, ByPolicyAnOvertakenCommandIsDecidedAgain) {
  nexus::system sys{{.threads = 2}};
  entities<plain_seat> seats{sys, store_, options({.on_conflict = conflict_policy::decide_again})};
  run("INSERT INTO plain_seats VALUES ('red', 5, 'ann', 0)");
  EXPECT_EQ(got(seats.of("red/5").ask(plain_seat::use{})), 1);
  run("UPDATE plain_seats SET uses = 41");
  EXPECT_EQ(got(seats.of("red/5").ask(plain_seat::use{})), 42);
  run("UPDATE plain_seats SET guest = 'eve'");
  EXPECT_EQ(got(seats.of("red/5").ask(plain_seat::use{})), 43)
      << "only the columns that are written are compared";
  EXPECT_EQ(number("SELECT count(*) FROM plain_seats WHERE guest = 'eve' AND uses = 43"), 1);
}

TEST_P(Relational, ARowWhoseKeyIsNotTheIdIsRefused) {
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  const auto why = failed_with(all.of("1").ask(purchase::other_id{}));
  EXPECT_EQ(why.code, errc::invalid_argument);
  EXPECT_NE(why.message.find("has another key in table purchases, column id"), std::string::npos)
      << why.message;
  const auto empty = failed_with(all.of("1").ask(purchase::rename{""}));
  EXPECT_EQ(empty.code, errc::rejected);
  EXPECT_NE(empty.message.find("buyer is empty"), std::string::npos) << empty.message;
  EXPECT_EQ(got(all.of("1").ask(purchase::add_line{"nuts", 1})), 1);
}

struct guest_row {
  std::string name;
  std::int64_t visits = 0;
  MSGPACK_DEFINE_MAP(name, visits)
};
struct guest {
  static constexpr std::string_view entity_type = "guest";
  using row = guest_row;
  static entity_rows<row> rows() {
    mapping<row> guests{"guests"};
    guests.key("name");
    return entity_rows<row>{guests};
  }
  struct visit {};
  using command = std::variant<visit>;
  static effect<guest, std::int64_t> decide(const row&, const visit&) {
    return persist([](row& r) { ++r.visits; }).then_reply(&row::visits);
  }
};

TEST_P(Relational, ARowThatIsFoundByAnEqualKeyInAnotherFormIsRefused) {
  run(is_sqlite() ? "CREATE TABLE guests (name text COLLATE NOCASE NOT NULL PRIMARY KEY, visits "
                    "bigint NOT NULL)"
                  : "CREATE TABLE guests (name char(8) PRIMARY KEY, visits bigint NOT NULL)");
  run("INSERT INTO guests VALUES ('Ann', 1)");
  nexus::system sys{{.threads = 2}};
  entities<guest> all{sys, store_, options()};
  const auto why = failed_with(all.of(is_sqlite() ? "ann" : "Ann").ask(guest::visit{}));
  EXPECT_EQ(why.code, errc::invalid_id);
  EXPECT_NE(why.message.find("table guests, column name"), std::string::npos) << why.message;
  EXPECT_EQ(number("SELECT visits FROM guests"), 1);
  if (!is_sqlite()) return;  // PostgreSQL pads the only form
  EXPECT_EQ(got(all.of("Ann").ask(guest::visit{})), 2);
}

TEST_P(Relational, ARowThatDoesNotChangeIsNotWritten) {
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  const auto version = got(all.of("1").ask(purchase::rename{"ann"}));
  EXPECT_EQ(got(all.of("1").ask(purchase::touch{})), version);
  EXPECT_EQ(got(all.of("1").ask(purchase::rename{"bob"})), version + 1);
}

TEST_P(Relational, AnAlarmIsStoredWithTheRow) {
  {
    nexus::system sys{{.threads = 2}};
    entities<purchase> all{sys, store_, options()};
    got(all.of("1").ask(purchase::remind{1}));
    EXPECT_TRUE(
        wait_until([&] { return number("SELECT paid FROM purchases WHERE id = 1") == -1; }));
    got(all.of("2").ask(purchase::remind{3'600'000}));
    EXPECT_EQ(number("SELECT count(*) FROM nexus_row_alarms"), 1);
  }
  run("UPDATE nexus_row_alarms SET due = 1");
  run("UPDATE purchases SET remind_at = '2020-01-01 00:00:00' WHERE id = 2");
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  EXPECT_TRUE(wait_until([&] { return number("SELECT paid FROM purchases WHERE id = 2") == -1; }));
  EXPECT_TRUE(wait_until([&] { return number("SELECT count(*) FROM nexus_row_alarms") == 0; }));
}

TEST_P(Relational, TheAlarmOfAnEndedProgramRunsSoon) {
  {
    nexus::system sys{{.threads = 2}};
    entities<purchase> all{sys, store_, options()};
    got(all.of("1").ask(purchase::remind{2'000}));
  }
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  EXPECT_TRUE(wait_until([&] { return number("SELECT paid FROM purchases WHERE id = 1") == -1; }));
}

TEST_P(Relational, RowsOfTwoTypesAreWrittenByOneWriter) {
  nexus::system sys{{.threads = 2}};
  entities<purchase> all{sys, store_, options()};
  entities<plain_seat> seats{sys, store_, options()};
  run("INSERT INTO plain_seats VALUES ('red', 5, 'ann', 0)");
  got(all.of("1").ask(purchase::rename{"ann"}));
  got(seats.of("red/5").ask(plain_seat::use{}));
  const bool apart = options().connection == connection_mode::dedicated;
  EXPECT_EQ(number("SELECT count(*) FROM nexus_row_writers"), apart ? 2 : 1);
  entities<purchase> again{sys, store_, options()};
  ASSERT_FALSE(again.status());
  EXPECT_EQ(again.status().error().code, errc::already_exists);
}

TEST_P(Relational, AMappingThatDoesNotFitTheDatabaseIsToldAtTheStart) {
  run("ALTER TABLE purchases RENAME TO others");
  nexus::system sys{{.threads = 2}};
  const entities<purchase> all{sys, store_, options()};
  ASSERT_FALSE(all.status());
  EXPECT_EQ(all.status().error().code, errc::invalid_argument);
  EXPECT_NE(all.status().error().message.find("entities \"purchase\": table purchases"),
            std::string::npos)
      << all.status().error().message;
}

TEST_P(Relational, ARowThatAnotherHasLockedDoesNotHoldUpTheOthers) {
  if (is_sqlite()) GTEST_SKIP() << "SQLite has one lock for all rows";
  nexus::system sys{{.threads = 2}};
  entities<plain_seat> seats{sys, store_, options()};
  for (int i = 0; i < 20; ++i) {
    run("INSERT INTO plain_seats VALUES ('red', " + std::to_string(i) + ", 'ann', 0)");
  }
  must(plain_->begin(isolation::read_committed, false));
  run("SELECT guest FROM plain_seats WHERE number = 7 FOR UPDATE");
  std::deque<asked<std::int64_t>> others;
  auto held = seats.of("red/7").ask(plain_seat::use{});
  for (int i = 0; i < 20; ++i) {
    if (i != 7) others.push_back(seats.of("red/" + std::to_string(i)).ask(plain_seat::use{}));
  }
  for (auto& one : others) EXPECT_EQ(got(std::move(one)), 1);
  EXPECT_EQ(failed_with(std::move(held)).code, errc::serialization_failed);
  must(plain_->rollback());
  EXPECT_TRUE(wait_until([&] { return seats.of("red/7").ask(plain_seat::use{}).get(30s) == 1; }));
}

TEST_P(Relational, EntitiesCanBeOpenedAgainAfterAShutdown) {
  for (int i = 1; i <= 2; ++i) {
    nexus::system sys{{.threads = 2}};
    entities<purchase> all{sys, store_, options()};
    ASSERT_TRUE(all.status()) << all.status().error().message;
    EXPECT_EQ(got(all.of("1").ask(purchase::add_line{"nuts", 1})), i);
    sys.shutdown(30s);
  }
}

INSTANTIATE_TEST_SUITE_P(Databases, Relational,
                         ::testing::Values("sqlite", "postgres", "sqlite_dedicated",
                                           "postgres_dedicated"),
                         [](const auto& of) { return std::string{of.param}; });

}  // namespace
}  // namespace nexus::test
