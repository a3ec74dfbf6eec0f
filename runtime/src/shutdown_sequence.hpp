// The order of a shutdown: the calls to each participant. It has no clock; the caller waits.
//
// Threads: any may join; runs wait for each other. Participants may be destroyed at any moment; one
// that is being looked at is destroyed on the thread that runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "draining.hpp"
#include "nexus/shutdown.hpp"

namespace nexus { inline namespace v0 {

class shutdown_sequence {
 public:
  /// Looks until `holds` returns true; false if the deadline came first. Looks at least once.
  using waiter = std::function<bool(const std::function<bool()>& holds)>;

  void join(std::weak_ptr<shutdown_participant> who);

  /// Returns the report without `took`. `now` measures how long work makes no progress; null: work
  /// is never given up.
  shutdown_report run(const waiter& wait, const draining::clock& now = {});

  /// The part of a shutdown for work; storages go on. Returns the names of what is left.
  std::vector<std::string> end_work(const waiter& wait, const draining::clock& now);
  [[nodiscard]] std::vector<std::string> left();

  /// True if no storage has anything to do.
  [[nodiscard]] bool storage_is_quiet();

 private:
  using stage = shutdown_participant::stage;

  /// Everything except `who` belongs to the run.
  struct member {
    std::weak_ptr<shutdown_participant> who;
    std::string name{};
    std::string parent{};
    std::uint64_t turn = 0;  // the turn in which it was told to stop; 0: not yet
    bool is_over = false;
  };
  struct living {
    std::shared_ptr<shutdown_participant> who;
    std::shared_ptr<member> in;
  };

  [[nodiscard]] std::vector<living> living_members() const;  // under the lock
  [[nodiscard]] std::vector<living> look(stage of);
  bool stop_admitting();
  [[nodiscard]] bool drain(stage of, const waiter& wait, const draining::clock& now);
  void stop(stage of, const waiter& wait);
  /// False if nothing was told to stop, and nothing was over.
  bool stop_whose_turn_it_is(const std::vector<living>& all, bool children_must_be_over);
  void tell_stop(const living& one);
  void list(stage of, std::vector<std::string>& missed);

  std::mutex running_;
  std::uint64_t turns_ = 0;
  bool drained_ = false;

  std::mutex lock_;  // guards the members below
  std::vector<std::shared_ptr<member>> members_;
  std::size_t purge_at_ = 16;
  bool begun_ = false;
};

}}  // namespace nexus::v0
