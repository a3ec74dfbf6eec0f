// The alarms of one type: which entity is woken now, and what its answer means.
//
// A firing is over when the stored due time became later or went. Anything else is a failure: the
// id is woken again after a pause that grows.
//
// Threads: one at a time. Bounds: alarm_times; entities that are being started: `starts_max` at a
// time; retries: half of it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "alarm_retries.hpp"
#include "alarm_scan.hpp"
#include "heartbeats.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class alarm_queue {
 public:
  alarm_queue(const alarm_times& times, std::string type, std::size_t starts_max)
      : times_{times},
        starts_max_{std::max<std::size_t>(1, starts_max)},
        scan_{times, std::move(type)},
        retries_{times, times.retries_max} {}

  [[nodiscard]] alarm_scan& scan() noexcept { return scan_; }

  /// An alarm of the type comes due at `due`.
  void note(timestamp due) noexcept { scan_.note(due); }

  /// The ids whose alarms to read now, for their retries; then `took_retries` or `retries_failed`
  /// follows, if there are any.
  [[nodiscard]] std::vector<std::string> next_retries(steady_time now);
  void took_retries(std::span<const std::string> asked, std::vector<stored_alarm> found);
  void retries_failed(std::span<const std::string> asked, steady_time now);

  /// The alarm to run now, if any; then `answered` follows. `is_live` says whether the entity is.
  using live_test = std::function<bool(const persistence_id&)>;
  [[nodiscard]] std::optional<stored_alarm> next(const moment& now, heartbeats& writers,
                                                 const live_test& is_live);

  /// The entity is live now, so another one may start. Whether it was counted until now.
  bool recovered(const persistence_id& id);

  /// The answer of an entity: the due time that is stored now, if it is known.
  struct answer {
    std::optional<timestamp> due{};
    bool known = false;
    errc why = errc::unavailable;
    bool busy = false;  ///< the entity answers a sweep just then
  };
  struct verdict {
    enum class kind : std::uint8_t { fired, again, failed };
    kind what = kind::fired;
    timestamp due{};        ///< for which it was woken
    unsigned failures = 0;  ///< in a row
    bool remembered = true;
    bool of_storage = false;  ///< it may work as soon as the storage does
  };
  verdict answered(const persistence_id& id, const answer& got, steady_time now,
                   std::uint64_t random);

  /// So many places belong to others, but one is left.
  void others_start(std::size_t count) noexcept { others_start_ = count; }

  /// The storage is back.
  template <class Random>
  void hurry(steady_time now, Random random) {
    scan_.hurry();
    retries_.hurry(now, random);
  }

  [[nodiscard]] bool runs(const std::string& id) const { return in_flight_.contains(id); }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_.size(); }
  [[nodiscard]] bool many_fail() const noexcept { return retries_.full(); }
  /// Alarms known to be overdue and not over.
  [[nodiscard]] std::size_t overdue() const noexcept;

  /// When there is something to do, unless an answer comes first.
  [[nodiscard]] alarm_scan::wake next_wake() const noexcept;

 private:
  enum class source : std::uint8_t { again, retry, scan };
  struct candidate {
    source from;
    const stored_alarm* row;
  };
  struct woken {
    timestamp due;
    ulid writer;
    source from;
    bool starts;
  };

  [[nodiscard]] std::optional<candidate> first(const moment& now);
  void pass(const candidate& c, bool ran);
  [[nodiscard]] verdict fail(const std::string& id, timestamp due, const answer& got,
                             steady_time now, std::uint64_t random);
  void over(const std::string& id);
  [[nodiscard]] bool may_run(const candidate& c, const moment& now, heartbeats& writers);
  [[nodiscard]] std::size_t retried_max() const noexcept {
    return std::max<std::size_t>(1, starts_max_ / 2);
  }

  const alarm_times& times_;
  const std::size_t starts_max_;
  alarm_scan scan_;
  alarm_retries retries_;
  std::string scout_;  // an id whose pauses stay short while the storage fails; empty: none
  std::deque<stored_alarm> to_retry_;  // read, and their pause is over
  bool reads_retries_ = false;
  bool retry_first_ = false;        // takes turns with what the scan has
  std::deque<stored_alarm> again_;  // whose entity stopped first
  std::unordered_map<std::string, woken> in_flight_;
  std::size_t starts_ = 0;
  std::size_t others_start_ = 0;
  std::size_t retried_ = 0;
};

}}}
