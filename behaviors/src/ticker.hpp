// Something that is looked at now and then, on a thread of the scheduler.
//
// Threads: any. Bound: one look is due at a time, beside what `begin` has sent.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "nexus/system.hpp"

namespace nexus::inline v0::detail {

class ticker {
 public:
  /// Says when to look next; nothing: not before `begin` is called again.
  using look = std::function<std::optional<std::chrono::microseconds>()>;

  ticker(system& sys, look f) : to_{sys.spawn(std::make_unique<looker>(std::move(f)))} {}
  /// Looks after `delay`, unless a look is due already.
  void begin(std::chrono::microseconds delay) {
    to_.send(envelope{new tick{tick::what::begin, delay}});
  }

  /// Looks no more, for good. Must be called while the system lives, which waits for it otherwise.
  void end() { to_.send(envelope{new tick{tick::what::end}}); }

 private:
  struct tick final : message {
    enum class what : std::uint8_t { begin, look, end };
    explicit tick(what w, std::chrono::microseconds d = {}) : message{0}, todo{w}, delay{d} {}
    what todo;
    std::chrono::microseconds delay;
  };

  class looker final : public actor {
   public:
    explicit looker(look f) : look_{std::move(f)} {}

    void started(const mailbox& self) override { self_ = self; }

    verdict receive(envelope m) override {
      const auto& t = m.as<tick>();
      if (t.todo == tick::what::end) return verdict::stop;
      if (t.todo == tick::what::begin) {
        if (!due_) schedule(t.delay);
      } else {
        due_ = false;
        if (auto next = look_()) schedule(*next);
      }
      return verdict::go_on;
    }

   private:
    void schedule(std::chrono::microseconds delay) {
      due_ = true;
      self_.send_after(delay, envelope{new tick{tick::what::look}});
    }

    look look_;
    mailbox self_;
    bool due_ = false;
  };

  mailbox to_;
};

}
