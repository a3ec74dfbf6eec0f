// A projection that writes read models through a deferred repository.
#include <nexus/deferred_read_models.hpp>
#include <nexus/read_models.hpp>

#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct total {
  static constexpr std::string_view type_name = "total";
  std::string id;
  std::int64_t sum = 0;
  std::int64_t events = 0;
  MSGPACK_DEFINE_MAP(id, sum, events)
};

// Each id is read once and written once per batch.
result<void> add_to_totals(session& on, std::span<const projected<tally>> events) {
  deferred_read_models rows{on};
  auto& totals = rows.of<total>("totals");
  for (const auto& e : events) {
    auto found = totals.find(e.id);
    if (!found) return fail(std::move(found.error()));
    auto now = *found ? **found : total{e.id};
    now.sum += value_of(e.event);
    ++now.events;
    if (auto done = totals.save(now); !done) return done;
  }
  if (auto done = rows.flush("totals"); !done) return fail(done.error());
  return {};
}

std::string stored_totals(const store& at) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> all;
  read_models models{at};
  for (const auto& one : must(models.of<total>("totals").find_all())) {
    all[one.id] = {one.sum, one.events};
  }
  return told(all);
}

}  // namespace

TEST_P(Projection, WritesReadModelsInItsTransaction) {
  add_many(10, 10);
  projection<tally> report{sys, opened, "totals", add_to_totals, {.batch_max = 7}};
  catch_up(report);
  add_many(10, 1);
  catch_up(report);
  EXPECT_EQ(stored_totals(opened), stored());
}

TEST_P(Projection, ReadModelsOfABatchThatFailsAreNotStored) {
  if (!GetParam().exactly_once()) GTEST_SKIP() << "it has no transactions";
  add_many(5, 4);
  std::atomic<int> failures{3};
  const auto handle = [&](session& on, std::span<const projected<tally>> events) -> result<void> {
    if (auto done = add_to_totals(on, events); !done) return done;
    if (failures-- > 0) throw std::runtime_error{"after its rows were flushed"};
    return {};
  };
  projection<tally> report{sys, opened, "totals", handle, {.retry_pause = 1ms}};
  catch_up(report);
  EXPECT_EQ(stored_totals(opened), stored());
}
