// The metrics that Prometheus gets over HTTP equal those of to_text.
#include <map>
#include <nexus/nexus.hpp>
#include <nexus/prometheus.hpp>
#include <sstream>
#include <string>

#include "http_get.hpp"

using namespace nexus;
using nexus::test::http_get;

namespace {

struct exposition {
  std::map<std::string, double> samples;        // by name and labels
  std::map<std::string, std::string> comments;  // HELP and TYPE, by "# HELP name"
};

// With the bound of a bucket as a number: prometheus-cpp writes 2e-05 with more digits.
std::string with_plain_bound(std::string sample) {
  constexpr std::string_view le = "le=\"";
  const auto begin = sample.find(le);
  if (begin == std::string::npos) return sample;
  const auto bound = begin + le.size();
  const auto end = sample.find('"', bound);
  return sample.replace(bound, end - bound, std::to_string(std::stod(sample.substr(bound))));
}

// prometheus-cpp adds three families about itself.
exposition parse(const std::string& text) {
  exposition made;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find("exposer_") != std::string::npos) continue;
    if (line.starts_with("# ")) {
      const auto end = line.find(' ', line.find(' ', 2) + 1);
      made.comments[line.substr(0, end)] = line.substr(end + 1);
    } else if (const auto space = line.rfind(' '); space != std::string::npos) {
      EXPECT_TRUE(
          made.samples
              .emplace(with_plain_bound(line.substr(0, space)), std::stod(line.substr(space + 1)))
              .second)
          << "twice: " << line;
    }
  }
  return made;
}

std::string body_of(const std::string& answer) {
  const auto begin = answer.find("\r\n\r\n");
  return begin == std::string::npos ? "" : answer.substr(begin + 4);
}

TEST(Prometheus, ScrapesWhatToTextSays) {
  nexus::system sys;
  auto store = nexus::open("memory:");
  sys.metrics().include(store->metrics());
  sys.letters().publish({.target = "account|alice"});
  sys.metrics().count("shop_orders_total", "Or\\ders\nof all.", {{"a", "x\"y\"\n\\z"}}).add(3);
  auto& h = sys.metrics().measure("shop_seconds", "Times.", growing_bounds(20e-6, 2, 20));
  for (double v : {1e-5, 0.3, 100.0}) h.observe(v);

  const auto served = serve_metrics("127.0.0.1:0", sys.metrics());
  ASSERT_TRUE(served) << served.error().message;
  // The store opens its sessions meanwhile: between two equal texts nothing has changed.
  std::string before;
  std::string answer;
  std::string after;
  for (int tries = 0; tries < 1'000 && (tries == 0 || before != after); ++tries) {
    before = to_text(sys.metrics());
    answer = http_get(served->port(), "/metrics");
    after = to_text(sys.metrics());
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer.substr(0, 200);
  EXPECT_NE(answer.find("Content-Type: text/plain"), std::string::npos);

  const auto scraped = parse(body_of(answer));
  const auto said = parse(after);
  EXPECT_EQ(scraped.samples, said.samples);
  EXPECT_EQ(scraped.comments, said.comments);
  EXPECT_EQ(scraped.samples.at("nexus_dead_letters_total{reason=\"dropped\"}"), 1);
  EXPECT_EQ(scraped.samples.at("shop_seconds_bucket{le=\"inf\"}"), 3);
  EXPECT_EQ(scraped.samples.at("nexus_write_queue_jobs{journal=\"memory:\"}"), 0);
}

TEST(Prometheus, ATakenPortIsAnErrorThatNamesIt) {
  auto m = metrics::make();
  auto first = serve_metrics("127.0.0.1:0", *m);
  ASSERT_TRUE(first) << first.error().message;
  const auto address = "127.0.0.1:" + std::to_string(first->port());
  const auto second = serve_metrics(address, *m);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::unavailable);
  EXPECT_NE(second.error().message.find(address), std::string::npos) << second.error().message;
}

TEST(Prometheus, ServesUntilTheServerGoes) {
  auto m = metrics::make();
  m->count("only_of_this_test", "Nothing.").add(1);  // afterwards the port may be reused
  std::uint16_t port = 0;
  {
    const auto served = serve_metrics("127.0.0.1:0", *m);
    ASSERT_TRUE(served);
    port = served->port();
    EXPECT_NE(http_get(port, "/metrics").find("only_of_this_test"), std::string::npos);
  }
  EXPECT_EQ(http_get(port, "/metrics").find("only_of_this_test"), std::string::npos);
}

}  // namespace
