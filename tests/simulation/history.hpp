// What became of each command, and the first thing that was wrong.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "plan.hpp"

namespace nexus::simulation {

/// One command from its sending to its answer, with what only the simulator can see.
struct fate {
  enum class answer : std::uint8_t {
    none,
    done,     // with the state after it
    refused,  // by the behavior, with the state it was refused on
    failed,   // by whoever runs it: `code` tells
    lost      // the node crashed: nobody knows
  };

  command_id id = 0;
  command what{};
  std::uint32_t caller = 0;
  std::uint32_t number = 0;  ///< among its caller's
  std::uint32_t node = 0;
  vtime sent = 0;
  vtime answered = 0;
  std::uint64_t stored_before = 0;  ///< events, when it was sent
  std::uint64_t seen_before = 0;    ///< the highest state that its node had shown when it was sent
  answer is = answer::none;
  errc code{};
  state seen{};  ///< what it was answered from
  std::uint32_t decided = 0;
  std::uint32_t stashed = 0;
  std::uint32_t again = 0;  ///< it is to be decided anew, since another writer was first
  bool chained = false;     ///< its chain ran, on `chain_saw`
  state chain_saw{};
  d::decision last{};

  /// Whether its deadline has passed.
  [[nodiscard]] bool late_at(vtime now) const noexcept {
    return what.patience != 0 && now >= sent + what.patience;
  }
};

/// The first broken rule of a run; later ones may be consequences.
class referee {
 public:
  void broken(std::string rule, std::string detail) {
    if (!rule_.empty()) return;
    rule_ = std::move(rule);
    detail_ = std::move(detail);
  }
  [[nodiscard]] bool ok() const noexcept { return rule_.empty(); }
  [[nodiscard]] const std::string& rule() const noexcept { return rule_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }

 private:
  std::string rule_;
  std::string detail_;
};

/// Places that a good simulation comes by, or it is not worth much.
enum class landmark : std::uint8_t {
  merged_append,  ///< events of several commands in one append
  stored_late,
  settled_stored,
  settled_not_stored,
  superseded,
  lost_with_a_stash,
  two_reads,
  loaded_again,  ///< a retention overtook the recovery
  passivated,
  went_on,  ///< a machine stopped and a command was on its way
  closed_unsettled,
  told_unsettled,       ///< callers did not wait until the storage told
  dropped,              ///< a command reached a closed entity
  expired,              ///< a command's deadline passed
  checked,              ///< the journal's highest number is the machine's
  overtaken,            ///< it is another
  late_check,           ///< a reading was given up, and answered after all or the other way round
  decided_again,        ///< a command, since another writer was first
  stored_again,         ///< what it persisted the next time
  retries_exhausted,    ///< a conflict too many
  conflicts_in_a_row,   ///< so many that a pause is due
  came_back_by_itself,  ///< a process, after trouble, with nobody waiting
  process_failed        ///< on_recovered did
};
inline constexpr int landmarks = static_cast<int>(landmark::process_failed) + 1;

/// What the parts of a run share.
struct surroundings {
  const plan& planned;
  virtual_time& time;
  referee& judge;
  bool calm = false;                                ///< no more faults
  std::uint32_t happened = 0;                       ///< faults that occurred so far, a bit each
  std::uint32_t reached = 0;                        ///< landmarks, a bit each
  bool crashed = false;                             ///< some node, some time
  bool closed = false;                              ///< likewise
  std::deque<fate> fates{};                         ///< by command id - 1
  std::vector<command_id> chains{};                 ///< in the order they ran
  std::function<void(const std::string&)> trace{};  ///< one line per step, if anyone listens

  [[nodiscard]] fate& fate_of(command_id id) { return fates[id - 1]; }

  void reaches(landmark l) noexcept { reached |= 1U << static_cast<unsigned>(l); }

  /// True, and noted, if this fault is in the plan and its turn has come.
  [[nodiscard]] bool strikes(fault f, random& r) {
    if (calm || !planned.has(f) || !r.chance(planned.fault_permille)) return false;
    happened |= bit(f);
    return true;
  }
};

}
