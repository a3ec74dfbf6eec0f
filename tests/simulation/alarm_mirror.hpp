// Follows a state machine's handling of its alarm: the due times that it writes, and the commands
// that it decides when they have come.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "alarms.hpp"
#include "model_journal.hpp"

namespace nexus::simulation {

class alarm_mirror {
 public:
  alarm_mirror(surroundings& s, const model_journal& journal, const ulid& writer)
      : s_{s}, journal_{journal}, writer_{writer} {}

  // Inputs.
  void asked(const d::alarm_due& a) { asked_ = a.seen_at; }
  void loaded(const std::optional<stored_alarm>& found);
  void written(bool is_stored);  ///< the answer to an append
  void settled(bool is_stored);

  void throws() { threw_ = true; }  ///< after a recovery, which fails
  [[nodiscard]] bool threw() { return std::exchange(threw_, false); }

  // A view of the decision of an alarm's command, which the state `named_by` named.
  void decides(const state& on, const state& named_by, timestamp now);

  // Actions.
  void appends(const d::append& a);
  void recovers(sequence_nr number);
  void noted(const std::optional<timestamp>& due);  ///< the machine says that this is stored
  void seen(const error& why);
  void over() { deciding_ = false; }  ///< its command
  void fired(const state& after);     ///< its command was answered
  void stops() { asked_.reset(); }

  /// Running, with nothing to decide and nothing to write.
  void idles_on(const state& now);

  /// The machine was asked, and has neither decided nor answered.
  [[nodiscard]] bool asked() const noexcept { return asked_.has_value(); }

 private:
  void broken(const char* rule, std::string detail = {}) {
    s_.judge.broken(rule, std::move(detail));
  }
  void check_set(vtime to);
  void check_not_set(const d::append& a, const std::optional<vtime>& wanted);

  surroundings& s_;
  const model_journal& journal_;
  ulid writer_;
  std::optional<vtime> stored_;     // as the machine was told
  bool foreign_ = false;            // by another writer
  bool corrects_ = false;           // a recovery found another time than that of the state
  due_change in_flight_{};          // of the last append
  bool by_itself_ = false;          // it has no events
  std::optional<timestamp> asked_;  // neither decided nor seen
  state decided_on_{};
  bool foreign_then_ = false;  // as the command was decided
  bool threw_ = false;
  bool deciding_ = false;  // the command of an alarm is neither released nor refused
};

}
