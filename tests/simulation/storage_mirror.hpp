// The requests that a state machine may make of the storage: one append at a time, settling before
// anything else after an unknown outcome, bounded reads, a pause after each failure.
#pragma once

#include <string>

#include "model_journal.hpp"

namespace nexus::simulation {

class storage_mirror {
 public:
  storage_mirror(surroundings& s, const model_journal& journal) : s_{s}, journal_{journal} {}

  // Inputs.
  // `of_callers`: all of the append came from callers; none of it is repeated by itself.
  void append_answered(const append_outcome& outcome, bool of_callers);
  void settled(const result<settlement>& what, bool of_callers);
  void read_answered() { --reads_; }
  void save_answered() { saving_ = false; }
  void closes();
  void waited() { waited_ = !writing(); }

  // Actions.
  void appends(const d::append& a, sequence_nr durable);
  void settles();
  void reads(const d::replay& a);
  void loads(bool anybody_waits);
  void saves();
  void waits(std::uint32_t attempt);
  void recovers();
  void recovery_fails(errc why);
  void stops();
  void at_rest();

  /// Callers of a lost append must get its outcome.
  void check_told(errc why);

  /// The last part of the recovery failed: on_recovered.
  void process_fails() { process_failed_ = true; }

  /// Before a decision.
  void check_truth_known();

  [[nodiscard]] bool writing() const noexcept { return writing_ != step::nothing; }
  [[nodiscard]] bool saving() const noexcept { return saving_; }

 private:
  void writes_again();
  [[nodiscard]] bool conflicts_too_often();

  enum class step : std::uint8_t { nothing, append, unsettled, settle };

  void broken(const char* rule, std::string detail = {}) {
    s_.judge.broken(rule, std::move(detail));
  }
  [[nodiscard]] bool unsettled() const noexcept {
    return writing_ == step::unsettled || writing_ == step::settle;
  }

  surroundings& s_;
  const model_journal& journal_;
  int reads_ = 0;
  int loads_ = 0;               // since a recovery ended
  std::uint32_t failures_ = 0;  // pauses since the last success
  bool unwritten_ = false;      // an append was lost, and none was stored since
  bool wait_due_ = false;
  bool process_failed_ = false;
  sequence_nr last_ = 0;         // of the append in flight
  bool only_due_ = false;        // it changes only the alarm
  std::uint32_t conflicts_ = 0;  // in a row
  bool waited_ = false;
  bool lost_answer_ = false;  // being settled, unless it is a conflict
  bool told_ = false;         // its callers were told that settling takes long
  bool saving_ = false;
  bool closing_ = false;
  bool closed_unsettled_ = false;
  step writing_ = step::nothing;
  errc loss_{};
};

}
