// Counting from many threads, and the result of a collection.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <future>
#include <limits>
#include <nexus/metrics.hpp>
#include <nexus/system.hpp>
#include <thread>

using namespace nexus;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

void on_threads(unsigned n, const std::function<void()>& f) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < n; ++i) threads.emplace_back(f);
  for (auto& t : threads) t.join();
}

const metric_family* find(const std::vector<metric_family>& all, std::string_view name) {
  for (const auto& f : all) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

TEST(Metrics, CountsOfManyThreadsAddUp) {
  auto m = metrics::make();
  auto& c = m->count("a_total", "A.");
  on_threads(12, [&] {
    for (int i = 0; i < 10'000; ++i) c.add();
    c.add(5);
  });
  EXPECT_EQ(c.value(), 12u * 10'005);
}

TEST(Metrics, ThreadsShareNoCacheLineUpToAsManyAsThereAreStripes) {
  std::mutex lock;
  std::vector<std::size_t> taken(detail::stripes);
  on_threads(detail::stripes, [&] {
    std::lock_guard guard{lock};
    ++taken[detail::own_stripe()];
  });
  EXPECT_EQ(taken, std::vector<std::size_t>(detail::stripes, 1));
  EXPECT_EQ(sizeof(counter), detail::stripes * detail::cache_line_bytes);
  EXPECT_EQ(alignof(counter), detail::cache_line_bytes);
}

TEST(Metrics, AHistogramsBucketsAreCumulativeAndTheirBoundsInclusive) {
  histogram h{std::vector<double>{1, 2, 4}};
  for (double v : {0.5, 1.0, 1.5, 4.0, 9.0, -3.0, std::nan("")}) h.observe(v);
  EXPECT_EQ(h.buckets(), (std::vector<metric_bucket>{{1, 3}, {2, 4}, {4, 5}, {inf, 6}}));
  EXPECT_EQ(h.count(), 6u);
  EXPECT_EQ(h.sum(), 13.0);
}

TEST(Metrics, AHistogramOfManyBoundsAndThreadsLosesNothing) {
  const auto bounds = growing_bounds(1, 2, 20);
  EXPECT_EQ(bounds.back(), 524'288);
  histogram h{bounds};
  on_threads(12, [&] {
    for (int i = 0; i < 20; ++i) h.observe(static_cast<double>(1 << i));
  });
  EXPECT_EQ(h.count(), 240u);
  EXPECT_EQ(h.sum(), 12.0 * 1'048'575);
  EXPECT_EQ(h.buckets()[3].count, 48u);
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameCounter) {
  auto m = metrics::make();
  auto& a = m->count("a_total", "A.", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(&a, &m->count("a_total", "Other help.", {{"y", "2"}, {"x", "1"}}));
  EXPECT_NE(&a, &m->count("a_total", "A.", {{"x", "1"}}));
  EXPECT_EQ(&m->measure("b", "B.", std::vector<double>{1}),
            &m->measure("b", "B.", std::vector<double>{2}));
  const auto all = m->collect();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].help, "A.");
  EXPECT_EQ(all[0].samples.size(), 2u);
}

TEST(Metrics, ANameOfAnotherKindCountsAndIsNotCollected) {
  auto m = metrics::make();
  m->count("a_total", "A.").add();
  m->measure("a_total", "A.", std::vector<double>{1}).observe(3);
  const auto gone = m->sample("a_total", "A.", {}, [] { return 7.0; });
  const auto all = m->collect();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, metric_kind::counter);
  ASSERT_EQ(all[0].samples.size(), 1u);
  EXPECT_EQ(all[0].samples[0].value, 1);
}

TEST(Metrics, ASampledValueIsGoneWithItsRegistration) {
  auto m = metrics::make();
  {
    const auto r = m->sample("depth", "D.", {}, [] { return 3.0; });
    EXPECT_EQ(m->collect().at(0).samples.at(0).value, 3.0);
  }
  EXPECT_TRUE(m->collect().empty());
  auto r = m->sample("depth", "D.", {}, [] { return 4.0; });
  r = m->sample("depth", "D.", {}, [] { return 5.0; });
  EXPECT_EQ(m->collect().at(0).samples.at(0).value, 5.0);
  m.reset();  // a registration may outlive its registry
}

TEST(Metrics, ARegistrationWaitsForACollectionUnderWay) {
  auto m = metrics::make();
  std::promise<void> asked;
  std::promise<void> answer;
  std::atomic<bool> answered = false;
  std::optional<registration> r = m->sample("depth", "D.", {}, [&] {
    asked.set_value();
    answer.get_future().wait();
    answered = true;
    return 1.0;
  });
  std::thread collecting{[&] { (void)m->collect(); }};
  asked.get_future().wait();
  std::thread answering{[&] { answer.set_value(); }};
  r.reset();
  EXPECT_TRUE(answered);
  collecting.join();
  answering.join();
}

TEST(Metrics, ASampleFunctionMayMakeMetricsAndMayThrow) {
  auto m = metrics::make();
  const auto a = m->sample("a", "A.", {}, [&] {
    m->count("made_total", "M.").add();
    return 1.0;
  });
  const auto b = m->sample("b", "B.", {}, []() -> double { throw std::runtime_error{"no value"}; });
  const auto all = m->collect();
  EXPECT_NE(find(all, "a"), nullptr);
  EXPECT_EQ(find(all, "b"), nullptr);
  EXPECT_EQ(m->count("made_total", "M.").value(), 1u);
}

TEST(Metrics, AnIncludedRegistryIsCollectedOnceHoweverItIsReached) {
  auto top = metrics::make();
  auto left = metrics::make();
  auto right = metrics::make();
  auto leaf = metrics::make();
  for (auto& m : {left, right}) {
    top->include(*m);
    m->include(*leaf);
    m->include(*top);
  }
  top->include(*left);
  leaf->count("a_total", "A.").add(3);
  left->count("a_total", "A.", {{"at", "left"}}).add();
  const auto all = top->collect();
  ASSERT_EQ(all.size(), 1u);
  ASSERT_EQ(all[0].samples.size(), 2u);
  EXPECT_EQ(all[0].samples[0].value, 3);
  leaf.reset();
  EXPECT_EQ(top->collect().at(0).samples.size(), 1u);
}

TEST(Metrics, TheSameSampleOfTwoRegistriesIsAddedUp) {
  auto top = metrics::make();
  auto other = metrics::make();
  top->include(*other);
  for (auto& m : {top, other}) {
    m->count("a_total", "A.").add(2);
    m->measure("b", "B.", std::vector<double>{1}).observe(1);
  }
  const auto c = top->sample("c", "C.", {}, [] { return 1.5; });
  const auto d = top->sample("c", "C.", {}, [] { return 2.0; });
  const auto all = top->collect();
  EXPECT_EQ(find(all, "a_total")->samples.at(0).value, 4);
  EXPECT_EQ(find(all, "b")->samples.at(0).value, 2);
  EXPECT_EQ(find(all, "b")->samples.at(0).buckets, (std::vector<metric_bucket>{{1, 2}, {inf, 2}}));
  EXPECT_EQ(find(all, "c")->samples.at(0).value, 3.5);
}

TEST(Metrics, TheirTextIsEscaped) {
  auto m = metrics::make();
  m->count("a_total", "A \\ and\na \"line\".", {{"path", "C:\\x\n\"y\""}}).add(7);
  const auto c = m->sample("c", "C.", {}, [] { return -inf; });
  const auto d = m->sample("d", "D.", {}, [] { return std::nan(""); });
  auto& h = m->measure("b_seconds", "B.", std::vector<double>{0.001, 2.5}, {{"x", "1"}});
  h.observe(0.5);
  h.observe(3);
  EXPECT_EQ(to_text(*m),
            "# HELP a_total A \\\\ and\\na \"line\".\n"
            "# TYPE a_total counter\n"
            "a_total{path=\"C:\\\\x\\n\\\"y\\\"\"} 7\n"
            "# HELP b_seconds B.\n"
            "# TYPE b_seconds histogram\n"
            "b_seconds_bucket{x=\"1\",le=\"0.001\"} 0\n"
            "b_seconds_bucket{x=\"1\",le=\"2.5\"} 1\n"
            "b_seconds_bucket{x=\"1\",le=\"+Inf\"} 2\n"
            "b_seconds_sum{x=\"1\"} 3.5\n"
            "b_seconds_count{x=\"1\"} 2\n"
            "# HELP c C.\n"
            "# TYPE c gauge\n"
            "c -Inf\n"
            "# HELP d D.\n"
            "# TYPE d gauge\n"
            "d NaN\n");
}

TEST(Metrics, MayBeAddedToWhileTheyAreCollected) {
  auto m = metrics::make();
  std::atomic<bool> done = false;
  std::thread adding{[&] {
    for (int i = 0; !done || i < 1'000; ++i) {
      m->count("a_total", "A.", {{"i", std::to_string(i % 10)}}).add();
      m->measure("b", "B.", std::vector<double>{5}).observe(i % 10);
      const auto r = m->sample("c", "C.", {}, [] { return 1.0; });
    }
  }};
  double last = 0;
  for (int i = 0; i < 200; ++i) {
    const auto all = m->collect();
    const auto* b = find(all, "b");
    if (b == nullptr) continue;
    const auto now = static_cast<double>(b->samples.at(0).buckets.back().count);
    EXPECT_GE(now, last);
    last = now;
  }
  done = true;
  adding.join();
}

double dead_letters(const metrics& of, const std::string& reason) {
  const auto all = of.collect();
  for (const auto& one : find(all, "nexus_dead_letters_total")->samples) {
    if (one.labels == metric_labels{{"reason", reason}}) return one.value;
  }
  ADD_FAILURE() << "no dead letters for reason " << reason;
  return -1;
}

TEST(Metrics, OfASystemAreItsOwnOrTheProgramsAndTellOfDeadLetters) {
  auto mine = metrics::make();
  {
    nexus::system sys{{.threads = 1, .metrics = mine}};
    EXPECT_EQ(&sys.metrics(), mine.get());
    sys.letters().publish({.target = "account|alice"});
    EXPECT_EQ(dead_letters(*mine, "dropped"), 1);
    EXPECT_EQ(dead_letters(*mine, "stopped"), 0);
  }
  EXPECT_TRUE(mine->collect().empty());
  nexus::system other{{.threads = 1}};
  EXPECT_EQ(dead_letters(other.metrics(), "dropped"), 0);
}

}  // namespace
