#include <nexus/memory.hpp>
#include <nexus/sqlite.hpp>

#include "contract/strands_journal.hpp"
#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;

INSTANTIATE_TEST_SUITE_P(
    Places, Projection,
    testing::Values(projection_place{"memory",
                                     [](const auto&) { return std::string{"memory:"}; },
                                     {memory_backend()},
                                     false},
                    projection_place{
                        "sqlite",
                        [](const temporary_folder& f) { return "sqlite:" + f.path("test.db"); },
                        {sqlite_backend()}},
                    projection_place{"three_strands",
                                     [](const auto&) { return std::string{"strands:"}; },
                                     {strands_backend(3)},
                                     false}),
    [](const auto& of) { return of.param.name; });

// Rows, offsets and failures are in the target, here another file.
TEST(ProjectionTarget, MayBeAnotherStore) {
  const temporary_folder folder;
  const store source = must(nexus::open("memory:"));
  const store target = must(nexus::open("sqlite:" + folder.path("rows.db")));
  nexus::system sys{{.threads = 2}};
  entities<tally> tallies{sys, source};
  Projection::run(target, "CREATE TABLE seen (id text, number bigint)");
  const auto note = [](session& on, const projected<tally>& e) {
    return on.execute("INSERT INTO seen VALUES ($1, $2)", e.id, static_cast<std::int64_t>(e.number))
        .map([](const auto&) {});
  };
  projection<tally> report{sys, source, "report", note, {.target = target}};
  must(tallies.of("a").ask(tally::add{1}).get(patience));
  must(report.caught_up(patience));
  EXPECT_TRUE(report.status().exactly_once);
  report.stop();
  auto there = must(target.open_session());
  EXPECT_EQ(must(there->query<std::int64_t>("SELECT count(*) FROM seen")).front(), 1);
  EXPECT_EQ(must(there->projections()->cells({"report", 1})).size(), 64u);
  EXPECT_EQ(must(must(source.open_session())->projections()->cells({"report", 1})).size(), 0u);
  EXPECT_EQ(must(must(source.open_session())->readers()).size(), 1u) << "registered at its source";
}

TEST(ProjectionMetrics, CountEventsFailuresAndLag) {
  const store opened = must(nexus::open("memory:"));
  nexus::system sys{{.threads = 2}};
  entities<tally> tallies{sys, opened};
  must(tallies.of("a").ask(tally::add{1}).get(patience));
  projection<tally> report{sys, opened, "report", [](const projected<tally>&) {}};
  must(report.caught_up(patience));
  const auto text = to_text(sys.metrics());
  for (const auto* line :
       {"nexus_projection_events_total{projection=\"report\",version=\"1\"} 1",
        "nexus_projection_failures_total{projection=\"report\",version=\"1\"} 0",
        "nexus_projection_lag_events{projection=\"report\",version=\"1\"} 0",
        "nexus_projection_lag_seconds{projection=\"report\",version=\"1\"} 0",
        "nexus_projection_stopped{projection=\"report\",version=\"1\"} 0",
        "nexus_projection_latency_seconds_count{projection=\"report\",version=\"1\"} 1"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}
