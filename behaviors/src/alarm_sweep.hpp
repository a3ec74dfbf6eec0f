// The sweep over all ids of a type after its `alarm_version` rose: each entity corrects its stored
// due time.
//
// Its place is stored after each page of ids, so that a sweep that a crash ended is resumed. One
// process sweeps a type at a time, as long as its heartbeat goes on. An id that fails is asked again
// after a pause; until then the stored place does not pass it, and the sweep does not end.
//
// Threads: one at a time. Bounds: a page of ids, `in_flight_max` questions, and
// `alarm_times::sweep_failing_max` failing ids.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "alarm_retries.hpp"
#include "heartbeats.hpp"
#include "moment.hpp"
#include "nexus/persistence_id.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// What is stored of a sweep. If nothing is stored, the version is 0: there may be ids of before the
/// behavior had alarms. In a database without documents it is 1, and done.
struct sweep_progress {
  std::uint32_t version = 1;
  std::string after{};  ///< all ids up to this one are done; the part behind the type
  bool done = true;
  ulid writer{};  ///< the process that sweeps

  friend bool operator==(const sweep_progress&, const sweep_progress&) = default;
};

class alarm_sweep {
 public:
  alarm_sweep(const alarm_times& times, std::uint32_t version, const ulid& own,
              std::size_t in_flight_max)
      : times_{times},
        version_{version},
        own_{own},
        in_flight_max_{std::max<std::size_t>(1, in_flight_max)},
        failing_{times, times.sweep_failing_max} {}

  enum class todo : std::uint8_t {
    nothing,  ///< until an answer, or until `next_wake`
    load,     ///< the progress; then `loaded`, `failed`
    save,     ///< `wanted` in the place of `stored`; then `saved`, `loaded` or `failed`
    page      ///< the ids past `after`; then `took`, `failed`
  };
  [[nodiscard]] todo next(steady_time now);

  [[nodiscard]] const sweep_progress& stored() const noexcept { return stored_; }
  [[nodiscard]] sweep_progress wanted() const;
  [[nodiscard]] const std::string& after() const noexcept { return after_; }

  void loaded(sweep_progress found, steady_time now, heartbeats& writers);
  void saved();
  void took(std::vector<persistence_id> ids);
  void failed(steady_time now, std::uint64_t random);

  /// The next id to ask, if any; then `answered` follows.
  [[nodiscard]] std::optional<persistence_id> next_id(steady_time now);

  /// Returns how often the id has failed in a row; 0: it is done.
  unsigned answered(const persistence_id& id, bool done, steady_time now, std::uint64_t random,
                    bool of_storage = true);

  template <class Random>
  void hurry(steady_time now, Random random) {
    paused_until_ = {};
    failing_.hurry(now, random);
  }

  /// The most entities that it starts at a time.
  [[nodiscard]] std::size_t starts_max() const noexcept { return over() ? 0 : in_flight_max_; }
  [[nodiscard]] bool over() const noexcept { return phase_ == phase::over; }
  /// The journal knows a newer version than this process.
  [[nodiscard]] bool outdated() const noexcept { return over() && stored_.version > version_; }

  [[nodiscard]] steady_time next_wake() const noexcept;

 private:
  enum class phase : std::uint8_t {
    unknown,
    elsewhere,  // another process sweeps
    begins,
    sweeps,
    ends,  // all ids are done
    over
  };
  [[nodiscard]] bool page_is_done() const noexcept {
    return ids_.empty() && in_flight_.empty() && is_read_;
  }

  const alarm_times& times_;
  const std::uint32_t version_;
  const ulid own_;
  const std::size_t in_flight_max_;
  phase phase_ = phase::unknown;
  bool busy_ = false;  // a read or write is under way
  unsigned failures_ = 0;
  steady_time paused_until_{};
  steady_time look_at_{};

  sweep_progress stored_{};
  std::string after_{};   // of the ids read
  std::string passed_{};  // up to which all are done
  bool is_read_ = false;  // the page past `passed_`
  bool is_last_ = false;
  std::deque<persistence_id> ids_;
  std::unordered_set<std::string> in_flight_;
  alarm_retries failing_;
};

}}}
