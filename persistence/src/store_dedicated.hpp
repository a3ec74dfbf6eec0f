// The dedicated sessions of a store, see nexus/detail/dedicated_sessions.hpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "journal_guard.hpp"
#include "nexus/detail/dedicated_sessions.hpp"
#include "nexus/detail/pool_core.hpp"
#include "nexus/workers.hpp"
#include "store_metrics.hpp"
#include "write_work.hpp"

namespace nexus { inline namespace v0 {

namespace detail {
struct held_sessions;
}

class store_dedicated final : public detail::dedicated_sessions {
 public:
  /// The guard and the metrics are the store's, and outlive this object. `pool` as for the store's
  /// sessions; its name says whose these are.
  [[nodiscard]] static result<std::shared_ptr<store_dedicated>> make(pool_options pool,
                                                                     const store_options& options,
                                                                     std::shared_ptr<journal> of,
                                                                     journal_guard& guard,
                                                                     store_metrics& counts);

  void ask(std::string holder, std::stop_token cancel,
           std::function<void(result<detail::session_holder>)> to) override;
  result<void> read(const detail::session_holder& on,
                    std::function<result<void>(journal_session&)> f) override;
  void write(const detail::session_holder& on, const envelope& job) override;
  pool_statistics statistics() const override { return pool_->statistics(); }
  void tend() override { pool_->tend(); }

  // For the store, which closes:
  void finish();
  [[nodiscard]] bool is_quiet() const noexcept { return workers_->is_quiet(); }
  [[nodiscard]] bool has_written();
  /// Waits until the jobs that were to be written before are answered; false if the time is up first.
  [[nodiscard]] bool flush(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] std::uint64_t accepted() const noexcept { return workers_->accepted(); }
  [[nodiscard]] bool wait_until_ended(std::chrono::steady_clock::time_point deadline);
  /// Whether no job is left; then all sessions return, also those whose holders live.
  [[nodiscard]] bool end();
  /// Refuses the jobs that have not started, and interrupts the others.
  void abandon();

  [[nodiscard]] writer_statistics written() const noexcept { return written_.read(); }

 private:
  using held_ref = std::shared_ptr<detail::held_session>;

  store_dedicated(const pool_options& pool, const store_options& options, std::string journal,
                  journal_guard& guard, store_metrics& counts);
  [[nodiscard]] error why_closed() const;
  [[nodiscard]] bool submit(held_ref on, std::function<void(journal_session&)> f);
  void work(journal_session& session, const envelope& job);
  [[nodiscard]] std::uint64_t begin_job();
  void end_job(std::uint64_t number);

  const std::string journal_;
  journal_guard& guard_;
  store_metrics& counts_;
  const bool is_stepped_;
  write_counts written_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> abandoned_{false};
  std::mutex writing_lock_;
  std::condition_variable answered_;
  std::uint64_t last_job_ = 0;
  std::set<std::uint64_t> writing_;  // jobs that are not answered yet
  std::shared_ptr<detail::held_sessions> held_;
  std::shared_ptr<detail::pool_core> pool_;
  std::unique_ptr<workers> workers_;  // last: its jobs use the other members
};

}}  // namespace nexus::v0
