// What live readers and streams are made of: reads records that match a selection, one batch at a
// time, and waits for more.
//
// Threads: as live_reader. Bound: one batch of records, see live_reader_options, and 4 MiB of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "nexus/event_query.hpp"
#include "nexus/live_reader_options.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// What to read.
struct journal_selection {
  enum class kind : std::uint8_t {
    strand,  ///< all events of one strand, in order
    events,  ///< the events that match `filter`
    states   ///< changes of durable states; see `as_record`
  };

  kind what = kind::strand;
  /// `after` says where to start. A strand uses nothing else; states use `entity_type`, `entity_id`
  /// and `slices` only.
  event_filter filter{};
  bool from_kept = false;  ///< skips erased events instead of `history_erased`
  /// `await` also returns, with false, when `at` has moved past events that do not match.
  bool tells_moves = false;
  bool live = true;  ///< otherwise it ends behind what is stored at the start
};

class journal_reader {
 public:
  [[nodiscard]] static result<std::unique_ptr<journal_reader>> open(
      const store& from, journal_selection which, const live_reader_options& options);
  virtual ~journal_reader() = default;

  /// Waits for a record, up to `within`. False: none came, or there will be none.
  [[nodiscard]] virtual result<bool> await(std::chrono::nanoseconds within) = 0;

  /// Whether a record is there; the next three are for that case.
  [[nodiscard]] virtual bool has_record() const noexcept = 0;
  [[nodiscard]] virtual const persistence_id& of() const noexcept = 0;
  /// A changed state is a record whose number is the version; an erased one has no type.
  [[nodiscard]] virtual record_view record() const noexcept = 0;
  /// The record was passed.
  virtual void pop() = 0;

  /// True when nothing more will come, because the selection is not live.
  [[nodiscard]] virtual bool ended() const noexcept = 0;

  /// Behind the last record passed; at most one position per strand.
  [[nodiscard]] virtual const std::vector<position>& at() const noexcept = 0;

  /// From any thread; ends `await`.
  virtual void stop() noexcept = 0;
};

}}}
