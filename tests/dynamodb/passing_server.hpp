// Stands before a DynamoDB Local: passes requests on, and lets a test change or lose the answers.
//
//   passing_server before{local_server::shared()};
//   before.alter = [](const fake_request& r, fake_reply& reply) { … };
//   auto store = nexus::open(before.fresh_journal("strands=1"));
//
// Threads: those of fake_server, one request at a time; set `alter` and `instead` while no request
// is on its way. Throws: std::runtime_error if no port is free.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "fake_server.hpp"
#include "http_client.hpp"
#include "local_server.hpp"

namespace nexus::test {

class passing_server {
 public:
  using change = std::function<void(const fake_request&, fake_reply&)>;

  explicit passing_server(local_server& behind) : behind_{behind} {}

  /// As local_server::fresh_journal, with this server's port.
  [[nodiscard]] std::string fresh_journal(const std::string& parameters = {}) const {
    const auto direct = behind_.fresh_journal(parameters);
    const auto slash = direct.find('/', std::string{"dynamodb://"}.size());
    return "dynamodb://127.0.0.1:" + std::to_string(server_.port()) + direct.substr(slash);
  }

  /// Kills the server behind. No acknowledged write is lost by that, as one may be if
  /// local_server::stop is called alone: DynamoDB Local answers a transaction before it commits it.
  /// So answers are dropped first, then a request waits until the commits before it are done.
  void stop() {
    away_ = true;
    http_client direct{static_cast<std::uint16_t>(behind_.port())};
    if (!direct.post("/", "{}", json_type, signed_for("ListTables"))) {
      throw std::runtime_error{"DynamoDB Local does not answer before it is stopped"};
    }
    behind_.stop();
  }
  void start() {
    behind_.start();
    away_ = false;
  }

  /// Waits until so many more transactions were passed on.
  void wait_for_transactions(int more) const {
    constexpr std::chrono::seconds patience{60};
    const auto until = std::chrono::steady_clock::now() + patience;
    for (const int wanted = transactions_ + more; transactions_ < wanted;) {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error{"no transactions came"};
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
  }

  change alter;                                                   ///< of an answer of the server
  std::function<bool(const fake_request&, fake_reply&)> instead;  ///< true: the server is not asked

 private:
  static constexpr auto json_type = "application/x-amz-json-1.0";

  static http_headers signed_for(const std::string& operation) {
    return {{"x-amz-target", "DynamoDB_20120810." + operation},
            {"authorization",
             "AWS4-HMAC-SHA256 Credential=test/20200101/us-east-1/dynamodb/aws4_request, "
             "SignedHeaders=host, Signature=00"}};
  }

  fake_reply pass_on(const fake_request& r) {
    fake_reply made;
    if (away_) return {.drop = true};
    if (instead && instead(r, made)) return made;
    http_headers with;
    for (const auto& [name, value] : r.headers) {
      if (name.starts_with("x-amz") || name == "authorization") with.emplace_back(name, value);
    }
    if (r.operation() == "TransactWriteItems") ++transactions_;
    const auto got = real_.post("/", r.body, json_type, with);
    if (!got || away_) return {.drop = true};
    made.status = got->status;
    made.body = got->body;
    if (alter) alter(r, made);
    return made;
  }

  local_server& behind_;
  std::atomic<bool> away_{false};
  std::atomic<int> transactions_{0};
  http_client real_{static_cast<std::uint16_t>(behind_.port())};
  fake_server server_{[this](const fake_request& r) { return pass_on(r); }};
};

}  // namespace nexus::test
