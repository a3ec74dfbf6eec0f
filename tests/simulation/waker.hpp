// Wakes the entity when the alarm that the journal has is due: one firing at a time, repeated with
// growing pauses until the alarm is later or gone.
#pragma once

#include <memory>
#include <vector>

#include "alarms.hpp"
#include "node.hpp"

namespace nexus::simulation {

class waker {
 public:
  waker(surroundings& s, const model_journal& journal,
        const std::vector<std::unique_ptr<node>>& nodes);

  /// The alarm in the journal has changed, or is there at the begin.
  void changed();
  /// A node has answered.
  void answered(std::uint64_t firing, bool seen, const std::optional<timestamp>& due);
  /// From now on only nodes from this number are asked.
  void begin_at(std::size_t number) { first_ = number; }
  /// After the run.
  void check_end();

 private:
  void look_at(vtime when);
  void look();
  [[nodiscard]] std::size_t chosen();

  surroundings& s_;
  const model_journal& journal_;
  const std::vector<std::unique_ptr<node>>& nodes_;
  random choices_;
  std::size_t first_ = 0;
  std::uint64_t looks_ = 0;    // only the last one that was planned is made
  std::uint64_t firings_ = 0;  // the last one's number
  std::uint32_t attempt_ = 0;
  vtime due_ = 0;         // of the last firing
  bool found_ = false;    // it was due
  bool changed_ = false;  // since then
  bool waiting_ = false;  // for its answer
  bool pausing_ = false;  // after its answer
};

}
