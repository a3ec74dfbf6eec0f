// The handlers of projections, run on given events.
#include <gtest/gtest.h>

#include <map>
#include <nexus/nexus.hpp>
#include <nexus/testkit/projecting.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "projections/report.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nexus;
using namespace nexus::test;
using testkit::must;
using testkit::projecting;
using testkit::projecting_options;
using added = tally::added;

/// A session of a database with the table of the report.
struct sql_target {
  const temporary_folder folder;
  const store opened = must(nexus::open("sqlite:" + folder.path("rows.db")));
  const std::unique_ptr<journal_session> session = must(opened.open_session());

  sql_target() { must(session->execute(report_table)); }
  [[nodiscard]] std::string reported() const { return told(counted_in_report(opened)); }
};

// -- what a handler gets --------------------------------------------------------------------------

TEST(Projecting, NumbersTheEventsOfAnIdAndPositionsAscend) {
  std::string seen;
  std::vector<position> at;
  projecting<tally> report{[&](const projected<tally>& e) {
    seen += e.id + std::to_string(e.number) + "=" + std::to_string(value_of(e.event)) + " ";
    at.push_back(e.at);
    EXPECT_FALSE(e.out_of_order);
  }};
  report.given("a", added{5}).given("b", added{6}).given("a", added{7});
  EXPECT_TRUE(report.handled());
  EXPECT_TRUE(report.handled()) << "nothing is left";
  report.given("b", added{8});
  EXPECT_TRUE(report.handled());
  EXPECT_EQ(seen, "a1=5 b1=6 a2=7 b2=8 ");
  EXPECT_TRUE(std::ranges::is_sorted(at, [](const auto& a, const auto& b) { return a < b; }));
}

TEST(Projecting, PassesTagsTimeAndMetadata) {
  std::vector<projected<tally>> seen;
  projecting<tally> report{[&](const projected<tally>& e) { seen.push_back(e); }};
  testkit::event_facts facts{.tags = {{"vip", "eu", "vip"}}, .time = timestamp{90s}};
  facts.metadata.correlation_id = ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").value();
  facts.metadata.fields = {{"by", "ann"}};
  report.given("a", added{1}, facts).given("a", added{2});
  ASSERT_TRUE(report.handled());
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].tags, (std::vector<std::string>{"eu", "vip"})) << "as stored";
  EXPECT_EQ(seen[0].time, timestamp{90s});
  EXPECT_EQ(seen[0].metadata.correlation_id, facts.metadata.correlation_id);
  EXPECT_EQ(seen[0].metadata.fields, facts.metadata.fields);
  EXPECT_TRUE(seen[1].tags.empty());
  EXPECT_EQ(seen[1].time, timestamp{91s});
}

struct forgetful {
  static constexpr std::string_view entity_type = "forgetful";
  struct noted {
    static constexpr std::string_view type_name = "noted";
    int kept = 0;
    int lost = 0;
    MSGPACK_DEFINE_MAP(kept)
  };
  using event = std::variant<noted>;
  struct note {};
  using command = std::variant<note>;
  struct state {
    int sum = 0;
    MSGPACK_DEFINE_MAP(sum)
  };
  static auto decide(const state&, const note&) { return nexus::persist(noted{1, 1}); }
  static void apply(state& s, const noted& e) { s.sum += e.kept; }
  static std::vector<std::string> tags(const noted& e) {
    return {"kept-" + std::to_string(e.kept)};
  }
};

TEST(Projecting, PassesEventsAsTheyAreStoredAndReadWithTheirTags) {
  std::string seen;
  projecting<forgetful> report{[&](const projected<forgetful>& e) {
    const auto& one = std::get<forgetful::noted>(e.event);
    seen += std::to_string(one.kept) + std::to_string(one.lost) + e.tags.at(0);
  }};
  EXPECT_TRUE(report.given("a", forgetful::noted{4, 2}).handled());
  EXPECT_EQ(seen, "40kept-4");
}

TEST(Projecting, TakesEveryFormOfHandlerAndBatchesOfTheChosenSize) {
  std::vector<std::size_t> sizes;
  int ones = 0;
  const auto passes = [](auto handler) {
    projecting<tally> report{handler, {.batch_max = 2}};
    for (int n = 0; n < 5; ++n) report.given("a", added{n});
    return report.handled();
  };
  using batch = std::span<const projected<tally>>;
  EXPECT_TRUE(passes([&](const projected<tally>&) { ++ones; }));
  EXPECT_TRUE(passes([&](session& on, const projected<tally>&) -> result<void> {
    ++ones;
    EXPECT_FALSE(on.has_sql()) << "in memory by default";
    return {};
  }));
  EXPECT_TRUE(passes([&](batch some) { sizes.push_back(some.size()); }));
  EXPECT_TRUE(passes([&](session&, batch some) { sizes.push_back(some.size()); }));
  EXPECT_EQ(ones, 10);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2, 1, 2, 2, 1}));
}

// -- the rules ------------------------------------------------------------------------------------

TEST(Projecting, AHandlerThatWaitsForAnEntityIsRefused) {
  nexus::system sys{{.threads = 1}};
  const auto opened = must(nexus::open("memory:"));
  entities<tally> tallies{sys, opened};
  projecting<tally> report{[&](const projected<tally>& e) {
    return tallies.of(e.id).ask(tally::read{}).get(10s).map([](auto) {});
  }};
  const auto done = report.given("a", added{1}).handled();
  ASSERT_FALSE(done);
  EXPECT_EQ(std::string{done.message()}.find("event 1 (added) of tally|a: would_block: "), 0u)
      << done.message();
}

TEST(Projecting, AHandlerMayNotEndItsTransaction) {
  sql_target target;
  projecting<tally> report{[](session& on, const projected<tally>& e) -> result<void> {
                             if (auto done = count_in_report(on, e); !done) return done;
                             return on.execute("COMMIT").map([](const auto&) {});
                           },
                           {.on = target.session.get()}};
  const auto done = report.given("a", added{1}).handled();
  ASSERT_FALSE(done);
  EXPECT_NE(std::string{done.message()}.find("COMMIT is not allowed in the handler"),
            std::string::npos);
  EXPECT_EQ(target.reported(), "") << "rolled back";
}

TEST(Projecting, NamesTheEventThatFailsAndKeepsThoseBeforeIt) {
  for (const std::size_t batch_max : {1, 2, 1'000}) {
    sql_target target;
    bool mended = false;
    const auto handler = [&](session& on, std::span<const projected<tally>> some) -> result<void> {
      for (const auto& e : some) {
        if (auto done = count_in_report(on, e); !done) return done;
        if (value_of(e.event) == 13 && !mended) throw std::runtime_error{"no seat 13"};
      }
      return {};
    };
    projecting<tally> report{handler, {.on = target.session.get(), .batch_max = batch_max}};
    report.given("a", added{1}).given("b", added{2}).given("b", added{13}).given("a", added{4});
    const auto done = report.handled();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.message(),
                 "event 2 (added) of tally|b: projection_failed: the handler threw: no seat 13");
    ASSERT_TRUE(report.failure());
    EXPECT_EQ(report.failure()->of.str(), "tally|b");
    EXPECT_EQ(report.failure()->number, 2u);
    EXPECT_EQ(report.failure()->error, "the handler threw: no seat 13");
    EXPECT_EQ(target.reported(), "a 1/1, b 2/1");
    EXPECT_FALSE(report.handled()) << "it stays at the event";
    mended = true;
    EXPECT_TRUE(report.handled());
    EXPECT_FALSE(report.failure());
    EXPECT_EQ(target.reported(), "a 5/2, b 15/2");
  }
}

TEST(Projecting, AConstraintThatIsCheckedByTheCommitFailsTheEvent) {
  sql_target target;
  must(target.session->execute("PRAGMA foreign_keys = ON"));
  must(target.session->execute(
      "CREATE TABLE child (id text REFERENCES report (id) DEFERRABLE INITIALLY DEFERRED)"));
  projecting<tally> report{
      [](session& on, const projected<tally>& e) {
        return on.execute("INSERT INTO child VALUES ($1)", e.id).map([](const auto&) {});
      },
      {.on = target.session.get()}};
  const auto done = report.given("a", added{1}).handled();
  ASSERT_FALSE(done);
  EXPECT_NE(std::string{done.message()}.find("event 1 (added) of tally|a: constraint_violated"),
            std::string::npos)
      << done.message();
}

TEST(Projecting, WhatCannotBeStoredIsNamed) {
  const auto why = [](std::string_view id, testkit::event_facts facts) {
    projecting<tally> report{[](const projected<tally>&) {}};
    return std::string{report.given(id, added{1}, facts).handled().message()};
  };
  EXPECT_EQ(why("", {}).find("invalid_id: "), 0u) << why("", {});
  EXPECT_NE(why("a", {.tags = {{""}}}).find("tag"), std::string::npos);
}

// -- again, and in other batches ------------------------------------------------------------------

TEST(Projecting, DeliversAgainWhatWasHandled) {
  std::map<std::string, int> times;
  std::map<std::string, sequence_nr> last;
  projecting<tally> report{[&](const projected<tally>& e) -> result<void> {
    if (value_of(e.event) == 13) return fail(errc::rejected, "13");
    ++times[e.id];
    last[e.id] = std::max(last[e.id], e.number);
    return {};
  }};
  report.given("a", added{1}).given("b", added{2});
  EXPECT_TRUE(report.delivered_again()) << "nothing was handled";
  EXPECT_TRUE(times.empty());
  EXPECT_TRUE(report.handled());
  EXPECT_FALSE(report.given("b", added{13}).handled());
  EXPECT_TRUE(report.delivered_again()) << "not the one that failed";
  EXPECT_EQ(times, (std::map<std::string, int>{{"a", 2}, {"b", 2}}));
  EXPECT_EQ(last, (std::map<std::string, sequence_nr>{{"a", 1}, {"b", 1}}));
}

TEST(Projecting, ComparesBatchesOfDifferentSizes) {
  const auto sums = [](std::size_t batch_max) {
    std::map<std::string, std::int64_t> all;
    projecting<tally> report{[&](const projected<tally>& e) { all[e.id] += value_of(e.event); },
                             {.batch_max = batch_max}};
    for (int n = 0; n < 20; ++n) report.given(n % 2 == 0 ? "a" : "b", added{n});
    EXPECT_TRUE(report.handled());
    return all;
  };
  EXPECT_TRUE(testkit::same_in_all_batches(sums));
  const auto calls = [](std::size_t batch_max) {
    int count = 0;
    projecting<tally> report{[&](std::span<const projected<tally>>) { ++count; },
                             {.batch_max = batch_max}};
    EXPECT_TRUE(report.given("a", added{1}).given("a", added{2}).handled());
    return count;
  };
  const auto differs = testkit::same_in_all_batches(calls);
  EXPECT_FALSE(differs);
  EXPECT_STREQ(differs.message(), "batches of 1 event give 2, those of up to 2 1");
}

}  // namespace
