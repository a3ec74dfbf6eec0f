// Units of work that are used again.
//
//   nexus::units units{store.sessions()};
//   auto done = units.with([&](nexus::unit_of_work& work) -> nexus::result<void> { … });
//
// `with` lends a session and a unit, flushes the unit if the function succeeded, and clears it. A
// unit is destroyed after `uses_max` uses, and after a use that failed or threw.
//
// Threads: any; the function runs on the calling thread, which blocks. Failures: those of the pool,
// of the function and of `flush`.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "nexus/pool.hpp"
#include "nexus/unit_of_work.hpp"

namespace nexus { inline namespace v0 {

struct units_options {
  unsigned uses_max = 1'000;  ///< of one unit
  std::size_t idle_max = 16;  ///< units that are kept
};

template <class S>
class units {
 public:
  explicit units(pool<S> sessions, const units_options& options = {})
      : sessions_{std::move(sessions)}, options_{options} {}

  template <class F>
  auto with(F&& f) -> outcome_of<F, unit_of_work&> {
    auto lent = sessions_.borrow();
    if (!lent) return fail(std::move(lent.error()));
    auto unit = take(**lent);
    auto done = call_for_outcome(f, *unit.work);
    if (!done) return done;
    if (auto flushed = unit.work->flush(); !flushed) return fail(std::move(flushed.error()));
    give_back(std::move(unit));
    return done;
  }

  /// Units that wait for their next use.
  [[nodiscard]] std::size_t idle() const {
    const std::lock_guard lock{mutex_};
    return idle_.size();
  }

 private:
  struct lent_unit {
    std::unique_ptr<unit_of_work> work{};
    unsigned uses = 0;
  };

  lent_unit take(session& on) {
    const std::lock_guard lock{mutex_};
    if (idle_.empty()) return {std::make_unique<unit_of_work>(on), 0};
    auto unit = std::move(idle_.back());
    idle_.pop_back();
    unit.work->use(on);
    return unit;
  }

  void give_back(lent_unit unit) {
    unit.work->clear();
    if (++unit.uses >= options_.uses_max) return;
    const std::lock_guard lock{mutex_};
    if (idle_.size() < options_.idle_max) idle_.push_back(std::move(unit));
  }

  pool<S> sessions_;
  units_options options_;
  mutable std::mutex mutex_;
  std::vector<lent_unit> idle_;
};

}}  // namespace nexus::v0
