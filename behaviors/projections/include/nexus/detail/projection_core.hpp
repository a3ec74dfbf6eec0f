// What a projection does whatever its behavior: reads, hands out, commits, recovers from failures.
//
// Threads: the functions of `projection_core` may come from any thread and block.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/journal_values.hpp"
#include "nexus/projection_options.hpp"
#include "nexus/session.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Stored events, decoded, that are handled together. One may be several events, which are handled
/// as a whole; one that is none is left out.
///
/// Threads: filled by one, then handled by another.
class projected_batch {
 public:
  virtual ~projected_batch() = default;

  /// Decodes it; an error that names the event if that fails.
  [[nodiscard]] virtual result<void> add(const persistence_id& of, const record_view& r) = 0;

  /// The stored events.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  /// The events that they are read as.
  [[nodiscard]] virtual std::size_t events() const noexcept = 0;
  [[nodiscard]] virtual const position& at(std::size_t i) const noexcept = 0;
  [[nodiscard]] virtual timestamp time(std::size_t i) const noexcept = 0;
  /// The time of the oldest event from `i` on; here that of `i`, in a batch in the order of time.
  [[nodiscard]] virtual timestamp oldest_from(std::size_t i) const noexcept { return time(i); }
  /// What is recorded if it is skipped, without error and attempts.
  [[nodiscard]] virtual projection_failure describe(std::size_t i) const = 0;

  struct handled {
    std::size_t end = 0;            ///< behind the last event handled
    std::optional<error> failed{};  ///< of the event at `end`, or of some event from there on
  };
  /// Handles the events `from` to `to`. A handler of single events ends when the time has come.
  [[nodiscard]] virtual handled handle(session& on, std::size_t from, std::size_t to,
                                       std::chrono::steady_clock::time_point until) = 0;
  /// The same for one event that was skipped before.
  [[nodiscard]] virtual std::optional<error> handle_again(session& on) = 0;
};

/// The handler of a program, made of its behavior.
class projection_handler {
 public:
  virtual ~projection_handler() = default;
  [[nodiscard]] virtual std::string_view entity_type() const noexcept = 0;
  [[nodiscard]] virtual std::unique_ptr<projected_batch> make_batch() = 0;
  /// Whether it takes several events at once, so that a failure does not tell which one failed.
  [[nodiscard]] virtual bool takes_batches() const noexcept = 0;
};

class projection_core;

/// Starts the projection's threads; stops them, and waits for their end, when it goes.
class projection_handle {
 public:
  projection_handle(system& sys, store source, std::string_view name,
                    std::shared_ptr<projection_handler> handler, projection_options options);
  ~projection_handle();
  projection_handle(projection_handle&&) noexcept = default;
  projection_handle& operator=(projection_handle&&) = delete;

  [[nodiscard]] projection_status status() const;
  [[nodiscard]] result<void> caught_up(time_span within) const;
  [[nodiscard]] result<void> pause() const;
  [[nodiscard]] result<void> resume() const;
  [[nodiscard]] result<void> rebuild(std::vector<position> from) const;
  [[nodiscard]] result<std::vector<projection_failure>> failures(std::size_t max) const;
  [[nodiscard]] result<void> retry(const projection_failure& which) const;
  void stop() const;

 private:
  std::shared_ptr<projection_core> core_;
};

}}}
