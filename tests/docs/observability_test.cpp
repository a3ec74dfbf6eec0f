// The code of docs/observability.md, compiled and run.
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nexus/log.hpp>
#include <nexus/metadata.hpp>
#include <nexus/metrics.hpp>
#include <nexus/nexus.hpp>
#include <sstream>
#include <string>
#if __has_include(<nexus/prometheus.hpp>)
#include <nexus/prometheus.hpp>
#endif

using namespace std::chrono_literals;

namespace {

struct account {
  static constexpr std::string_view entity_type = "account";
  struct deposit {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using command = std::variant<deposit>;
  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited>;
  struct state {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
  }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
};

bool has(const std::string& text, std::string_view line) {
  return text.find(std::string{line} + "\n") != std::string::npos;
}

}  // namespace

TEST(Docs, MetricsOfASystemAndItsStores) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};
  EXPECT_TRUE(accounts.of("alice").ask(account::deposit{100}).get(10s));
  const std::string text = nexus::to_text(sys.metrics());
  EXPECT_TRUE(has(text, "nexus_appends_total{journal=\"memory:\",outcome=\"stored\"} 1")) << text;
  EXPECT_TRUE(has(text, "nexus_commit_seconds_count{journal=\"memory:\"} 1"));
  EXPECT_TRUE(has(text, "nexus_dead_letters_total{reason=\"stopped\"} 0"));
}

// The table on the page must name every family.
TEST(Docs, EveryMetricIsOnThePage) {
  std::ifstream file{PAGES "/observability.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  ASSERT_NE(page, "");
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};
  EXPECT_TRUE(accounts.of("alice").ask(account::deposit{100}).get(10s));
  for (const auto& family : sys.metrics().collect()) {
    const auto last = family.name.substr(family.name.rfind('_'));
    EXPECT_TRUE(page.find("`" + family.name + "`") != std::string::npos ||
                page.find("`…" + last + "`") != std::string::npos)
        << family.name;
  }
}

TEST(Docs, CustomMetrics) {
  nexus::system sys;
  auto& opened = sys.metrics().count("bank_accounts_opened_total", "Accounts.", {{"branch", "x"}});
  auto& cents =
      sys.metrics().measure("bank_deposit_cents", "Deposits.", nexus::growing_bounds(1, 10, 8));
  const auto registered =
      sys.metrics().sample("bank_tellers", "At work now.", {}, [] { return 3.0; });
  opened.add();
  cents.observe(12'345);
  const auto text = nexus::to_text(sys.metrics());
  EXPECT_TRUE(has(text, "bank_accounts_opened_total{branch=\"x\"} 1")) << text;
  EXPECT_TRUE(has(text, "bank_deposit_cents_bucket{le=\"100000\"} 1"));
  EXPECT_TRUE(has(text, "bank_tellers 3"));
}

TEST(Docs, MetricsAreAListOfFamilies) {
  nexus::system sys;
  testing::internal::CaptureStdout();
  for (const nexus::metric_family& family : sys.metrics().collect()) {
    for (const nexus::metric_sample& sample : family.samples) {
      std::cout << family.name << ' ' << sample.value << '\n';
    }
  }
  EXPECT_TRUE(has(testing::internal::GetCapturedStdout(), "nexus_dead_letters_total 0"));
}

#if __has_include(<nexus/prometheus.hpp>)
TEST(Docs, MetricsAreServed) {
  nexus::system sys;
  auto served = nexus::serve_metrics("127.0.0.1:9464", sys.metrics());
  if (!served) std::cerr << served.error().message << '\n';
  if (served) {
    EXPECT_EQ(served->port(), 9464);
  } else {  // another program has the port
    EXPECT_EQ(served.error().code, nexus::errc::unavailable);
  }
}
#endif

TEST(Docs, ATraceIsStored) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};
  nexus::call_header header;
  header.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  header.tracestate = "congo=t61rcWkgMzE";
  EXPECT_TRUE(accounts.of("alice").ask(account::deposit{100}, header).get(10s));
  nexus::event_metadata stored;
  ASSERT_TRUE((*store->open_session())
                  ->replay(*nexus::persistence_id::make("account", "alice"), 1, 1, 1,
                           [&](const nexus::record_view& r) {
                             stored = nexus::decode_metadata(r.event.metadata).value();
                             return true;
                           }));
  EXPECT_EQ(stored.traceparent, header.traceparent);
  EXPECT_EQ(stored.tracestate, header.tracestate);
}

TEST(Docs, TheLogGoesWhereItIsTold) {
  std::ostringstream text;
  const auto my_sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
  nexus::set_log_level(nexus::log_level::debug);
  nexus::use_logger(std::make_shared<spdlog::logger>("bank", my_sink));
  nexus::set_log_level(nexus::log_level::debug);
  nexus::system sys;
  sys.letters().publish({.target = "account|alice"});
  nexus::use_logger(nullptr);
  EXPECT_NE(text.str().find("[bank] [debug] dead letter for account|alice"), std::string::npos);
}
