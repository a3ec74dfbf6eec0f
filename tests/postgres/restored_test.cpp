// Journals that were restored from a server with other transaction ids.
#include <nexus/nexus.hpp>
#include <nexus/projection.hpp>

#include "journal_fixture.hpp"
#include "projections/report.hpp"
#include "wait_until.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

class PostgresRestored : public PostgresTest {
 protected:
  void run(const std::string& sql) { cluster::execute_at(uri, sql); }
  std::string differences() {
    std::string all;
    for (const auto& one : must(must(open_schema(with_states))->check()).differences)
      all += one + "\n";
    return all;
  }
  // As a dump of a server that had counted further.
  void restore() {
    for (const char* table : {"nexus_event_journal", "nexus_event_tags", "nexus_erased",
                              "nexus_readers", "nexus_pruning", "nexus_durable_state"}) {
      run(std::string{"UPDATE "} + table +
          " SET transaction_id = (transaction_id::text::int8 + 100000000)::text::xid8 "
          "WHERE transaction_id > '0'");
    }
    for (const char* table : {"nexus_projection_offsets", "nexus_projection_failures"}) {
      shift_texts(table, "100000000");
    }
  }
  // Positions of this journal that are stored as texts.
  void shift_texts(const std::string& table, const std::string& by) {
    run("UPDATE " + table +
        " SET position = concat_ws('-', split_part(position, '-', 1), '0', "
        "split_part(position, '-', 3)::bigint + " +
        by +
        ", split_part(position, '-', 4)) "
        "WHERE position LIKE (SELECT to_hex(value) || '-%' FROM nexus_meta WHERE name = 'epoch')");
  }
  void migrate() { must(must(open_schema(with_states))->migrate()); }

  // The position of the last event, once all events are read; other tests may hold them back.
  position last_of(terse_session& session, std::size_t count) {
    std::vector<testkit::journal_record> all;
    EXPECT_TRUE(wait_until([&] { return (all = session.read_all()).size() == count; }));
    return all.back().at;
  }
  std::string read_past(terse_session& session, position after) {
    std::string all;
    auto done = session.inner().read_all(after, 100, [&](const persistence_id& of, const auto& r) {
      all += (all.empty() ? "" : ", ") + std::string{of.id()} + std::to_string(r.number);
      return true;
    });
    return done ? all : testkit::code_of(done);
  }

  const std::string uri = pg.fresh_database();
  const std::string with_states = uri + "&indexes=states";
};

TEST_F(PostgresRestored, AJournalWithoutEventsIsRecognisedByItsOtherPositions) {
  {
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
    must(session.inner().save_reader({"report", last_of(session, 2), timestamp{}}));
    session.erase_to(alice, 2);
    run("INSERT INTO nexus_pruning SELECT * FROM nexus_erased");
    ASSERT_EQ(session.upsert(bob, 0, 1, "one"), "stored");
  }
  EXPECT_EQ(why_not_opened(with_states), "");
  EXPECT_EQ(differences(), "");
  for (const std::string table :
       {"nexus_erased", "nexus_readers", "nexus_pruning", "nexus_durable_state"}) {
    run("CREATE TABLE kept AS TABLE " + table);
    run("UPDATE " + table + " SET transaction_id = '99999999999'");
    EXPECT_NE(why_not_opened(with_states).find("restored"), std::string::npos) << table;
    EXPECT_NE(differences().find("restored"), std::string::npos) << table;
    run("TRUNCATE " + table + "; INSERT INTO " + table + " TABLE kept; DROP TABLE kept");
    EXPECT_EQ(why_not_opened(with_states), "") << table;
  }
}

TEST_F(PostgresRestored, AJournalWithoutEventsIsRecognisedByTheOffsetsOfItsProjections) {
  {
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
    auto& projections = *session.inner().projections();
    must(projections.add({"report", 1}, std::vector{projection_cell{0, last_of(session, 1)}}));
    must(projections.add({"of another journal", 1},
                         std::vector{projection_cell{0, {77, 0, 99'999'999'999, 1}},
                                     projection_cell{1, position::start_of(0)}}));
    session.erase_to(alice, 1);
    run("TRUNCATE nexus_erased");
  }
  EXPECT_EQ(why_not_opened(with_states), "");
  shift_texts("nexus_projection_offsets", "99999999999");
  EXPECT_NE(why_not_opened(with_states).find("restored"), std::string::npos);
  EXPECT_NE(differences().find("restored"), std::string::npos);
  migrate();
  EXPECT_EQ(why_not_opened(with_states), "");
}

TEST_F(PostgresRestored, AReaderOfAJournalWithoutEventsReadsWhatIsAppendedLater) {
  {
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
    must(session.inner().save_reader({"report", last_of(session, 2), timestamp{}}));
    session.erase_to(alice, 2);
  }
  restore();
  EXPECT_NE(why_not_opened(with_states), "");
  migrate();
  auto store = open_journal(with_states);
  terse_session session{must(store->open_session())};
  const auto report = must(session.inner().readers()).at(0);
  ASSERT_EQ(session.append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(testkit::code_of(session.inner().erase_to(alice, 3)), "held_back");
  std::string read;
  EXPECT_TRUE(wait_until([&] { return !(read = read_past(session, report.at)).empty(); }));
  EXPECT_EQ(read, "alice3");
}

// Events and states of one order: those around the readers, which have read up to the middle.
TEST_F(PostgresRestored, AReaderIsStillToldOfEventsErasedPastIt) {
  {
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
    (void)last_of(session, 3);
    must(session.inner().save_reader({"report", session.read_all().at(0).at, timestamp{}}));
    must(session.inner().save_reader({"beginner", position{}, timestamp{}}));
    must(session.inner().erase_to(alice, 2, erasing::forced));
    EXPECT_EQ(read_past(session, session.inner().readers()->at(1).at), "history_erased");
  }
  restore();
  migrate();
  auto store = open_journal(with_states);
  terse_session session{must(store->open_session())};
  const auto readers = must(session.inner().readers());
  EXPECT_EQ(readers.at(0).at, position{});
  EXPECT_EQ(read_past(session, readers.at(1).at), "history_erased");
  EXPECT_EQ(last_of(session, 1).minor, 3u);
}

TEST_F(PostgresRestored, AReaderOfStatesStillReadsThoseThatChangedPastIt) {
  const auto states_past = [](terse_session& session, position after) {
    std::string all;
    must(session.inner().read_states(after, 100, [&](const persistence_id& of, const auto&) {
      all += std::string{of.id()} + " ";
      return true;
    }));
    return all;
  };
  {
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    for (sequence_nr n = 0; n < 5; ++n) ASSERT_EQ(session.append(alice, n, {"e"}), "stored");
    position first;
    ASSERT_EQ(session.upsert(alice, 0, 1, "one"), "stored");
    ASSERT_EQ(session.upsert(bob, 0, 1, "one"), "stored");
    ASSERT_TRUE(wait_until([&] { return states_past(session, position{}) == "alice bob "; }));
    must(session.inner().read_states(position{}, 1, [&](const auto&, const auto& state) {
      first = state.at;
      return true;
    }));
    must(session.inner().save_reader({"of states", first, timestamp{}}));
  }
  restore();
  migrate();
  auto store = open_journal(with_states);
  terse_session session{must(store->open_session())};
  EXPECT_EQ(states_past(session, must(session.inner().readers()).at(0).at), "bob ");
}

// Whichever row is updated first.
TEST_F(PostgresRestored, AJournalThatWasRenumberedBeforeIsRenumberedAgain) {
  for (const std::string first : {"", " DESC"}) {
    {
      auto store = open_journal(with_states);
      terse_session session{must(store->open_session())};
      const auto highest = session.highest(alice);
      for (sequence_nr n = 0; n < 5; ++n) {
        ASSERT_EQ(session.append(alice, highest + n, {"e"}), "stored");
      }
    }
    restore();
    migrate();
    {
      auto store = open_journal(with_states);
      terse_session session{must(store->open_session())};
      session.erase_to(alice, session.highest(alice) - 2);
      ASSERT_EQ(session.append(bob, session.highest(bob), {"x", "y", "z"}), "stored");
    }
    run("CREATE TABLE kept AS TABLE nexus_event_journal; TRUNCATE nexus_event_journal;"
        "INSERT INTO nexus_event_journal SELECT * FROM kept ORDER BY transaction_id" +
        first + ", position" + first + "; DROP TABLE kept");
    restore();
    migrate();
    auto store = open_journal(with_states);
    terse_session session{must(store->open_session())};
    EXPECT_EQ(read_past(session, last_of(session, first.empty() ? 5 : 8)), "");
  }
}

// Twice: positions that were renumbered before are renumbered again.
TEST_F(PostgresRestored, AProjectionGoesOnWhereItWas) {
  const projection_version elsewhere{"of another journal", 1};
  const std::vector<projection_cell> cells_elsewhere{{0, {77, 0, 5, 1}}, {1, {}}};
  const auto handle = [](session& on, const projected<tally>& e) -> result<void> {
    if (!e.out_of_order && value_of(e.event) == 13) return fail(errc::rejected, "not 13");
    return count_in_report(on, e);
  };
  const auto add = [](const store& to, std::vector<std::int64_t> ns) {
    nexus::system sys{{.threads = 1}};
    entities<tally> tallies{sys, to};
    for (const auto* id : {"a", "b", "c"}) {
      must(tallies.of(id).ask(tally::add_each{ns}).get(1min));
    }
  };
  must(must(nexus::open(uri)).sessions().borrow())->execute(report_table).value();
  for (std::size_t times = 0; times < 3; ++times) {
    const auto opened = must(nexus::open(uri));
    if (times == 0) {
      add(opened, {1, 13});
      must(must(opened.open_session())->projections()->add(elsewhere, cells_elsewhere));
    }
    {
      nexus::system sys{{.threads = 1}};
      projection<tally> report{
          sys,
          opened,
          "report",
          handle,
          {.retries = 0, .on_failure = projection_options::failing::skip, .lease = 1s}};
      must(report.caught_up(1min));
      report.stop();
      EXPECT_EQ(report.status().handled, 6u) << "only those that came since";
      const auto failures = must(report.failures());
      ASSERT_EQ(failures.size(), 3 - times);
      const auto session = must(opened.open_session());
      must(session->replay(failures[0].of, 2, 2, 1, [&](const record_view& r) {
        EXPECT_EQ(r.at, failures[0].at);
        return true;
      }));
      must(report.retry(failures[0]));
      EXPECT_EQ(must(session->projections()->cells(elsewhere)), cells_elsewhere);
    }
    add(opened, {100, 200});
    restore();
    EXPECT_NE(why_not_opened(uri).find("restored"), std::string::npos);
    migrate();
  }
  const auto opened = must(nexus::open(uri));
  nexus::system sys{{.threads = 1}};
  projection<tally> report{sys, opened, "report", handle, {.lease = 1s}};
  must(report.caught_up(1min));
  EXPECT_EQ(told(counted_in_report(opened)), told(counted_in_journal(opened)));
}

TEST_F(PostgresRestored, APositionPastTheEndIsForeign) {
  auto store = open_journal(with_states);
  terse_session session{must(store->open_session())};
  auto& calls = session.inner();
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  // As a program stored it after the dump.
  auto past = last_of(session, 1);
  past.major += 1'000'000;
  const auto all = [](const auto&...) { return true; };
  const event_page later{.cursor = cursor_of(reading_order::oldest_first, {past})};
  const std::vector<std::string> codes{testkit::code_of(calls.read_all(past, 10, all)),
                                       testkit::code_of(calls.read_states(past, 10, all)),
                                       testkit::code_of(calls.query({.after = {past}}, {}, all)),
                                       testkit::code_of(calls.query({.up_to = {past}}, {}, all)),
                                       testkit::code_of(calls.query({}, later, all)),
                                       testkit::code_of(calls.count({.after = {past}})),
                                       testkit::code_of(calls.save_reader({"report", past, {}}))};
  EXPECT_EQ(codes, std::vector<std::string>(codes.size(), "foreign_position"));
  must(calls.begin(isolation::read_committed, false));
  EXPECT_EQ(testkit::code_of(calls.save_reader({"report", past, {}})), "foreign_position");
  must(calls.commit());
  EXPECT_TRUE(must(calls.readers()).empty());
}

TEST_F(PostgresRestored, ThePositionOfTheNewestEventIsNotPastTheEnd) {
  auto store = open_journal(with_states);
  terse_session session{must(store->open_session())};
  terse_session writer{must(store->open_session())};
  const auto append = [&](sequence_nr expected) {
    return std::get<stored>(writer.outcome_of({alice, expected, {"a"}})).last;
  };
  const auto newest = append(0);
  EXPECT_EQ(read_past(session, newest), "");
  must(session.inner().save_reader({"report", newest, {}}));
  for (auto level : {isolation::read_committed, isolation::serializable}) {
    must(session.inner().begin(level, false));
    must(session.inner().execute("SELECT count(*) FROM nexus_readers"));
    const auto appended = append(writer.highest(alice));
    must(session.inner().save_reader({"report", appended, {}}));
    must(session.inner().commit());
    EXPECT_EQ(must(session.inner().readers()).at(0).at, appended);
  }
}

}}  // namespace nexus::test
