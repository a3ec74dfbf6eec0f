// The metrics of the entities of one type.
//
// Threads: any; after the first use of a counter, no call takes a lock.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/detail/directory.hpp"
#include "nexus/metrics.hpp"
#include "passivation.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class entity_metrics {
 public:
  entity_metrics(nexus::metrics& all, const behavior_info& of);

  /// Counts a finished command; `why` is null if it was answered with a value.
  void command_over(const entity_call& c, const error* why) noexcept;

  counter& admitted;
  counter& verified;       ///< checks of the highest number
  counter& decided_again;  ///< after conflicts, counted when the command ends
  counter& cap_exceeded;   ///< starts above live_max while no entity was idle
  counter& recovered;
  counter& recoveries_failed;
  counter& chains_failed;
  counter& timers_fired;
  histogram& recovery_seconds;
  histogram& recovered_events;
  counter& passivated_idle;
  counter& passivated_cap;
  counter& passivated_asked;  ///< by the behavior
  counter& stopped;           ///< by the behavior
  counter& failed;
  std::array<counter*, 4> failures;  ///< in the order of `directive`

 private:
  static constexpr std::size_t outcomes = 1 + errcs;
  using row = std::array<std::atomic<counter*>, outcomes>;

  nexus::metrics& all_;
  const behavior_info of_;
  std::vector<row> commands_;  // by index of the command, made at first use
};

}}}
