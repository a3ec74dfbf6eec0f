// Wakes the entities of a system whose alarms are due: one per system, for all types and stores.
//
// It is an actor: it reads on the read threads of the stores, sends alarm messages to the
// directories of the types, and sleeps until the next alarm that it knows of. docs/internals/alarms.md
// describes it.
//
// The entities of a type hold the waker; it holds none of them, and ends with the last of them.
//
// Threads: any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "alarm_reads.hpp"
#include "alarm_times.hpp"
#include "nexus/registration.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class directory_core;

/// What a type's entities and the waker share.
struct woken_type {
  std::atomic<timestamp> planned{timestamp::min()};  ///< an earlier due time is told at once
  std::atomic<bool> told{false};                     ///< and not yet looked at
  std::atomic<bool> barred{false};                   ///< no entity is woken any more
  std::atomic<std::size_t> in_flight{0};
  std::atomic<std::size_t> overdue{0};  ///< as far as known
};

class waker : public std::enable_shared_from_this<waker> {
 public:
  /// The waker of `sys`, made if there is none. Only the first call's `times` count.
  [[nodiscard]] static std::shared_ptr<waker> of(system& sys, const alarm_times& times = {});

  waker(system& sys, const alarm_times& times);
  ~waker();
  waker(const waker&) = delete;
  waker& operator=(const waker&) = delete;

  /// The alarms of one type, held by its directory.
  class member {
   public:
    /// Before the directory can be found by other code.
    member(std::shared_ptr<waker> of, const store& in);

    /// Begins to wake entities.
    void join(const std::shared_ptr<directory_core>& type);

    /// An alarm that is due at `due` has become durable. Cheap, unless it is due before all others.
    void stored(timestamp due) noexcept;

    /// Wakes no further entity.
    void bar() noexcept { shared_->barred = true; }

    /// No entity of the type is left. Further calls do nothing.
    void leave(const store& in) noexcept;

    [[nodiscard]] const woken_type& counts() const noexcept { return *shared_; }

   private:
    void tell() const;
    void part_from(const store& in);

    const std::shared_ptr<waker> of_;
    const std::shared_ptr<woken_type> shared_ = std::make_shared<woken_type>();
    std::uint64_t key_ = 0;
    mailbox to_{};
    std::atomic<bool> left_{false};
  };

 private:
  using journal_key = const shutdown_participant*;
  struct place {
    std::size_t types = 0;
    std::shared_ptr<own_heartbeat> beat;
  };

  const std::shared_ptr<system> kept_;
  const std::shared_ptr<const alarm_times> times_;
  const std::shared_ptr<std::atomic<std::uint64_t>> unknown_;  // alarms of types without entities
  registration sampled_;

  std::mutex lock_;  // guards the members below
  mailbox to_{};
  std::uint64_t keys_ = 0;
  std::size_t members_ = 0;
  std::map<journal_key, place> journals_;
};

}}}
