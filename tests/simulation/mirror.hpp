// What a state machine may do, followed command by command: the order of decisions, the bounds, one
// append at a time, the truth before anything else after an unknown outcome.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "history.hpp"
#include "model_journal.hpp"

namespace nexus::simulation {

class mirror {
 public:
  mirror(surroundings& s, const model_journal& journal) : s_{s}, journal_{journal} {}

  // Inputs.
  void arrives(command_id id) { waiting_.push_back(id); }
  void append_answered(const append_outcome& outcome);
  void settled(const result<settlement>& what);
  void read_answered() { --reads_; }
  void save_answered() { saving_ = false; }

  // What a command sees of its decision; 0 is the command of on_recovered.
  void decides(command_id id, const state& on);
  void decided(command_id id, const d::decision& what, std::uint32_t bytes);

  // Actions.
  void appends(const d::append& a, sequence_nr durable);
  void settles();
  void reads(const d::replay& a);
  void loads();
  void saves();
  void releases(command_id id);
  void refuses(command_id id);
  void unstashes();
  void recovers() {
    ++recoveries_;
    loads_ = 0;
  }
  void recovery_fails() { loads_ = 0; }
  void stops() { loads_ = reads_ = 0; }

  /// Every action of a step is performed; the machine says it holds `held` commands.
  void at_rest(std::uint32_t held);

 private:
  enum class writing : std::uint8_t { nothing, append, unsettled, settle };

  void broken(const char* rule, std::string detail = {}) {
    s_.judge.broken(rule, std::move(detail));
  }
  bool left(command_id id);

  surroundings& s_;
  const model_journal& journal_;
  std::deque<command_id> waiting_;
  std::vector<command_id> stash_;
  std::vector<command_id> undurable_;
  std::size_t undurable_bytes_ = 0;
  std::size_t last_bytes_ = 0;  // of the last command decided, which may pass the bound
  std::uint64_t recoveries_ = 0;
  std::uint64_t recovered_decided_ = 0;
  int recovered_held_ = 0;
  int reads_ = 0;
  int loads_ = 0;  // since a recovery ended
  bool saving_ = false;
  writing writing_ = writing::nothing;
};

}
