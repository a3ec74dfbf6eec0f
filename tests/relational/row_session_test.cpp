// Rows of entities in the program's tables, as durable states of a journal.
#include "row_session.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <nexus/mapping.hpp>
#include <nexus/postgres.hpp>
#include <nexus/sqlite.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <optional>
#include <string>
#include <vector>

#include "postgres/cluster.hpp"
#include "temporary_folder.hpp"

namespace nexus::test { namespace {

using nexus::detail::entity_tables;
using nexus::detail::packed;
using nexus::detail::row_image;
using nexus::detail::row_session;
using nexus::detail::row_tables;
using nexus::detail::row_values;
using testkit::must;
using testkit::told;

struct seat {
  std::int64_t number = 0;
  std::string guest;
  std::optional<std::int64_t> bed;
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(number, guest, bed, version)
};
struct bag {
  std::int64_t seat = 0, piece = 0, grams = 0;
  MSGPACK_DEFINE_MAP(seat, piece, grams)
};

// Loses the answer of a commit, before or after it is made.
class shaky_session final : public nexus::detail::eventless_session {
 public:
  explicit shaky_session(std::unique_ptr<journal_session> inner) : inner_{std::move(inner)} {}

  enum class losing { nothing, request, answer } loses = losing::nothing;

  result<void> commit() override {
    const auto what = std::exchange(loses, losing::nothing);
    if (what == losing::nothing) return inner_->commit();
    auto done = what == losing::request ? inner_->rollback() : inner_->commit();
    if (!done) return done;
    return fail(errc::outcome_unknown, "the answer was lost");
  }
  result<sql_rows> run_sql(std::string_view sql, sql_parameters with) override {
    return inner_->run_sql(sql, with);
  }
  result<void> begin(isolation level, bool read_only) override {
    return inner_->begin(level, read_only);
  }
  result<void> rollback() override { return inner_->rollback(); }
  bool has_sql() const noexcept override { return true; }
  bool unfinished() const noexcept override { return inner_->unfinished(); }
  std::string_view dialect() const noexcept override { return inner_->dialect(); }
  std::vector<append_outcome> upsert(std::span<const upsert_request> /*asked*/) override {
    return {};
  }
  using eventless_session::settle;
  result<settlement> settle(const upsert_request& /*asked*/) override {
    return settlement::superseded;
  }
  result<std::optional<stored_state>> get_state(const persistence_id& /*id*/) override {
    return std::optional<stored_state>{};
  }
  result<std::vector<persistence_id>> state_ids(const id_filter& /*which*/,
                                                std::size_t /*max*/) override {
    return std::vector<persistence_id>{};
  }
  result<std::vector<stored_alarm>> due(std::uint32_t /*strand*/, const due_filter& /*which*/,
                                        std::size_t /*max*/) override {
    return std::vector<stored_alarm>{};
  }
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& /*id*/) override {
    return std::optional<stored_alarm>{};
  }
  result<std::vector<due_type>> due_types(std::uint32_t /*strand*/, timestamp /*until*/,
                                          std::uint64_t /*max*/) override {
    return std::vector<due_type>{};
  }

 private:
  std::unique_ptr<journal_session> inner_;
};

// Guests are unique, beds exist, and a bag weighs something.
class RowSession : public ::testing::TestWithParam<const char*> {
 protected:
  RowSession() {
    run("CREATE TABLE beds (id bigint PRIMARY KEY)");
    run("INSERT INTO beds VALUES (1), (2)");
    run("CREATE TABLE seats (number bigint PRIMARY KEY, guest text NOT NULL UNIQUE, bed bigint "
        "REFERENCES beds (id) DEFERRABLE INITIALLY DEFERRED, version bigint NOT NULL)");
    run("CREATE TABLE bags (seat bigint NOT NULL REFERENCES seats (number), piece bigint NOT NULL, "
        "grams bigint NOT NULL CHECK (grams > 0), PRIMARY KEY (seat, piece))");
    mapping<seat> seats{"seats"};
    seats.key("number").version("version");
    mapping<bag> bags{"bags"};
    bags.key({"seat", "piece"});
    auto made = std::make_shared<entity_tables>();
    made->root = seats.table();
    made->owned.push_back({bags.table(), {0}});
    must(made->finish());
    tables_->add("seat", made);
    auto alone = std::make_shared<entity_tables>();
    alone->root = seats.table();
    must(alone->finish());
    tables_->add("stool", alone);
    auto shaky = std::make_unique<shaky_session>(must(journal_->open_session()));
    shaky_ = shaky.get();
    rows_ = std::make_unique<row_session>(std::move(shaky), tables_, ulid{{1}});
  }

  [[nodiscard]] bool is_sqlite() const { return std::string_view{GetParam()} == "sqlite"; }
  void run(std::string_view sql) { must(plain_->execute(sql)); }
  std::string rows(std::string_view sql) {
    std::string all;
    for (const auto& row : must(plain_->execute(sql)).rows) {
      if (!all.empty()) all += "; ";
      for (std::size_t i = 0; i < row.size(); ++i) {
        all += i > 0 ? "|" : "";
        if (const auto* number = std::get_if<std::int64_t>(&row[i])) all += std::to_string(*number);
        if (const auto* text = std::get_if<std::string>(&row[i])) all += *text;
      }
    }
    return all;
  }

  static std::string image(const seat& of, const std::vector<bag>& bags = {}) {
    row_image made;
    made.root = {of.number, of.guest, of.bed ? sql_value{*of.bed} : sql_value{}, of.version};
    auto& owned = made.owned.emplace_back();
    for (const auto& one : bags) owned.push_back({{one.seat, one.piece, one.grams}});
    return packed(made);
  }

  // The row of a seat without bags.
  static std::string alone(const seat& of) {
    row_image made;
    made.root = {of.number, of.guest, of.bed ? sql_value{*of.bed} : sql_value{}, of.version};
    return packed(made);
  }
  static std::string columns(const std::vector<std::size_t>& all) {
    detail::column_set made;
    for (const auto at : all) made.add(at);
    return std::string{made.packed()};
  }

  // From one image to the next ones, each a step.
  struct change {
    std::string id;
    sequence_nr version;
    std::vector<std::string> images;  // the first one is what is there; empty: nothing
    due_change due{};
    std::vector<std::string> told{};  // of each step, in place of the image before
    std::string type = "seat";
  };
  std::vector<std::string> write(const std::vector<change>& all) {
    return with_requests(all, [&](std::span<const upsert_request> requests) {
      std::vector<std::string> made;
      for (const auto& outcome : rows_->upsert(requests)) made.push_back(told(outcome));
      return made;
    });
  }
  settlement settled(const change& one) {
    return with_requests({one}, [&](std::span<const upsert_request> requests) {
      return must(rows_->settle(requests.front()));
    });
  }
  template <class Use>
  static auto with_requests(const std::vector<change>& all, Use use)
      -> decltype(use(std::span<const upsert_request>{})) {
    std::vector<upsert_request> requests;
    std::vector<std::vector<event_view>> steps(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& one = all[i];
      for (std::size_t k = 1; k < one.images.size(); ++k) {
        event_view step;
        step.type = one.images[k].empty() ? "" : "seat";
        step.metadata = one.told.empty() ? one.images[k - 1] : one.told[k - 1];
        step.data = one.images[k];
        steps[i].push_back(step);
      }
      requests.push_back({must(persistence_id::make(one.type, one.id)),
                          one.version,
                          one.version + steps[i].size(),
                          ulid{{2}},
                          {},
                          std::nullopt,
                          one.due,
                          steps[i]});
      if (!one.images.back().empty()) {
        requests.back().value = state_view{"seat", 1, "row", one.images.back()};
      }
    }
    return use(std::span<const upsert_request>{requests});
  }

  temporary_folder folder_{};
  const std::string uri_ =
      is_sqlite() ? "sqlite:" + folder_.path("rows.db") : cluster::shared().fresh_schema();
  const std::shared_ptr<journal> journal_ = must(
      (is_sqlite() ? sqlite_backend() : postgres_backend()).open(must(nexus::uri::parse(uri_))));
  std::unique_ptr<journal_session> plain_ = must(journal_->open_session());
  std::shared_ptr<row_tables> tables_ = std::make_shared<row_tables>();
  shaky_session* shaky_ = nullptr;
  std::unique_ptr<row_session> rows_{};
};

using all_outcomes = std::vector<std::string>;

TEST_P(RowSession, InsertsUpdatesAndDeletesARowWithTheRowsItOwns) {
  const auto first = image({7, "ann", 1, 0}, {{7, 1, 500}, {7, 2, 900}});
  EXPECT_EQ(write({{"7", 0, {"", first}}}), all_outcomes{"stored"});
  EXPECT_EQ(rows("SELECT * FROM seats"), "7|ann|1|1");
  EXPECT_EQ(rows("SELECT * FROM bags ORDER BY piece"), "7|1|500; 7|2|900");
  const auto second = image({7, "ann", std::nullopt, 1}, {{7, 2, 800}, {7, 3, 100}});
  EXPECT_EQ(write({{"7", 1, {first, second}}}), all_outcomes{"stored"});
  EXPECT_EQ(rows("SELECT * FROM seats"), "7|ann||2");
  EXPECT_EQ(rows("SELECT * FROM bags ORDER BY piece"), "7|2|800; 7|3|100");
  EXPECT_EQ(write({{"7", 2, {second, ""}}}), all_outcomes{"stored"});
  EXPECT_EQ(rows("SELECT * FROM seats"), "");
  EXPECT_EQ(rows("SELECT * FROM bags"), "");
}

TEST_P(RowSession, AnUpdateOfARootAloneWritesTheColumnsThatItTells) {
  const auto stool = [](sequence_nr version, std::vector<std::string> images,
                        std::vector<std::string> told) {
    return change{"7", version, std::move(images), {}, std::move(told), "stool"};
  };
  const auto all = [&] { return rows("SELECT * FROM seats"); };
  const auto ann = alone({7, "ann", 1, 1});
  EXPECT_EQ(write({stool(0, {"", ann}, {""})}), all_outcomes{"stored"});
  EXPECT_EQ(all(), "7|ann|1|1");
  EXPECT_EQ(write({stool(1, {ann, alone({7, "bea", 2, 2})}, {columns({1})})}),
            all_outcomes{"stored"});
  EXPECT_EQ(all(), "7|bea|1|2");
  EXPECT_EQ(write({stool(2, {ann, ann, alone({7, "cleo", 2, 4})}, {columns({1}), columns({2})})}),
            all_outcomes{"stored"})
      << "what one of two steps has changed";
  EXPECT_EQ(all(), "7|cleo|2|4");
  EXPECT_EQ(write({stool(4, {ann, alone({7, "dora", std::nullopt, 5})}, {"no columns"})}),
            all_outcomes{"stored"})
      << "all of them";
  EXPECT_EQ(all(), "7|dora||5");
  EXPECT_EQ(write({stool(4, {ann, alone({7, "eve", 1, 5})}, {columns({1})})}),
            all_outcomes{"conflict 4"});
  EXPECT_EQ(write({stool(5, {ann, "no image"}, {columns({1})})}),
            all_outcomes{"rejected rejected"});
  EXPECT_EQ(write({stool(5, {ann, ""}, {columns({1})})}), all_outcomes{"stored"});
  EXPECT_EQ(all(), "");
}

TEST_P(RowSession, ARootThatIsRemovedAndInsertedAgainInOneWriteHasAllItsColumns) {
  run("INSERT INTO seats VALUES (7, 'ann', 1, 3)");
  change both{
      "7",    3, {alone({7, "ann", 1, 3}), "", alone({7, "bea", 2, 5})}, {}, {columns({}), ""},
      "stool"};
  EXPECT_EQ(write({both}), all_outcomes{"stored"});
  EXPECT_EQ(rows("SELECT * FROM seats"), "7|bea|2|5");
}

TEST_P(RowSession, ABadRowFailsAloneAmongMany) {
  std::vector<change> all;
  all_outcomes wanted(20, "stored");
  for (int i = 0; i < 20; ++i) {
    const bool bad = i == 3 || i == 13;
    const auto guest = i == 13 ? "guest 2" : "guest " + std::to_string(i);
    all.push_back(
        {std::to_string(i), 0, {"", image({i, guest, i == 3 ? 99 : 1, 0}, {{i, 1, 100}})}});
    if (bad) wanted[static_cast<std::size_t>(i)] = "rejected constraint_violated";
  }
  EXPECT_EQ(write(all), wanted);
  EXPECT_EQ(rows("SELECT count(*) FROM seats"), "18");
  EXPECT_EQ(rows("SELECT count(*) FROM bags"), "18");
}

TEST_P(RowSession, ARowThatAnotherWriterChangedIsAConflictAlone) {
  const auto ann = image({1, "ann", 1, 0});
  const auto bob = image({2, "bob", 1, 0});
  ASSERT_EQ(write({{"1", 0, {"", ann}}, {"2", 0, {"", bob}}}), (all_outcomes{"stored", "stored"}));
  run("UPDATE seats SET version = 5 WHERE number = 1");
  EXPECT_EQ(write({{"1", 1, {ann, image({1, "eve", 1, 1}, {{1, 1, 5}})}},
                   {"2", 1, {bob, image({2, "bea", 1, 1})}}}),
            (all_outcomes{"conflict 1", "stored"}));
  EXPECT_EQ(rows("SELECT number, guest, version FROM seats ORDER BY number"), "1|ann|5; 2|bea|2");
  EXPECT_EQ(rows("SELECT * FROM bags"), "");
  EXPECT_EQ(write({{"1", 0, {"", image({1, "zoe", 1, 0})}}}), all_outcomes{"conflict 0"})
      << "the row is there";
}

TEST_P(RowSession, OfStatesOfOneWriteTheEarlierOnesAreStoredAndTheViolatorIsTold) {
  const auto ann = image({1, "ann", 1, 0});
  ASSERT_EQ(write({{"1", 0, {"", ann}}}), all_outcomes{"stored"});
  const auto fine = image({1, "bea", 2, 1});
  const auto bad = image({1, "bea", 2, 2}, {{1, 1, 0}});
  const auto later = image({1, "cleo", 2, 3}, {{1, 1, 0}});
  EXPECT_EQ(write({{"1", 1, {ann, fine, bad, later}}}),
            all_outcomes{"1 stored, then constraint_violated"});
  EXPECT_EQ(rows("SELECT number, guest, bed, version FROM seats"), "1|bea|2|2");
}

TEST_P(RowSession, AConstraintThatIsCheckedLateLeavesTheEarlierStates) {
  const auto ann = image({1, "ann", 1, 0});
  const auto bob = image({2, "bob", 1, 0});
  ASSERT_EQ(write({{"1", 0, {"", ann}}}), all_outcomes{"stored"});
  const auto fine = image({1, "bea", 2, 1});
  const auto bad = image({1, "bea", 99, 2});
  EXPECT_EQ(write({{"1", 1, {ann, fine, bad}}, {"2", 0, {"", bob}}}),
            (all_outcomes{"1 stored, then constraint_violated", "stored"}));
  EXPECT_EQ(rows("SELECT number, guest, bed, version FROM seats ORDER BY number"),
            "1|bea|2|2; 2|bob|1|1");
}

TEST_P(RowSession, ReadsWhatItHasWritten) {
  const auto ann = image({1, "ann", std::nullopt, 1}, {{1, 1, 5}, {1, 2, 6}});
  ASSERT_EQ(write({{"1", 0, {"", ann}}}), all_outcomes{"stored"});
  const auto id = must(persistence_id::make("seat", "1"));
  const auto found = must(rows_->get_state(id));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->version, 1u);
  EXPECT_EQ(found->data, ann);
  EXPECT_TRUE(must(rows_->get_state(must(persistence_id::make("seat", "2"))))->erased);
  EXPECT_EQ(rows_->get_state(must(persistence_id::make("seat", "01"))).error().code,
            errc::invalid_id);
}

TEST_P(RowSession, AlarmsGoWithTheRow) {
  const auto ann = image({1, "ann", 1, 0});
  const auto at = [](int n) { return due_change::set(timestamp{std::chrono::microseconds{n}}); };
  ASSERT_EQ(write({{"1", 0, {"", ann}, at(50)},
                   {"2", 0, {"", image({2, "bob", 1, 0})}, at(20)},
                   {"3", 0, {"", image({3, "eve", 99, 0})}, at(10)}}),
            (all_outcomes{"stored", "stored", "rejected constraint_violated"}));
  const std::array<std::string_view, 1> types{"seat"};
  const auto due = must(rows_->due(0, {.types = types}, 10));
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].id.str(), "seat|2");
  EXPECT_EQ(due[1].id.str(), "seat|1");
  EXPECT_EQ(must(rows_->due(0, {.types = types, .after = &due[0]}, 10)).size(), 1u);
  EXPECT_EQ(must(rows_->due_types(0, timestamp{std::chrono::microseconds{30}}, 100)).at(0).count,
            1u);
  ASSERT_EQ(write({{"1", 1, {ann, ""}, due_change::clear()}}), all_outcomes{"stored"});
  EXPECT_FALSE(must(rows_->alarm_of(due[1].id)).has_value());
}

TEST_P(RowSession, ALostAnswerIsSettledByTheMarkerAlsoIfAnotherWriterHasWrittenSince) {
  const auto ann = image({1, "ann", 1, 0});
  const change insert{"1", 0, {"", ann}};
  const change bad{
      "2", 0, {"", image({2, "bob", 1, 0}, {{2, 1, 5}}), image({2, "bob", 1, 1}, {{2, 1, 0}})}};
  shaky_->loses = shaky_session::losing::answer;
  EXPECT_EQ(write({insert, bad}),
            (all_outcomes{"unknown: the answer was lost", "unknown: the answer was lost"}));
  run("UPDATE seats SET version = 9 WHERE number = 1");
  EXPECT_EQ(settled(insert), settlement::stored);
  EXPECT_EQ(settled(bad), settlement::superseded) << "it is stored in part";
  shaky_->loses = shaky_session::losing::request;
  const change update{"1", 9, {ann, image({1, "eve", 1, 9})}};
  EXPECT_EQ(write({update}), all_outcomes{"unknown: the answer was lost"});
  EXPECT_EQ(settled(update), settlement::not_stored);
  EXPECT_EQ(write({update}), all_outcomes{"stored"});
}

TEST_P(RowSession, ACommitInDoubtIsSettledBeforeTheNextOne) {
  const auto ann = image({1, "ann", 1, 0});
  const change insert{"1", 0, {"", ann}};
  shaky_->loses = shaky_session::losing::answer;
  EXPECT_EQ(write({insert}), all_outcomes{"unknown: the answer was lost"});
  EXPECT_EQ(write({{"2", 0, {"", image({2, "bob", 1, 0})}}}), all_outcomes{"stored"});
  EXPECT_EQ(settled(insert), settlement::stored);
  EXPECT_EQ(rows("SELECT batch, settled FROM nexus_row_writers"), "2|1");
}

TEST_P(RowSession, MarkersOfWritersThatAreGoneArePurged) {
  run("INSERT INTO nexus_row_writers (writer, batch, settled, timestamp) VALUES ('old', 3, 0, 1)");
  ASSERT_EQ(write({{"1", 0, {"", image({1, "ann", 1, 0})}}}), all_outcomes{"stored"});
  EXPECT_EQ(rows("SELECT count(*) FROM nexus_row_writers WHERE writer = 'old'"), "0");
}

TEST_P(RowSession, AnAlarmAloneNeedsTheRowAsItWas) {
  const auto ann = image({1, "ann", 1, 0});
  ASSERT_EQ(write({{"1", 0, {"", ann}}}), all_outcomes{"stored"});
  const change sets{"1", 1, {ann}, due_change::set(timestamp{std::chrono::microseconds{50}})};
  EXPECT_EQ(write({sets}), all_outcomes{"stored"});
  EXPECT_EQ(rows("SELECT due FROM nexus_row_alarms"), "50");
  run("UPDATE seats SET version = 5");
  EXPECT_EQ(write({{"1", 1, {ann}, due_change::clear()}}), all_outcomes{"conflict 1"});
  run("DELETE FROM seats");
  EXPECT_EQ(write({{"1", 1, {ann}, due_change::clear()}}), all_outcomes{"conflict 1"});
}

TEST_P(RowSession, KeysAreListedInPagesInTheirOrder) {
  std::vector<change> all;
  for (int i = 1; i <= 12; ++i) {
    all.push_back({std::to_string(i), 0, {"", image({i, "g" + std::to_string(i), 1, 0})}});
  }
  write(all);
  std::string seen, last;
  for (;;) {
    const auto page = must(rows_->state_ids({.type = "seat", .after = last}, 5));
    if (page.empty()) break;
    for (const auto& id : page) seen += std::string{id.id()} + " ";
    last = page.back().id();
  }
  EXPECT_EQ(seen, "1 2 3 4 5 6 7 8 9 10 11 12 ");
}

INSTANTIATE_TEST_SUITE_P(Databases, RowSession, ::testing::Values("sqlite", "postgres"),
                         [](const auto& of) { return std::string{of.param}; });

}  // namespace
}  // namespace nexus::test
