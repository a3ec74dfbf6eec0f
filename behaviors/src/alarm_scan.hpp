// Which alarms of a type are read next, in the order of their due times.
//
// A pass reads the due alarms of each strand in pages, and then when the next one is due. There are
// two kinds: a pass over what came due since the last one, and at times one over everything that is
// due, which finds the alarms that other processes left.
//
// Threads: one at a time. Bound: one page of alarms.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "alarm_times.hpp"
#include "moment.hpp"
#include "nexus/journal_values.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// A read of due alarms: those due at `until` or before, past `after`.
struct alarm_read {
  std::uint32_t strand = 0;
  std::optional<stored_alarm> after{};
  timestamp until{};
};

struct alarm_page {
  std::uint32_t strands = 1;  ///< of the journal
  std::vector<stored_alarm> due{};
  std::vector<error> corrupt{};  ///< of rows that were left out of `due`
  /// If these are the last ones: some that are due next. Only the first one if it is of the
  /// reading process, else a whole page.
  std::vector<stored_alarm> next{};
};

class alarm_scan {
 public:
  alarm_scan(const alarm_times& times, std::string type);

  /// An alarm comes due at `due`.
  void note(timestamp due) noexcept { planned_ = std::min(planned_, due); }

  /// Everything due is to be looked at, from the start.
  void look_at_all() noexcept { all_wanted_ = true; }

  /// Failed reads need not pause any longer.
  void hurry() noexcept { paused_until_ = {}; }

  /// The read to make now, if any; then `took` or `failed` follows.
  [[nodiscard]] std::optional<alarm_read> next_read(const moment& now);

  /// `runs_here` says whether this process is to run an alarm that is not due yet.
  using choice = std::function<bool(const stored_alarm&)>;
  void took(alarm_page page, const moment& now, const choice& runs_here);
  void failed(const moment& now, std::uint64_t random);

  /// The first alarm read and not yet passed by `pop`; null if there is none.
  [[nodiscard]] const stored_alarm* front(const moment& now);
  /// `ran`: it was of use to have read it.
  void pop(bool ran);

  [[nodiscard]] std::size_t in_hand() const noexcept { return rows_.size(); }

  /// When the next alarm comes due that is known of; timestamp::max() if there is none.
  [[nodiscard]] timestamp planned() const noexcept { return planned_; }

  /// When `next_read` has something to read, unless an answer or a `pop` comes first.
  struct wake {
    timestamp wall = timestamp::max();
    steady_time steady = never;
  };
  [[nodiscard]] wake next_wake() const noexcept;

 private:
  enum class kind : std::uint8_t {
    due,   // what came due
    some,  // a look at everything, as far as it is not idle for too long
    all    // the same in turn with what comes due
  };
  struct pass {
    kind what;
    timestamp until;
    timestamp kept_plan;  // of before
    std::uint32_t strand = 0;
    std::optional<stored_alarm> after{};
    std::size_t idle_pages = 0;
  };
  struct place {
    std::uint32_t strand;
    std::optional<stored_alarm> after;
  };

  [[nodiscard]] bool begin(const moment& now);
  void page_done();

  const alarm_times& times_;
  const persistence_id last_id_;
  timestamp planned_ = timestamp::min();
  bool all_wanted_ = true;
  steady_time look_at_{};
  std::optional<place> place_{};  // where the next look at everything goes on
  bool all_goes_on_ = false;      // there, soon
  bool due_first_ = false;
  std::optional<pass> pass_{};
  std::uint32_t strands_ = 1;

  std::deque<stored_alarm> rows_;
  steady_time read_at_{};
  bool is_last_ = false;  // page of the strand
  bool ran_ = false;      // something of the page
  bool reading_ = false;
  unsigned failures_ = 0;
  steady_time paused_until_{};
};

/// An id that no other id of the type comes after.
[[nodiscard]] persistence_id last_id_of(std::string_view type);

}}}
