// dynamodb.append: appends of one event each to 1, 100 and 1,000 entities, beside a loop over libcurl
// that sends the same transactions, with the same guards and as many in flight.
//
//   nexus_dynamodb_bench [SECONDS]    of each run; default 3
//
// A program of its own: it needs DynamoDB Local. The loop prepares its requests as text and does not
// sign them, as DynamoDB Local accepts any signature.
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <nexus/dynamodb.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "local_server.hpp"

namespace {

using nexus::test::local_server;
using clock_type = std::chrono::steady_clock;

constexpr std::uint32_t strands = 4;
constexpr std::size_t requests_max =
    4;  // of a transaction with 10 actions: a head and an item each
constexpr int rounds = 3;
const std::string payload(100, 'x');

struct entity {
  nexus::persistence_id id;
  std::uint64_t highest = 0;
};

std::vector<entity> entities(std::size_t count) {
  std::vector<entity> made;
  for (std::size_t i = 0; i < count; ++i) {
    made.push_back({nexus::persistence_id::make("bench", fmt::format("{:06}", i)).value()});
  }
  return made;
}

/// Appends to all entities in one call.
void append(nexus::journal_session& session, std::vector<entity>& all) {
  const nexus::event_view event{.type = "happened", .data = payload, .metadata = {}};
  std::vector<nexus::append_request> requests;
  for (const auto& one : all) requests.push_back({one.id, one.highest, {}, {&event, 1}});
  for (const auto& outcome : session.append(requests)) {
    if (!std::holds_alternative<nexus::stored>(outcome)) throw std::runtime_error{"not stored"};
  }
  for (auto& one : all) ++one.highest;
}

/// The same by hand.
class plain_loop {
 public:
  plain_loop(const std::string& url, std::string table) : table_{std::move(table)} {
    for (const auto* line : {"x-amz-target: DynamoDB_20120810.TransactWriteItems",
                             "content-type: application/x-amz-json-1.0", "expect:",
                             "authorization: AWS4-HMAC-SHA256 Credential=test/20200101/us-east-1/"
                             "dynamodb/aws4_request, SignedHeaders=host, Signature=00"}) {
      headers_ = curl_slist_append(headers_, line);
    }
    for (std::uint32_t i = 0; i < strands; ++i) {
      auto* const one = curl_easy_init();
      curl_easy_setopt(one, CURLOPT_URL, url.c_str());
      curl_easy_setopt(one, CURLOPT_HTTPHEADER, headers_);
      curl_easy_setopt(
          one, CURLOPT_WRITEFUNCTION,
          +[](char*, std::size_t size, std::size_t n, void*) { return size * n; });
      handles_.push_back(one);
    }
  }
  ~plain_loop() {
    for (auto* one : handles_) curl_easy_cleanup(one);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
  }
  plain_loop(const plain_loop&) = delete;
  plain_loop& operator=(const plain_loop&) = delete;

  void append(std::vector<entity>& all) {
    std::vector<std::vector<entity*>> queues(strands);
    for (auto& one : all) queues[nexus::strand_of(one.id.slice(), strands)].push_back(&one);
    while (std::ranges::any_of(queues, [](const auto& one) { return !one.empty(); })) {
      std::vector<std::string> bodies(strands);
      for (std::uint32_t i = 0; i < strands; ++i) {
        auto& queue = queues[i];
        const auto count = std::min(queue.size(), requests_max);
        if (count == 0) continue;
        bodies[i] = body(i, {queue.data(), count});
        queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
      }
      send(bodies);
    }
  }

 private:
  std::string body(std::uint32_t strand, std::span<entity* const> some) {
    std::string actions;
    const auto n = ++numbers_[strand];
    std::string entries;
    for (auto* one : some) {
      const auto guard = one->highest == 0 ? std::string{"attribute_not_exists(h)"} : "h = :e";
      const auto expected =
          one->highest == 0 ? "" : fmt::format(R"(":e":{{"N":"{}"}},)", one->highest);
      ++one->highest;
      actions += fmt::format(
          R"~({{"Update":{{"TableName":"{0}","Key":{{"p":{{"S":"i#{1}"}},"s":{{"S":"!"}}}},)~"
          R"~("UpdateExpression":"SET h = :n",)~"
          R"~("ConditionExpression":"{2} AND attribute_not_exists(g)",)~"
          R"~("ReturnValuesOnConditionCheckFailure":"ALL_OLD",)~"
          R"~("ExpressionAttributeValues":{{{3}":n":{{"N":"{4}"}}}}}}}},)~"
          R"~({{"Put":{{"TableName":"{0}","Item":{{"p":{{"S":"i#{1}"}},"s":{{"S":"e{4:020}"}},)~"
          R"~("d":{{"B":"{5}"}},"n":{{"N":"{6}"}},"c":{{"N":"1"}},"i":{{"N":"1"}}}}}}}},)~",
          table_, one->id.str(), guard, expected, one->highest, data_, n);
      entries += "YmVuY2h8MDAwMDAwAAEB";
    }
    actions += fmt::format(
        R"~({{"Put":{{"TableName":"{}","Item":{{"p":{{"S":"l#{}"}},"s":{{"S":"{:020}"}},)~"
        R"~("d":{{"B":"{}"}}}},"ConditionExpression":"attribute_not_exists(p)"}}}})~",
        table_, strand, n, entries);
    return fmt::format(R"({{"ClientRequestToken":"{:08x}{:08x}{:016x}","TransactItems":[{}]}})",
                       run_, strand, n, actions);
  }

  void send(const std::vector<std::string>& bodies) {
    int running = 0;
    answer_.clear();
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      if (bodies[i].empty()) continue;
      curl_easy_setopt(handles_[i], CURLOPT_POSTFIELDS, bodies[i].data());
      curl_easy_setopt(handles_[i], CURLOPT_POSTFIELDSIZE, static_cast<long>(bodies[i].size()));
      curl_multi_add_handle(multi_, handles_[i]);
    }
    do {
      curl_multi_perform(multi_, &running);
      if (running > 0) curl_multi_poll(multi_, nullptr, 0, 1'000, nullptr);
    } while (running > 0);
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      if (bodies[i].empty()) continue;
      long status = 0;
      curl_easy_getinfo(handles_[i], CURLINFO_RESPONSE_CODE, &status);
      curl_multi_remove_handle(multi_, handles_[i]);
      if (status != 200)
        throw std::runtime_error{fmt::format("the loop got {}: {}", status, answer_)};
    }
  }

  static inline std::uint32_t runs_ = 0;
  const std::uint32_t run_ = ++runs_;  // tokens of another run are other tokens
  const std::string table_;
  const std::string data_ = std::string(172, 'A');  // base64 of as many bytes
  std::vector<std::uint64_t> numbers_ = std::vector<std::uint64_t>(strands);
  std::string answer_;
  curl_slist* headers_ = nullptr;
  CURLM* multi_ = curl_multi_init();
  std::vector<CURL*> handles_;
};

template <class Append>
double rate(std::size_t count, double seconds, Append append_all) {
  append_all();  // the first event of each is another transaction
  std::uint64_t calls = 0;
  const auto start = clock_type::now();
  std::chrono::duration<double> took{};
  while (took.count() < seconds) {
    append_all();
    ++calls;
    took = clock_type::now() - start;
  }
  return static_cast<double>(calls * count) / took.count();
}

std::unique_ptr<nexus::journal_session> open(const std::string& uri,
                                             std::shared_ptr<nexus::journal>& into) {
  auto opened = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value());
  if (!opened) throw std::runtime_error{opened.error().message};
  into = *opened;
  return into->open_session().value();
}

void measure(std::size_t count, double seconds) {
  const auto& server = local_server::shared();
  std::vector<double> ratios;
  double nexus_rate = 0;
  double plain_rate = 0;
  for (int i = 0; i < rounds; ++i) {
    std::shared_ptr<nexus::journal> store;
    auto session = open(server.fresh_journal(fmt::format("strands={}", strands)), store);
    auto mine = entities(count);
    nexus_rate = rate(count, seconds, [&] { append(*session, mine); });
    const auto uri = server.fresh_journal();
    std::shared_ptr<nexus::journal> tables;
    (void)open(uri, tables);
    plain_loop plain{fmt::format("http://127.0.0.1:{}", server.port()),
                     uri.substr(uri.rfind('/') + 1) + "_journal"};
    auto theirs = entities(count);
    plain_rate = rate(count, seconds, [&] { plain.append(theirs); });
    ratios.push_back(nexus_rate / plain_rate);
  }
  std::ranges::sort(ratios);
  const auto each = std::min<std::size_t>(requests_max, (count + strands - 1) / strands);
  fmt::print(
      "dynamodb.append.{:<5} {:>7.0f} appends/s, plain {:>7.0f}, ratio {:.2f} ({:.2f}-{:.2f}); "
      "about {:.2f} requests and {:.1f} write units per append\n",
      count, nexus_rate, plain_rate, ratios[ratios.size() / 2], ratios.front(), ratios.back(),
      1.0 / static_cast<double>(each), 4 + 2.0 / static_cast<double>(each));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 3;
    for (const std::size_t count : {1, 100, 1'000}) measure(count, seconds);
  } catch (const std::exception& why) {
    fmt::print(stderr, "nexus_dynamodb_bench: {}\n", why.what());
    return 1;
  }
}
