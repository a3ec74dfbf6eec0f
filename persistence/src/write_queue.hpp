// What waits for a journal's writer: handed over without a lock, bounded in events and bytes, taken out
// as batches.
//
// Threads: `push`, `finish` and the questions from any; whoever takes out shares a lock with whoever
// else does, a closing store, and never with those who push.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "nexus/handover.hpp"
#include "nexus/store.hpp"

namespace nexus::inline v0 {

class write_queue {
 public:
  explicit write_queue(const store_options& options) : options_{options} {}
  ~write_queue();

  /// Why the job was not taken, or nothing; whoever `woke` the taker by it must see that it takes.
  /// A job that is larger than the bounds is taken by an empty queue. Near the bounds one may be
  /// refused for the sake of another that is being refused.
  [[nodiscard]] std::optional<error> push(const envelope& job, bool& woke);

  /// The last push that counts: then it closes as soon as nothing waits.
  void finish() noexcept { queue_.finish(); }

  // For the taker:

  /// False if nothing waits: then it sleeps, or is closed.
  [[nodiscard]] bool ready();
  [[nodiscard]] bool closed() const noexcept { return queue_.closed(); }
  void wait() const noexcept { queue_.wait(); }
  void wake() noexcept { queue_.wake(); }

  /// Takes out as much as one commit may have, but one job if there is any.
  void take(std::vector<envelope>& batch);

  /// So many of those that were taken are answered.
  void answered(std::size_t jobs);

  [[nodiscard]] std::size_t jobs() const noexcept { return accepted_.load() - taken_.load(); }
  [[nodiscard]] std::size_t events() const noexcept { return events_.load(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.load(); }

  // For those who wait for it:

  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_.load(); }
  [[nodiscard]] bool is_quiet() const noexcept;
  /// Waits until the first `jobs` that were accepted are answered; false if time runs out.
  [[nodiscard]] bool wait_for(std::uint64_t jobs, std::chrono::steady_clock::time_point deadline);

 private:
  const store_options options_;

  handover<write_job> queue_;
  std::atomic<std::size_t> events_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::mutex taking_;

  mutable std::mutex answered_lock_;
  std::condition_variable answered_changed_;
  std::uint64_t answered_ = 0;
};

}  // namespace nexus::inline v0
