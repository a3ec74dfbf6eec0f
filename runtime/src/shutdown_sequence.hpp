// The order of a shutdown: who is told what and when. It knows no clock; whoever runs it waits.
//
// Threads: any may join; runs wait for each other. Participants may go at any moment; one that goes
// while it is looked at does so on the thread that runs.
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

namespace nexus::inline v0 {

class shutdown_sequence {
 public:
  /// Looks until `holds`; false when the deadline came first. Looks at least once.
  using waiter = std::function<bool(const std::function<bool()>& holds)>;

  void join(std::weak_ptr<shutdown_participant> who);

  /// All but `took` of the report. `now` counts how long work gets nowhere; none: it is never given up.
  shutdown_report run(const waiter& wait, const draining::clock& now = {});

  /// The part of it that is about work; storages go on. Names what is left.
  std::vector<std::string> end_work(const waiter& wait, const draining::clock& now);
  [[nodiscard]] std::vector<std::string> left();

  /// No storage has anything to do.
  [[nodiscard]] bool storage_is_quiet();

 private:
  using stage = shutdown_participant::stage;

  /// All but `who` belongs to the run.
  struct member {
    std::weak_ptr<shutdown_participant> who;
    std::string name{};
    std::string parent{};
    std::uint64_t turn = 0;  // in which it was told to stop; 0: not yet
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
  /// False if that told nobody, and nothing was over.
  bool stop_whose_turn_it_is(const std::vector<living>& all, bool children_must_be_over);
  void tell_stop(const living& one);
  void list(stage of, std::vector<std::string>& missed);

  std::mutex running_;
  std::uint64_t turns_ = 0;
  bool drained_ = false;

  std::mutex lock_;  // of what follows
  std::vector<std::shared_ptr<member>> members_;
  std::size_t purge_at_ = 16;
  bool begun_ = false;
};

}  // namespace nexus::inline v0
