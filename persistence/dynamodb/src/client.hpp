// A client of DynamoDB: signs requests, sends many at a time from one thread, and retries.
//
//   client c{server};
//   auto got = c.call("GetItem", {{"TableName", "t"}, {"Key", key}});
//
// Retried, with exponential back-off and full jitter: throttling, 5xx, lost answers, collisions of
// transactions; never what a condition or the server has refused. So a write must be one that may be
// sent twice: with a condition, or a transaction with a ClientRequestToken. Of a write that was lost
// once and then failed by its condition, `maybe_done` is true.
//
// Threads: one at a time; `interrupt` from any. Calls block, at most time_limits::call for each group of
// `flight_max` requests.
// Bounds: `flight_max` requests at a time, a connection each, kept alive. Throws: nothing.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer.hpp"
#include "endpoint.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

struct request {
  std::string_view operation;  ///< e.g. "GetItem"
  json body;
};

class client {
 public:
  static constexpr std::size_t flight_max = 32;

  explicit client(std::shared_ptr<endpoint> server);
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  [[nodiscard]] answer call(std::string_view operation, const json& body);

  /// The answers in the order of the requests; each succeeds or fails by itself.
  [[nodiscard]] std::vector<answer> call_many(std::span<const request> requests);

  /// Ends the running call, and makes it and all later ones fail.
  void interrupt() noexcept;
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }

 private:
  class flight;
  using clock = std::chrono::steady_clock;

  bool launch(flight& one);
  void land(flight& one, CURLcode code);
  void settle(flight& one, fault why);
  void run(std::span<std::unique_ptr<flight>> all);
  void abandon(flight& one);
  std::unique_ptr<CURL, void (*)(CURL*)> handle();

  const std::shared_ptr<endpoint> server_;
  std::atomic<bool> interrupted_{false};
  std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_;
  std::vector<std::unique_ptr<CURL, void (*)(CURL*)>> spare_;
  std::minstd_rand random_;
};

}}}  // namespace nexus::v0::dynamodb
