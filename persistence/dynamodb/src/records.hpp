// Found items of events, for the files of the session that read them.
//
// Threads: values; `look_again` blocks.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// An item of events as found. `bad` names an attribute that no journal writes.
struct dynamodb_session::found_item {
  sequence_nr first = 0;
  std::uint64_t count = 0;
  std::uint64_t missing = 0;  ///< so many at the front were erased
  std::uint64_t n = 0;        ///< the log item that lists it
  std::uint64_t i = 0;        ///< the place of its first event there
  ulid writer{};
  std::string bytes{};
  std::string_view bad{};

  [[nodiscard]] sequence_nr last() const { return first + std::max<std::uint64_t>(count, 1) - 1; }
};

/// Pauses between looks for an item that should be there: a third of a second in all.
class look_again {
 public:
  /// False: enough.
  bool after_a_pause() {
    if (looks_ == looks_max) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5 << looks_++});
    return true;
  }

 private:
  static constexpr int looks_max = 6;
  int looks_ = 0;
};

/// Rivals for the next number of a log meet again less often.
inline void pause_among_rivals(unsigned tries) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto most = std::min(64U, 1U << std::min(tries, 6U));
  std::this_thread::sleep_for(std::chrono::milliseconds{random() % (most + 1)});
}

}}}  // namespace nexus::v0::dynamodb
