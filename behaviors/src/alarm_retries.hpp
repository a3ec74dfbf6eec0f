// Ids whose alarm could not be run, each with a pause that grows with its failures.
//
// Threads: one at a time. Bound: the caller adds no id while `full`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alarm_times.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class alarm_retries {
 public:
  alarm_retries(const alarm_times& times, std::size_t max) : times_{times}, max_{max} {}

  /// Returns how often the id has failed in a row by now. `of_storage`: when the storage is back,
  /// it need not wait any longer.
  unsigned failed(const std::string& id, steady_time now, std::uint64_t random, bool of_storage);

  /// The pause of the id ends at `at` at the latest.
  void no_later(const std::string& id, steady_time at);

  /// Forgets the id.
  void over(const std::string& id);

  [[nodiscard]] bool holds(const std::string& id) const { return ids_.contains(id); }
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] bool full() const noexcept { return ids_.size() >= max_; }

  /// When the first pause ends; `never` if there is none.
  [[nodiscard]] steady_time earliest() const noexcept {
    return order_.empty() ? never : order_.begin()->first;
  }

  /// At most `max` ids whose pause is over. They have none until `failed`, `over` or `put_back`.
  [[nodiscard]] std::vector<std::string> take(steady_time now, std::size_t max);

  /// Its turn did not come to anything: it gets another one at `at`.
  void put_back(const std::string& id, steady_time at);

  /// Ends the pauses of ids that failed because of the storage, within `alarm_times::hurry_within`.
  template <class Random>
  void hurry(steady_time now, Random random) {
    const auto within = saturated<std::chrono::microseconds>(times_.hurry_within);
    for (auto at = ids_.begin(); at != ids_.end(); ++at) {
      if (!at->second.waits || !at->second.of_storage) continue;
      const auto share = static_cast<double>(random() % 1024) / 1024;
      // Whole microseconds: the time of a stepped system passes in them.
      const auto pause = saturated<std::chrono::microseconds>(within * share);
      wait(at, std::min(at->second.at->first, later(now, pause)));
    }
  }

 private:
  using order = std::multimap<steady_time, const std::string*>;
  struct retry {
    unsigned times = 0;
    order::iterator at{};
    bool waits = false;
    bool of_storage = false;
  };
  using table = std::unordered_map<std::string, retry>;

  void wait(table::iterator which, steady_time until);
  void stop_waiting(retry& one);

  const alarm_times& times_;
  const std::size_t max_;
  table ids_;
  order order_;
};

}}}
