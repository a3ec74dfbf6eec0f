// The life of a projection in a process: looks after its leases, begins and ends the work.
//
// Threads: one of its own, see `run`; the other members from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "leases.hpp"
#include "nexus/shutdown.hpp"
#include "pipeline.hpp"
#include "setup.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class projection_core final : public shutdown_participant,
                              public std::enable_shared_from_this<projection_core> {
 public:
  projection_core(system& sys, projection_setup setup, std::optional<error> fault);
  ~projection_core() override;
  projection_core(const projection_core&) = delete;
  projection_core& operator=(const projection_core&) = delete;

  void start();
  /// Waits for the end.
  void stop_and_wait();

  [[nodiscard]] projection_status status();
  [[nodiscard]] result<void> caught_up(time_span within);
  [[nodiscard]] result<void> pause();
  [[nodiscard]] result<void> resume();
  [[nodiscard]] result<void> rebuild(std::vector<position> from);
  [[nodiscard]] result<std::vector<projection_failure>> failures(std::size_t max);
  [[nodiscard]] result<void> retry(const projection_failure& which);

  stage of() const override { return stage::work; }
  std::string name() const override { return setup_.label; }
  void stop_admitting() override {}
  bool is_quiet() override { return true; }
  std::uint64_t admitted() override { return 0; }
  void stop() override;
  std::vector<std::string> remaining() override;

 private:
  using time_point = std::chrono::steady_clock::time_point;

  void run();
  result<void> look_after();
  result<void> connect();
  [[nodiscard]] std::vector<projection_cell> wanted_cells(std::uint32_t strands) const;
  [[nodiscard]] result<std::vector<projection_cell>> cells_of(projection_storage& storage,
                                                              std::uint32_t strands) const;
  result<void> declare(projection_storage& storage);
  result<void> expect_known_positions(projection_storage& storage, journal_session& source);
  result<void> refuse(error why);
  result<void> take_over(const lease_watch::plan& plan);
  result<void> give_away(const std::vector<projection_cell>& cells);
  void work_on(std::vector<projection_cell> cells);
  void end_work();
  result<void> leave_cells();
  void register_at_source(const std::vector<projection_cell>& cells);
  void measure_lag();
  void wait(std::chrono::nanoseconds most);

  void wake();
  void set_phase(projection_phase phase, std::string why);
  void storage_trouble(std::optional<error> why);
  void work_ended(projection_end how);
  [[nodiscard]] projection_status status_now();
  [[nodiscard]] std::optional<error> stopped();
  [[nodiscard]] std::optional<error> standstill();
  [[nodiscard]] result<std::vector<position>> ends_of_source();
  [[nodiscard]] result<bool> reached(const std::vector<position>& ends);
  [[nodiscard]] std::string what_is_missing(const std::vector<position>& ends);
  template <class F>
  auto at_target(F f) -> decltype(f(std::declval<journal_session&>()));
  result<void> empty_rows(session& on);
  result<void> rebuild_together(session& on, const std::vector<position>& from);
  result<void> retried(journal_session& on, const projection_failure& which, projected_batch& batch,
                       const std::optional<error>& undecoded);

  system& system_;
  const std::shared_ptr<system> names_;  // for the end, when the system may be gone
  const projection_setup setup_;
  const std::optional<error> fault_;  // why it never starts
  projection_counts counts_;
  std::uint32_t strands_ = 1;
  bool by_strand_ = false;  // the target stores documents and offsets in one small transaction

  // Of the thread.
  std::unique_ptr<journal_session> session_;
  lease_watch leases_;
  bool has_cells_ = false;  // they have been added
  std::vector<std::pair<std::uint32_t, position>> registered_;
  time_point registered_at_{}, lag_due_{};
  std::chrono::nanoseconds lag_took_{0};

  std::mutex lock_;  // guards what follows
  std::condition_variable changed_;
  std::shared_ptr<projection_pipeline> work_;
  bool stopping_ = false;
  bool woken_ = false;
  bool paused_ = false;
  unsigned flushers_ = 0;                // calls of caught_up that wait
  std::optional<projection_end> ended_;  // told by the work
  std::optional<error> failed_;          // until resumed
  projection_phase phase_ = projection_phase::starting;
  std::string why_;
  bool exactly_once_ = false;
  bool over_ = true;  // the thread

  std::mutex stopping_twice_;
  std::thread thread_;
  std::vector<registration> sampled_;  // last: they read the other members
};

}}}
