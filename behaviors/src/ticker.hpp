// Calls a function from time to time, on a thread of the scheduler, while it asks for more calls.
//
// Threads: any. Bound: one look is due at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "nexus/system.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class ticker {
 public:
  /// Returns the time to the next look; none: no look before `begin` is called again. A `begin`
  /// during a look counts, so that new work during a look is not missed.
  using look = std::function<std::optional<std::chrono::microseconds>()>;

  ticker(system& sys, look f)
      : due_{std::make_shared<std::atomic<bool>>(false)},
        to_{sys.spawn(std::make_unique<looker>(std::move(f), due_))} {}
  /// Looks after `delay`, unless a look is due already.
  void begin(std::chrono::microseconds delay) {
    if (!due_->load() && !due_->exchange(true)) to_.send_after(delay, envelope{new tick{false}});
  }

  /// Ends the looks for good. Call it while the system lives, which would wait for the ticker
  /// otherwise.
  void end() { to_.send(envelope{new tick{true}}); }

 private:
  struct tick final : message {
    explicit tick(bool e) : message{0}, ends{e} {}
    bool ends;
  };

  class looker final : public actor {
   public:
    looker(look f, std::shared_ptr<std::atomic<bool>> due)
        : look_{std::move(f)}, due_{std::move(due)} {}

    void started(const mailbox& self) override { self_ = self; }

    verdict receive(envelope m) override {
      if (m.as<tick>().ends) return verdict::stop;
      due_->store(false);
      const auto next = look_();
      if (next && !due_->exchange(true)) self_.send_after(*next, envelope{new tick{false}});
      return verdict::go_on;
    }

   private:
    look look_;
    std::shared_ptr<std::atomic<bool>> due_;
    mailbox self_;
  };

  std::shared_ptr<std::atomic<bool>> due_;
  mailbox to_;
};

}}}
