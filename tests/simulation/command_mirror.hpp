// Follows a state machine's handling of commands one by one: the order of decisions and answers,
// the bounds, the start of appends, passivation and closing.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "alarms.hpp"
#include "history.hpp"

namespace nexus::simulation {

/// The state after every action of a step was performed.
struct rest {
  std::uint32_t held = 0;  ///< commands, as the machine reports
  bool fresh = false;
  bool running = false;
  bool drained = false;       ///< no command is on its way
  bool writing = false;       ///< an append or its settling is in flight
  bool saving = false;        ///< a snapshot is in flight
  bool after_append = false;  ///< an append was answered, and no chain has run since
};

class command_mirror {
 public:
  explicit command_mirror(surroundings& s) : s_{s} {}

  // Inputs.
  void arrives(command_id id) { waiting_.push_back(id); }
  void passivates(bool only_now) {
    (only_now ? asked_now_ : passivating_) = true;
    may_passivate_ = may_passivate_ || !only_now;
  }
  void check_fails() { check_failed_ = true; }
  void closes() { closing_ = true; }
  void waited() { stop_due_ = stop_due_ || !is_process(); }
  void process_fails() { --recovered_decided_; }

  // A command's view of its decision; 0 is the command of on_recovered, `of_alarm` that of an alarm.
  void decides(command_id id, const state& on);
  void decided(command_id id, const d::decision& what, std::uint32_t bytes, std::size_t events);

  // Actions.
  void releases(command_id id, const d::decision& last);
  /// True if it was decided, and so is lost with an append.
  bool refuses(command_id id);
  void unstashes();
  void appends();
  void checks();
  /// An append is lost, to another writer if `to_another`: then commands may be decided again.
  void loses(bool to_another);
  void recovers();
  /// `passes`: it is retried, which a process waits for by itself.
  void recovery_fails(bool passes);
  void stops(bool saving);
  void at_rest(const rest& r);

  /// Neither an undurable command nor one that waits.
  [[nodiscard]] bool idle() const noexcept { return waiting_.empty() && undurable_.empty(); }
  /// The undurable commands are all of callers.
  [[nodiscard]] bool callers_undurable() const noexcept;
  [[nodiscard]] bool anybody_waits() const noexcept { return !waiting_.empty(); }

 private:
  struct undurable {
    command_id id;
    std::uint32_t bytes;
    std::size_t events;

    [[nodiscard]] bool of_caller() const noexcept { return id != 0 && id != of_alarm; }
  };

  void broken(const char* rule, std::string detail = {}) {
    s_.judge.broken(rule, std::move(detail));
  }
  [[nodiscard]] bool is_process() const noexcept {
    return s_.planned.recovered != on_recovered::nothing;
  }
  void pass_over_refused(command_id next);
  void decides_again();
  void check_bounds() const;
  bool left(command_id id);

  surroundings& s_;
  std::deque<command_id> waiting_;
  std::vector<command_id> passed_over_;  // in this turn, to be refused in it
  std::vector<command_id> stash_;
  std::vector<undurable> undurable_;
  std::size_t undurable_bytes_ = 0;
  std::size_t last_bytes_ = 0;  // of the last decided command, which may exceed the bound
  std::uint64_t recoveries_ = 0;
  std::uint64_t recovered_decided_ = 0;
  bool passivating_ = false;
  bool may_passivate_ = false;  // it was asked to, and has not stopped since
  bool asked_now_ = false;      // in this turn
  bool check_failed_ = false;   // in this turn
  bool closing_ = false;
  bool stop_due_ = false;  // for a reason other than passivation
};

}
