// The outcome of each command, and the first violation.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "plan.hpp"

namespace nexus::simulation {

/// A command from its sending to its answer, with facts that only the simulator knows.
struct fate {
  enum class answer : std::uint8_t {
    none,
    done,     // with the state after it
    refused,  // by the behavior, with the state it was refused on
    failed,   // by the runtime: `code` says why
    lost      // the node crashed: the outcome is unknown
  };

  command_id id = 0;
  command what{};
  std::uint32_t caller = 0;
  std::uint32_t number = 0;  ///< among its caller's commands
  std::uint32_t node = 0;
  vtime sent = 0;
  vtime answered = 0;
  std::uint64_t stored_before = 0;  ///< events, when it was sent
  std::uint64_t seen_before = 0;    ///< the highest state that its node had shown when it was sent
  answer is = answer::none;
  errc code{};
  state seen{};  ///< the state of its answer
  std::uint32_t decided = 0;
  std::uint32_t stashed = 0;
  std::uint32_t again = 0;  ///< it is to be decided again, since another writer wrote first
  bool chained = false;     ///< its chain ran, on `chain_saw`
  state chain_saw{};
  d::decision last{};

  /// Whether its deadline has passed.
  [[nodiscard]] bool late_at(vtime now) const noexcept {
    return what.patience != 0 && now >= sent + what.patience;
  }
};

/// The first violated rule of a run; later ones may be consequences.
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

/// Situations that a good simulation must reach.
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
  went_on,  ///< a machine stopped while a command was on its way
  closed_unsettled,
  told_unsettled,       ///< callers were answered before the storage settled
  dropped,              ///< a command reached a closed entity
  expired,              ///< a command's deadline passed
  checked,              ///< the journal's highest number is the machine's
  overtaken,            ///< it differs
  late_check,           ///< an abandoned read was answered late, or the reverse
  decided_again,        ///< a command, after another writer wrote first
  stored_again,         ///< its events were stored the next time
  retries_exhausted,    ///< a conflict too many
  conflicts_in_a_row,   ///< enough for a pause
  came_back_by_itself,  ///< a process, after a failure, without a caller
  process_failed,       ///< on_recovered failed
  alarm_fired,          ///< the command of a due alarm was decided, and its event stored
  alarm_elsewhere,      ///< by another node than the one that set it
  alarm_not_due,        ///< asked too early, or for an alarm that the state does not have any more
  alarm_waits,          ///< a later due time was not written
  alarm_corrected,      ///< after a recovery
  alarm_taken_over,     ///< from another writer
  alarm_lost,           ///< the append of its command was
  alarm_settled,        ///< a change of the due time alone was stored, and its answer lost
  alarm_stored_late,    ///< a change of the due time alone
  alarm_doubted,        ///< the journal had a due alarm that the entity did not know of
  alarm_dropped         ///< the entity was gone before it had answered
};
inline constexpr int landmarks = static_cast<int>(landmark::alarm_dropped) + 1;

/// Shared by the parts of a run.
struct surroundings {
  const plan& planned;
  virtual_time& time;
  referee& judge;
  bool calm = false;                                ///< no more faults
  std::uint32_t happened = 0;                       ///< faults that occurred so far, a bit each
  std::uint64_t reached = 0;                        ///< landmarks, a bit each
  bool crashed = false;                             ///< a node crashed in this run
  bool closed = false;                              ///< a node closed in this run
  std::deque<fate> fates{};                         ///< by command id - 1
  std::vector<command_id> chains{};                 ///< in the order they ran
  std::function<void(const std::string&)> trace{};  ///< one line per step; may be empty

  [[nodiscard]] fate& fate_of(command_id id) { return fates[id - 1]; }

  void reaches(landmark l) noexcept { reached |= std::uint64_t{1} << static_cast<unsigned>(l); }

  /// True, and recorded, if this fault is in the plan and due.
  [[nodiscard]] bool strikes(fault f, random& r) {
    if (calm || !planned.has(f) || !r.chance(planned.fault_permille)) return false;
    happened |= bit(f);
    return true;
  }
};

}
