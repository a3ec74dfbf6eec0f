// The head of an id: what is known of it beside its events and snapshots.
//
//   h   the highest number          v   the version of its state      u   when its alarm is due
//   g   the generation              d   the state, packed             w   who set the alarm
//   e   erased up to this number    x   the state is a tombstone
//
// A missing number is 0. `settle` bumps the generation, so that a late attempt, whose condition
// names the old one, fails for good.
//
// Threads: values. Throws: nothing.
#pragma once

#include <optional>
#include <string>

#include "nexus/journal_checks.hpp"
#include "values.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

struct head {
  sequence_nr highest = 0;
  std::uint64_t generation = 0;
  sequence_nr erased = 0;
  sequence_nr version = 0;
  bool tombstone = false;
  std::optional<timestamp> due{};
  std::string due_writer{};

  /// Of an item, or of null: no head.
  [[nodiscard]] static head of(const json& item);

  [[nodiscard]] std::optional<stored_alarm> alarm(const persistence_id& id) const;
};

/// What a conditional write assumes of a head beside its expected number. Wrong assumptions cost
/// another attempt: the refusal returns the head.
struct assumption {
  std::uint64_t generation = 0;
  std::optional<timestamp> due{};
  bool tombstone = false;

  [[nodiscard]] static assumption of(const head& h) { return {h.generation, h.due, h.tombstone}; }
};

/// The parts of an update of a head.
class head_update {
 public:
  /// `number` (h or v) is `expected`, and the generation is the assumed one.
  head_update(const char* number, sequence_nr expected, const assumption& assumed);

  void set(const char* attribute, json value);
  void remove(const char* attribute);
  void also(const std::string& condition) { condition_ += " AND " + condition; }
  void value(const char* name, json value) { values_[name] = std::move(value); }
  /// The alarm as the change leaves it, if it is as assumed now.
  void change_alarm(const due_change& to, const assumption& assumed, const ulid& writer);

  [[nodiscard]] json action(std::string_view table, const persistence_id& id) const;
  /// The same alone, as UpdateItem.
  [[nodiscard]] json body(std::string_view table, const persistence_id& id) const;

 private:
  std::string condition_;
  std::string sets_;
  std::string removes_;
  json values_ = json::object();
};

/// The changes of the list of due alarms that go with a change of an id's alarm.
void add_alarm_actions(json& to, std::string_view table, std::uint32_t strand,
                       const persistence_id& id, const due_change& change,
                       const assumption& assumed, const ulid& writer);

/// For a refusal whose head is known: whether the assumption was wrong, not the expected number.
[[nodiscard]] inline bool assumed_wrong(const assumption& was, const head& found) {
  return was.generation != found.generation || was.due != found.due ||
         was.tombstone != found.tombstone;
}

}}}  // namespace nexus::v0::dynamodb
