// dynamodb.append: appends of one event each to 1, 100 and 1,000 entities, beside a loop over libcurl
// that sends the same transactions, with the same guards and as many in flight.
//
// Built if DynamoDB Local is there. The loop prepares its requests as text and does not sign them, as
// DynamoDB Local accepts any signature.
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nexus/dynamodb.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "figure.hpp"
#include "local_server.hpp"

namespace bench {
namespace {

using nexus::test::local_server;

constexpr std::uint32_t strands = 4;
/// Of a transaction with 10 actions: a head and an item each.
constexpr std::size_t requests_max = 4;
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
run appends(std::size_t count, std::uint64_t calls, Append append_all) {
  append_all();  // the first event of each is another transaction
  const stopwatch watch;
  for (std::uint64_t i = 0; i < calls; ++i) append_all();
  return {calls * count, watch.read()};
}

struct opened {
  std::shared_ptr<nexus::journal> journal;
  std::unique_ptr<nexus::journal_session> session;
};

opened open(const std::string& uri) {
  auto made = nexus::dynamodb_backend().open(nexus::uri::parse(uri).value());
  if (!made) throw std::runtime_error{made.error().message};
  auto session = (*made)->open_session().value();
  return {*std::move(made), std::move(session)};
}

run append_by_hand(std::size_t count, std::uint64_t calls) {
  const auto& server = local_server::shared();
  const auto uri = server.fresh_journal();
  const auto tables = open(uri);
  plain_loop plain{fmt::format("http://127.0.0.1:{}", server.port()),
                   uri.substr(uri.rfind('/') + 1) + "_journal"};
  auto all = entities(count);
  return appends(count, calls, [&] { plain.append(all); });
}

run append_by_nexus(std::size_t count, std::uint64_t calls) {
  const auto uri = local_server::shared().fresh_journal(fmt::format("strands={}", strands));
  const auto here = open(uri);
  auto all = entities(count);
  return appends(count, calls, [&] { append(*here.session, all); });
}

/// Transactions per append: each strand has batches of its own.
double requests_per_append(std::size_t count) {
  std::vector<std::size_t> of_strand(strands);
  for (const auto& one : entities(count)) ++of_strand[nexus::strand_of(one.id.slice(), strands)];
  std::size_t requests = 0;
  for (const auto some : of_strand) requests += (some + requests_max - 1) / requests_max;
  return static_cast<double>(requests) / static_cast<double>(count);
}

figure appends_to(std::size_t count, const options& o) {
  rounds both;
  const auto calls = std::max<std::uint64_t>(o.count(3'000, 600) / count, 1);
  for (unsigned i = 0; i < o.rounds_or(5); ++i) {
    const auto nexus = append_by_nexus(count, calls);
    both.add(nexus, append_by_hand(count, calls));
  }
  auto made = both.summary(fmt::format("dynamodb.append.{}", count), "appends/s");
  const auto requests = requests_per_append(count);
  // A transaction's units count twice: a head and an item per append, a log item per request.
  made.notes.push_back(fmt::format("{:.2f} requests and {:.2f} write units per append", requests,
                                   2 * (2 + requests)));
  return made;
}

}  // namespace

std::vector<figure> dynamodb_append(const options& o) {
  return {appends_to(1, o), appends_to(100, o), appends_to(1'000, o)};
}

}  // namespace bench
