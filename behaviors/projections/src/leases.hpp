// Decides which cells this process works on. It takes cells without an owner, and cells whose lease
// has not moved for the lease's time on this process's steady clock. If it has less than its share,
// it asks the process with the most cells for some, which gives them away at its next look.
//
// Threads: one. Source of the idea: leases that are observed, not dated (no clock is compared with
// another process's).
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nexus/projection_storage.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class lease_watch {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  lease_watch(std::string owner, std::chrono::nanoseconds lease)
      : owner_{std::move(owner)}, lease_{lease} {}

  struct plan {
    std::vector<projection_cell> take{};  ///< free, or left behind by their owners
    bool expired = false;                 ///< some of `take` were left behind
    std::vector<projection_cell> give{};  ///< own ones that another process wants
    std::vector<projection_cell> ask{};   ///< others' ones to ask for
    std::vector<projection_cell> own{};   ///< that stay
  };

  /// What to do about the cells as they are now. `shares`: whether to ask others for cells.
  [[nodiscard]] plan look_at(const std::vector<projection_cell>& cells, time_point now,
                             bool shares);

 private:
  struct seen {
    std::string owner;
    std::int64_t lease = 0;
    time_point since{};
  };

  [[nodiscard]] bool is_left_behind(const projection_cell& cell, time_point now);
  void ask_for_a_share(const std::vector<projection_cell>& cells, plan& made) const;

  const std::string owner_;
  const std::chrono::nanoseconds lease_;
  std::map<std::uint32_t, seen> seen_;
};

}}}
