// Keyed timers as a value: which are set, and which is due. Callers pass the time.
//
//   timer_table<command> timers;
//   timers.set("retry", {now + 1s}, command{…});
//   if (auto due = timers.fire(now)) { run(due->what); timers.done(std::move(*due), now); }
//
// Threads: one at a time. An empty table is one pointer.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 {

struct timer_rule {
  enum class kind : std::uint8_t {
    once,
    fixed_rate,  ///< due at `first` + n × `every`, however late it was handled
    fixed_delay  ///< due `every` after the previous run was done
  };

  std::chrono::steady_clock::time_point first;
  kind repeats = kind::once;
  std::chrono::nanoseconds every{};  ///< positive if it repeats
};

template <class T>
class timer_table {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// How many missed runs of a late fixed-rate timer are made up for; earlier ones are skipped, and
  /// the phase is kept.
  static constexpr std::int64_t made_up_max = 8;

  /// A timer that was due. Hand it back to `done`.
  struct fired {
    std::string key;
    std::uint64_t number;
    T what;
  };

  /// Replaces a timer of the same key, also one that has fired and is not done yet.
  void set(std::string_view key, timer_rule rule, T what) {
    assert(rule.repeats == timer_rule::kind::once || rule.every > std::chrono::nanoseconds{});
    rule.every = std::max(rule.every, std::chrono::nanoseconds{1});
    cancel(key);
    if (rows_ == nullptr) rows_ = std::make_unique<rows>();
    const auto number = ++rows_->last_number;
    auto at = rows_->by_key.emplace(key, row{rule, number, rule.first, std::move(what)}).first;
    rows_->by_due.emplace(rule.first, number, at);
  }

  /// False if there was none.
  bool cancel(std::string_view key) {
    if (rows_ == nullptr) return false;
    auto at = rows_->by_key.find(key);
    if (at == rows_->by_key.end()) return false;
    erase(at);
    return true;
  }

  /// What the timer that waits under this key was set with; null if there is none.
  [[nodiscard]] const T* find(std::string_view key) const {
    if (rows_ == nullptr) return nullptr;
    auto at = rows_->by_key.find(key);
    return at == rows_->by_key.end() ? nullptr : &at->second.what;
  }

  void clear() {
    if (rows_ == nullptr) return;
    rows_->by_due.clear();
    rows_->by_key.clear();
    shrink();
  }

  [[nodiscard]] bool active(std::string_view key) const {
    return rows_ != nullptr && rows_->by_key.contains(key);
  }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return rows_ == nullptr ? 0 : rows_->by_key.size(); }

  /// When the next timer is due; none if no timer is set, or only one that is not done yet.
  [[nodiscard]] std::optional<time_point> next() const {
    if (rows_ == nullptr || rows_->by_due.empty()) return std::nullopt;
    return std::get<time_point>(*rows_->by_due.begin());
  }

  /// Takes the timer that was due first. A repeating timer stays active while it runs.
  [[nodiscard]] std::optional<fired> fire(time_point now) {
    if (const auto due = next(); !due || *due > now) return std::nullopt;
    auto at = std::get<iterator>(*rows_->by_due.begin());
    auto& r = at->second;
    fired made{at->first, r.number, std::move(r.what)};
    ++rows_->running;
    rows_->by_due.erase(rows_->by_due.begin());
    if (r.rule.repeats == timer_rule::kind::once) {
      rows_->by_key.erase(at);
    } else if (r.rule.repeats == timer_rule::kind::fixed_rate) {
      r.due = detail::later(r.due, r.rule.every);
      const auto late = now < r.due ? 0 : (now - r.due) / r.rule.every + 1;
      if (late > made_up_max) r.due += (late - made_up_max) * r.rule.every;
    }
    return made;
  }

  /// Reports that a fired timer has run, until `now`. A repeating timer is set again, unless it was
  /// cancelled or replaced meanwhile.
  void done(fired&& f, time_point now) {
    --rows_->running;
    auto at = rows_->by_key.find(f.key);
    if (at != rows_->by_key.end() && at->second.number == f.number) {
      auto& r = at->second;
      r.what = std::move(f.what);
      if (r.rule.repeats == timer_rule::kind::fixed_delay) r.due = detail::later(now, r.rule.every);
      rows_->by_due.emplace(r.due, r.number, at);
    }
    shrink();
  }

 private:
  struct row {
    timer_rule rule;
    std::uint64_t number;  // distinguishes a timer from earlier timers of its key
    time_point due;
    T what;
  };
  using by_key_map = std::map<std::string, row, std::less<>>;
  using iterator = typename by_key_map::iterator;

  using moment = std::tuple<time_point, std::uint64_t, iterator>;

  struct sooner {
    bool operator()(const moment& a, const moment& b) const {
      return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
    }
  };

  struct rows {
    by_key_map by_key;
    // Without the timers that run now. Among timers due at once, the one set first comes first.
    std::set<moment, sooner> by_due;
    std::uint64_t last_number = 0;
    std::size_t running = 0;
  };

  void erase(iterator at) {
    rows_->by_due.erase({at->second.due, at->second.number, at});
    rows_->by_key.erase(at);
    shrink();
  }

  // Numbers must not restart while a timer runs.
  void shrink() {
    if (rows_->by_key.empty() && rows_->running == 0) rows_.reset();
  }

  std::unique_ptr<rows> rows_;
};

}}  // namespace nexus::v0
