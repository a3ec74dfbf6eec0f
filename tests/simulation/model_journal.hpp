// A journal of one id that follows the contract of nexus/journal.hpp, in virtual time, with every
// outcome that the contract allows; and the truth, independent of the answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "history.hpp"
#include "nexus/journal_values.hpp"

namespace nexus::simulation {

/// An append on its way; settling refers to the same one.
struct write {
  sequence_nr expected = 0;
  ulid writer{};
  std::vector<std::string> events{};
  due_change due{};
  bool fenced = false;  ///< it is settled: it cannot be stored any more

  [[nodiscard]] bool only_due() const noexcept { return due && events.empty(); }
};

class model_journal {
 public:
  struct record {
    std::string data;
    ulid writer;
    vtime stored;
  };

  /// How long a recovery may stall; the journal's stalls are longer.
  static constexpr vtime stall = 50'000;

  explicit model_journal(surroundings& s);

  /// Events, and perhaps a snapshot, of an earlier life.
  void preload();

  // One node's writes are performed and answered in order, reads in any order.
  void append(std::uint32_t node, std::shared_ptr<write> w,
              std::function<void(append_outcome)> done);
  void settle(std::uint32_t node, std::shared_ptr<write> w,
              std::function<void(result<settlement>)> done);
  /// Saves, then erases as `plan::keep_snapshots` says; true if it was saved.
  void save(std::uint32_t node, stored_snapshot s, std::function<void(bool)> done);
  void load(std::uint32_t node, std::function<void(result<d::load_result>)> done);
  void read_highest(std::uint32_t node, std::function<void(result<sequence_nr>)> done);
  void replay(std::uint32_t node, sequence_nr from, sequence_nr to,
              std::function<void(result<d::replay_chunk>)> done);

  /// Calls `f` whenever the alarm has changed.
  void on_alarm(std::function<void()> f) { on_alarm_ = std::move(f); }

  /// The node crashed: its requests may still be performed or not.
  void crashed(std::uint32_t node) { ++lane_of(node).generation; }

  // The truth.
  [[nodiscard]] std::uint64_t appends() const noexcept { return appends_; }
  [[nodiscard]] sequence_nr highest() const noexcept { return records_.size(); }
  [[nodiscard]] const std::vector<record>& records() const noexcept { return records_; }
  [[nodiscard]] const std::optional<stored_alarm>& alarm() const noexcept { return alarm_; }
  /// The state after `number` events; `number` is at most `highest`.
  [[nodiscard]] const state& at(sequence_nr number) const { return states_[number]; }
  /// Whether this is the state after some of the events stored now.
  [[nodiscard]] bool knows(const state& s) const {
    return s.count <= highest() && states_[s.count] == s;
  }

 private:
  struct lane {  // a node's connection for writes
    std::uint32_t generation = 0;
    std::uint32_t asked = 0;
    vtime performed = 0;
    vtime answered = 0;
  };
  struct operation {
    std::uint32_t node;
    std::uint32_t generation;
    random choices;
  };

  lane& lane_of(std::uint32_t node);
  operation begin(std::uint32_t node);
  [[nodiscard]] bool lost_in_crash(operation& o);
  [[nodiscard]] vtime latency(random& r) const;
  [[nodiscard]] bool outage() const;
  [[nodiscard]] bool hole() const;
  void perform(operation o, bool write, std::function<void(operation&, vtime&)> work,
               std::function<void()> answer);

  append_outcome perform_append(operation& o, const std::shared_ptr<write>& w);
  void store_later(operation& o, const std::shared_ptr<write>& w);
  bool store(const write& w);
  bool store_events(const write& w);
  void preload_alarm();
  result<settlement> perform_settle(operation& o, write& w);
  bool perform_save(operation& o, stored_snapshot s);
  void prune(operation& o);
  std::optional<stored_snapshot> newest_snapshot(operation& o);
  void load_state(d::load_result& to) const;
  void load_later(operation& o, vtime until, const std::shared_ptr<result<d::load_result>>& to);
  result<d::replay_chunk> perform_replay(operation& o, sequence_nr from, sequence_nr to);
  void check_stored(const event& e, const state& before);
  void check_alarm();

  surroundings& s_;
  std::vector<record> records_;
  std::vector<state> states_{state{}};
  std::map<sequence_nr, stored_snapshot> snapshots_;
  std::optional<stored_alarm> alarm_;
  std::function<void()> on_alarm_;
  sequence_nr erased_to_ = 0;
  std::uint64_t appends_ = 0;
  std::vector<lane> lanes_;
};

/// The events of an earlier life, with which a run begins.
[[nodiscard]] std::vector<std::string> preloaded_events(const plan& p);

[[nodiscard]] ulid writer_named(std::uint64_t number);

}
