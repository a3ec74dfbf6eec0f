// What a batch of write jobs does: settle, then append in one call, then save snapshots.
//
// Threads: those of the session, whose calls block. Failures: each job has its own outcome.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "journal_guard.hpp"
#include "nexus/detail/write_job.hpp"
#include "nexus/store.hpp"
#include "store_metrics.hpp"

namespace nexus { inline namespace v0 {

/// Any thread.
struct write_counts {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> events{0};

  [[nodiscard]] writer_statistics read() const noexcept {
    return {commits.load(), requests.load(), events.load()};
  }
};

class write_work {
 public:
  write_work(journal_session& on, journal_guard& guard, store_metrics& counts,
             write_counts& written)
      : session_{on}, guard_{guard}, counts_{counts}, written_{written} {}

  using jobs = std::vector<envelope>;

  /// How long the append took; 0: there was none.
  std::chrono::nanoseconds run(const jobs& batch);

 private:
  void settle_all(const jobs& batch);
  std::chrono::nanoseconds append_all(const jobs& batch);
  template <class Request>
  void write_all(const std::vector<detail::write_job*>& asked,
                 Request (detail::write_job::*request)() const,
                 std::vector<append_outcome> (journal_session::*write)(std::span<const Request>));
  void save_all(const jobs& batch);
  void prune_all(const jobs& batch);
  template <class Call>
  auto through(Call&& call);

  journal_session& session_;
  journal_guard& guard_;
  std::vector<double> waits_;  // of a batch; kept for their memory
  store_metrics& counts_;
  write_counts& written_;
};

/// Answers a job, whose outcome is set.
void send_back(const envelope& job);

/// Answers a job that is not done.
void refuse_job(const envelope& job, const error& why);

}}  // namespace nexus::v0
