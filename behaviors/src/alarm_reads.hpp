// What the waker reads and writes in a database: due alarms, heartbeats, the progress of sweeps.
//
// Heartbeats are documents of the collection "nexus.heartbeats", one per writer; progress of sweeps
// is in "nexus.alarm_sweeps", one document per type. Both are reserved names.
//
// Threads: those of the session; calls block. Failures: those of the session.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alarm_scan.hpp"
#include "alarm_sweep.hpp"
#include "heartbeats.hpp"
#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// A page of the due alarms of a type, for the process `own`.
[[nodiscard]] result<alarm_page> read_alarms(journal_session& from, std::string_view type,
                                             const alarm_read& which, std::size_t max,
                                             const ulid& own);

/// The alarms of these ids, of those that have one that can be read.
[[nodiscard]] result<std::vector<stored_alarm>> read_alarms_of(journal_session& from,
                                                               std::span<const std::string> ids);

/// The types with alarms that are due at `until`, of all strands.
[[nodiscard]] result<std::vector<due_type>> read_due_types(journal_session& from, timestamp until,
                                                           std::uint64_t count_max);

/// A process's heartbeat in one journal. After `end` it stays ended.
class own_heartbeat {
 public:
  explicit own_heartbeat(const ulid& writer) : writer_{writer} {}

  [[nodiscard]] result<void> beat(journal_session& to);
  [[nodiscard]] result<void> end(journal_session& to);

 private:
  [[nodiscard]] result<void> put(journal_session& to, std::string_view value);

  const ulid writer_;
  std::mutex lock_;  // taken only on threads that may block
  std::uint64_t count_ = 0;
  bool ended_ = false;
};

/// None: the database has no documents.
[[nodiscard]] result<std::optional<std::vector<heartbeat>>> read_heartbeats(journal_session& from);
[[nodiscard]] result<void> remove_heartbeats(journal_session& from, std::span<const ulid> writers);

[[nodiscard]] result<sweep_progress> read_sweep(journal_session& from, std::string_view type);

/// Stores `next` if `expected` is stored; else returns what is.
[[nodiscard]] result<std::optional<sweep_progress>> save_sweep(journal_session& to,
                                                               std::string_view type,
                                                               const sweep_progress& expected,
                                                               const sweep_progress& next);

}}}
