// Turns to write to a SQLite file, for all connections of this process.
//
// SQLite's busy handler sleeps and tries again: the writer that tries at the right moment gets the
// lock. Here writers of one process queue before they ask SQLite for the lock (turn_order.hpp has the
// rule); the busy handler remains for other processes. A turn protects nothing: a writer without
// one meets SQLite's lock.
//
// Threads: any. Throws: SQLite::Exception.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "turn_order.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

struct file_id;

class write_turns : public std::enable_shared_from_this<write_turns> {
 public:
  /// Those of a file, the same for all its journals of this process.
  [[nodiscard]] static std::shared_ptr<write_turns> of(const file_id& file);

  /// Given back when it is destroyed.
  class turn {
   public:
    turn() = default;
    turn(turn&& from) noexcept = default;
    turn& operator=(turn&& from) noexcept {
      give_back();
      of_ = std::move(from.of_);
      return *this;
    }
    ~turn() { give_back(); }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    void give_back() noexcept {
      if (const auto of = std::exchange(of_, nullptr)) of->end();
    }
    explicit operator bool() const noexcept { return of_ != nullptr; }

   private:
    friend write_turns;
    explicit turn(std::shared_ptr<write_turns> of) : of_{std::move(of)} {}

    std::shared_ptr<write_turns> of_;
  };

  /// Waits for a turn. The exceptions are those of SQLite: "database is locked" after `within`,
  /// "interrupted" if the flag was set, which `wake` makes it notice.
  [[nodiscard]] turn take(taker as, const std::atomic<bool>& interrupted,
                          std::chrono::milliseconds within);

  void wake() noexcept;

 private:
  void end() noexcept;

  std::mutex lock_;  // never held while SQLite runs
  std::condition_variable changed_;
  turn_order order_;
};

}}}  // namespace nexus::v0::sqlite
