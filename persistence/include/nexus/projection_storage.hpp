// Where a target keeps how far its projections have come: offsets by cell, who works on which cell,
// and events that were skipped.
//
// The events of a projection are divided into cells: 64 ranges of slices per strand, fixed for ever.
// Each cell has an offset and a lease: an owner, and a number that rises with everything the owner
// does. A process that has seen the number unchanged for a while, by its own clock, may take the
// cell.
//
// For authors of backends. A storage belongs to a session (session::projections) and to its thread.
// Calls are a part of the session's transaction, if one is open; otherwise each is atomic by itself,
// or, where the database says so, for each strand.
// Failures: those of the session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/clock.hpp"
#include "nexus/journal_values.hpp"
#include "nexus/persistence_id.hpp"
#include "nexus/position.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

inline constexpr std::uint32_t cells_per_strand = 64;

/// A version of a projection has offsets, and usually rows, of its own.
struct projection_version {
  static constexpr std::size_t name_bytes_max = 200;

  std::string name;
  std::int64_t version = 1;

  friend bool operator==(const projection_version&, const projection_version&) = default;
};

struct projection_cell {
  std::uint32_t cell = 0;
  position at{};            ///< everything of the cell up to here is done
  std::string owner{};      ///< empty: none
  std::int64_t lease = 0;   ///< rises with everything that the owner does
  std::string wanted_by{};  ///< another process that asks for the cell; empty: none

  friend bool operator==(const projection_cell&, const projection_cell&) = default;
};

/// Moves the cells `first` to `last` that stand at `from`.
struct projection_move {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  position from{};
  position to{};
};

/// An event that was skipped.
struct projection_failure {
  persistence_id of;
  sequence_nr number = 0;
  position at{};
  std::string event_type{};
  std::string error{};
  std::uint32_t attempts = 0;
  timestamp time{};  ///< of the last attempt
};

class projection_storage {
 public:
  virtual ~projection_storage() = default;

  /// Stores which events the version reads, in words, unless that is stored already; returns what is
  /// stored.
  [[nodiscard]] virtual result<std::string> declare(const projection_version& of,
                                                    std::string_view reads) = 0;

  /// Adds those of the cells that do not exist yet; of these it takes `cell` and `at`.
  [[nodiscard]] virtual result<void> add(const projection_version& of,
                                         std::span<const projection_cell> cells) = 0;

  /// All cells, in order.
  [[nodiscard]] virtual result<std::vector<projection_cell>> cells(
      const projection_version& of) = 0;

  /// Moves the cells that `owner` still owns and that stand at `move.from`; their leases rise.
  /// Returns their number: less than expected means that some have been taken.
  [[nodiscard]] virtual result<std::uint64_t> advance(const projection_version& of,
                                                      std::string_view owner,
                                                      const projection_move& move) = 0;

  /// Sets the owner (empty: none) if owner and lease are still as `seen`; the lease rises, and
  /// `wanted_by` is cleared. False: they are not. Returns false, without waiting, if a transaction is
  /// changing a cell without an owner.
  [[nodiscard]] virtual result<bool> give(const projection_version& of, const projection_cell& seen,
                                          std::string_view owner) = 0;

  /// `advance` for several moves of the same owner; returns the number of cells of each. Unlike one
  /// move they are not atomic together, unless in a transaction.
  [[nodiscard]] virtual result<std::vector<std::uint64_t>> advance_all(
      const projection_version& of, std::string_view owner,
      std::span<const projection_move> moves) {
    std::vector<std::uint64_t> moved;
    for (const auto& one : moves) {
      auto cells = advance(of, owner, one);
      if (!cells) return fail(std::move(cells.error()));
      moved.push_back(*cells);
    }
    return moved;
  }

  /// `give` for many cells; those that are no longer as seen stay.
  [[nodiscard]] virtual result<void> give_all(const projection_version& of,
                                              std::span<const projection_cell> seen,
                                              std::string_view owner) {
    for (const auto& one : seen) {
      if (auto given = give(of, one, owner); !given) return fail(std::move(given.error()));
    }
    return {};
  }

  /// Sets `wanted_by` to `who` if `owner` still owns the cell and no other process has asked. Returns
  /// false, without waiting, if a transaction is changing the cell.
  [[nodiscard]] virtual result<bool> want(const projection_version& of, std::uint32_t cell,
                                          std::string_view owner, std::string_view who) = 0;

  /// `want` for many cells, of which it takes `cell` and `owner`.
  [[nodiscard]] virtual result<void> want_all(const projection_version& of,
                                              std::span<const projection_cell> seen,
                                              std::string_view who) {
    for (const auto& one : seen) {
      if (auto asked = want(of, one.cell, one.owner, who); !asked) {
        return fail(std::move(asked.error()));
      }
    }
    return {};
  }

  /// Ends transactions of other sessions that have changed one of these cells and are still open,
  /// e.g. those of a process that is cut off. Needed only where they outlive their process.
  [[nodiscard]] virtual result<void> end_others(const projection_version& of, std::uint32_t first,
                                                std::uint32_t last) = 0;

  /// Sets every cell to its strand's position (one per strand, in order) and to no owner. Removes the
  /// failures past these positions, which will be handled again.
  [[nodiscard]] virtual result<void> restart(const projection_version& of,
                                             std::span<const position> at) = 0;

  [[nodiscard]] virtual result<bool> paused(const projection_version& of) = 0;
  [[nodiscard]] virtual result<void> pause(const projection_version& of, bool paused) = 0;

  /// Adds the failure, or replaces the one of the same event.
  [[nodiscard]] virtual result<void> add_failure(const projection_version& of,
                                                 const projection_failure& failure) = 0;
  /// Sets error and attempts of the failure of this event. False: there is none (any more).
  [[nodiscard]] virtual result<bool> update_failure(const projection_version& of,
                                                    const projection_failure& failure) = 0;
  /// In the order of ids and numbers, at most `max`.
  [[nodiscard]] virtual result<std::vector<projection_failure>> failures(
      const projection_version& of, std::size_t max) = 0;
  [[nodiscard]] virtual result<std::uint64_t> count_failures(const projection_version& of) = 0;
  /// False: there is none.
  [[nodiscard]] virtual result<bool> remove_failure(const projection_version& of,
                                                    const persistence_id& id,
                                                    sequence_nr number) = 0;

  /// Removes cells, pause and failures of this version.
  [[nodiscard]] virtual result<void> forget(const projection_version& of) = 0;

  /// Every version that has cells, by name and version.
  [[nodiscard]] virtual result<std::vector<projection_version>> versions() = 0;

  // For a database that has no transactions of programs, but can store offsets and documents at once:

  /// How many strands and documents `store_together` takes at most. 0: the calls below do nothing.
  [[nodiscard]] virtual std::size_t together_max() const noexcept { return 0; }
  /// Until the next call of `store_together` or `drop_held_back`, this session keeps back documents
  /// that are written or removed, `advance`, `add_failure` and `remove_failure`. Reads of documents
  /// see those kept back.
  virtual void hold_back() noexcept {}
  /// Whether documents were kept back since.
  [[nodiscard]] virtual bool holds_documents() const noexcept { return false; }
  /// Stores all of it, or nothing. `serialization_failed`: a document that was read, and is written,
  /// has changed. `conflict`: a cell is no longer where `advance` found it. `too_large`: it is more
  /// than a transaction takes. `outcome_unknown`: it may have been stored, or will be.
  [[nodiscard]] virtual result<void> store_together() { return {}; }
  virtual void drop_held_back() noexcept {}
};

}}  // namespace nexus::v0
