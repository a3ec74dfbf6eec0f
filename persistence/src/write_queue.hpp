// The queue of a journal's writer: lock-free for producers, bounded in events and bytes, consumed
// in batches.
//
// Threads: any may call `push`, `finish` and the queries. Consumers share a lock with each other (a
// closing store is one), and never with producers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "nexus/detail/write_job.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 {

class write_queue {
 public:
  explicit write_queue(const store_options& options) : options_{options} {}
  ~write_queue();

  /// Why the job was not accepted; none if it was. A caller that `woke` the taker must make sure
  /// that it takes. An empty queue accepts a job that is larger than the bounds. Near the bounds a
  /// job may be refused because of another one that is being refused.
  [[nodiscard]] std::optional<error> push(const envelope& job, bool& woke);

  /// The last push that counts: the queue closes as soon as it is empty.
  void finish() noexcept { queue_.finish(); }

  // For the taker:

  /// False if the queue is empty: then it sleeps, or is closed.
  [[nodiscard]] bool ready();
  [[nodiscard]] bool closed() const noexcept { return queue_.closed(); }
  void wait() const noexcept { queue_.wait(); }
  void wake() noexcept { queue_.wake(); }

  /// Takes as much as one commit may have, but at least one job if there is any.
  void take(std::vector<envelope>& batch);

  /// Reports that so many of the taken jobs are answered.
  void answered(std::size_t jobs);

  [[nodiscard]] std::size_t jobs() const noexcept { return accepted_.load() - taken_.load(); }
  [[nodiscard]] std::size_t events() const noexcept { return events_.load(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.load(); }

  // For waiting callers:

  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_.load(); }
  [[nodiscard]] bool is_quiet() const noexcept;
  /// Waits until the first `jobs` accepted jobs are answered; false if the time is up first.
  [[nodiscard]] bool wait_for(std::uint64_t jobs, std::chrono::steady_clock::time_point deadline);

 private:
  const store_options options_;

  detail::handover<detail::write_job> queue_;
  std::atomic<std::size_t> events_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::mutex taking_;

  mutable std::mutex answered_lock_;
  std::condition_variable answered_changed_;
  std::uint64_t answered_ = 0;
};

}}  // namespace nexus::v0
