// Handles the events of a group of cells: its transactions, and what follows from their failures.
//
// Threads: `run` on a thread of its own; the other members from any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cells.hpp"
#include "fed_queue.hpp"
#include "setup.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class projection_worker {
 public:
  /// `tell` says what a storage's trouble is (none: it is over) and why the worker has ended.
  struct reports {
    std::function<void(std::optional<error>)> trouble;
    std::function<void(projection_end)> ended;
    std::function<void()> moved;
  };

  projection_worker(const projection_setup& of, projection_counts& counts, cell_group group,
                    reports to);

  void run();

  [[nodiscard]] fed_queue& queue() noexcept { return queue_; }
  /// How far its cells have come, as committed.
  [[nodiscard]] std::vector<projection_cell> committed() const;
  /// The time of the oldest event that it has and has not handled.
  [[nodiscard]] std::optional<timestamp> oldest() const;

 private:
  using time_point = std::chrono::steady_clock::time_point;
  using steps = std::vector<cell_group::step>;

  struct outcome {
    enum class kind : std::uint8_t { done, lost, failing, trouble, unknown, stopped };
    kind how = kind::done;
    std::size_t end = 0;  // behind what was handled; of `failing` the event, if it is known
    error why{};
  };

  bool work(fed& one);
  bool handle_all(projected_batch& batch, const std::vector<position>& up_to);
  bool handle_alone(projected_batch& batch, std::size_t i, const std::vector<position>& to);
  bool give_up_on(projection_failure which, error why, std::uint32_t attempts,
                  const std::vector<position>& to);
  bool pause_alive(std::chrono::nanoseconds length);
  bool give_sign(const std::vector<position>& to);

  // What a transaction changes, besides the handler's rows.
  struct change {
    steps moves{};
    std::vector<position> to{};
    const projected_batch* batch = nullptr;  // null: none of its events
    std::size_t from = 0, end = 0;
    bool skips = false;  // an event is recorded as a failure
  };

  // Tries again until it is done, or must not be tried again.
  template <class Do>
  outcome persist(Do once);
  outcome connect();
  outcome attempt(projected_batch& batch, std::size_t from, std::size_t to,
                  const std::vector<position>& up_to);
  outcome attempt_without_sql(projected_batch& batch, std::size_t from, std::size_t to,
                              const std::vector<position>& up_to);
  // Without SQL (worker_together.cpp):
  outcome attempt_together(projected_batch& batch, std::size_t from, std::size_t to,
                           const std::vector<position>& up_to);
  projected_batch::handled handled_by(projected_batch& batch, std::size_t from, std::size_t to,
                                      time_point started);
  std::size_t end_together(const projected_batch& batch, std::size_t from, std::size_t to,
                           std::size_t most);
  outcome store_after(projected_batch& batch, std::size_t from, std::size_t end,
                      const std::vector<position>& up_to, time_point started);
  outcome store_together(change& what);
  outcome follow(const std::vector<position>& others);
  outcome skip_together(const projection_failure& skipped, const std::vector<position>& to);
  outcome refused(error why, std::size_t at) const;
  outcome record(const std::optional<projection_failure>& skipped, const std::vector<position>& to);
  outcome move(const steps& all);
  outcome correct(steps& all, const std::vector<position>& to);
  outcome commit(change what);
  outcome settle();
  outcome settled();
  outcome done(const change& what);
  [[nodiscard]] steps steps_to(const std::vector<position>& to) const;
  [[nodiscard]] time_point sign_due() const;
  /// Without transactions a long batch locks nothing, and moving the offset may cost as much as
  /// many events.
  [[nodiscard]] std::chrono::nanoseconds batch_time() const {
    const std::chrono::nanoseconds one = of_.options.batch_time;
    const bool locks = !session_ || session_->has_sql();
    return locks || one > std::chrono::hours{1} ? one : one * 10;
  }
  [[nodiscard]] std::vector<position> reached(const projected_batch& batch, std::size_t from,
                                              std::size_t end,
                                              const std::vector<position>& up_to) const;
  [[nodiscard]] std::size_t chunk(std::size_t left) const;
  void learn(std::size_t events, std::chrono::nanoseconds took);
  void count(const change& what);
  void begin(timestamp oldest);
  outcome lost(std::string_view what) const;
  bool end(outcome what);

  const projection_setup& of_;
  projection_counts& counts_;
  cell_group group_;
  const reports to_;
  fed_queue queue_;
  std::unique_ptr<journal_session> session_;
  time_point sign_of_life_{};  // of all its cells
  change in_doubt_;            // of a commit whose outcome is unknown
  std::size_t together_ = 0;   // events that are tried in one store_together; 0: not known yet
  bool writes_ = false;        // the handler wrote documents the last time
  double cost_ns_ = 0;         // of an event, if the handler takes batches
  bool in_trouble_ = false;

  mutable std::mutex lock_;  // guards the next two
  std::vector<projection_cell> committed_;
  std::optional<timestamp> oldest_;
};

}}}
