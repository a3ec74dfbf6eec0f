// The server, and what all clients of one journal share about it: credentials, the difference of the
// clocks, the budget for retries.
//
// Threads: any. Throws: nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

#include "credentials.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// Retries in a row cost more than successes pay back: if most requests fail, retries end, so that
/// they do not multiply the load of a server in trouble. As in the AWS SDKs' "standard" mode.
class retry_budget {
 public:
  static constexpr int all = 500;
  static constexpr int price = 5;

  [[nodiscard]] bool take() noexcept {
    int left = left_;
    while (left >= price) {
      if (left_.compare_exchange_weak(left, left - price)) return true;
    }
    return false;
  }
  void succeeded() noexcept {
    int left = left_;
    while (left < all && !left_.compare_exchange_weak(left, left + 1)) {
    }
  }

 private:
  std::atomic<int> left_{all};
};

struct time_limits {
  std::chrono::milliseconds connect{2'000};
  std::chrono::milliseconds attempt{10'000};
  std::chrono::milliseconds call{30'000};  ///< with all retries
};

struct endpoint {
  std::string url;     ///< e.g. "https://dynamodb.eu-central-1.amazonaws.com"
  std::string host;    ///< with the port, as in the header Host
  std::string region;  ///< of the signature
  std::string ca{};    ///< the file of the certificates to trust; empty: those of the system
  time_limits within{};
  credential_source credentials{};
  std::atomic<std::chrono::seconds> clock_skew{};  ///< the server's clock less ours
  retry_budget budget{};
};

}}}  // namespace nexus::v0::dynamodb
