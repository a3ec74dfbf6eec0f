// Follows a journal as a whole: passes what there is, then waits for what comes.
//
//   auto reader = nexus::live_reader::open(store, last_seen);
//   if (!reader) return complain(reader.error().message);
//   while (auto n = reader->read([&](const nexus::persistence_id& of, const nexus::record_view& r) {
//     return print(of, r), true;
//   }, 10s)) { … }
//
// It sees every event exactly once, those of an id in order. A reader that begins at the position it
// stored last, together with what it made of the events, goes on where it was.
//
// Threads: `read` and `at` belong to one thread, which may block; where none may,
// `read` passes what there is, and is `would_block` instead of waiting. `stop` may come
// from any. Failures: those of the storage; the position stays, and the next `read` tries again,
// after a pause that grows up to poll_every (or `within`).
// Throws: what the sink throws, and the event it was given comes again.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "nexus/store.hpp"

namespace nexus::inline v0 {

struct live_reader_options {
  /// How often the journal is asked though nobody said that there is more, such as another process.
  std::chrono::nanoseconds poll_every = std::chrono::seconds{1};
  std::size_t batch_max = 1'000;  ///< records passed by one `read`; at least 1
  /// After how long somebody who holds stored events back (journal_session::held_back) is named in the
  /// log; again every 30 s.
  std::chrono::nanoseconds lag_warning_after = std::chrono::seconds{5};
};

class live_reader {
 public:
  /// Begins with the first event past `after`. The reader has a watch of its own, borrows a reserved
  /// session of the pool while it reads, but not while the sink is called, and keeps the store. A sink may
  /// borrow and ask entities.
  [[nodiscard]] static result<live_reader> open(const store& from, position after = {},
                                                live_reader_options options = {});
  ~live_reader();
  live_reader(live_reader&&) noexcept;
  live_reader& operator=(live_reader&&) noexcept;

  /// Passes what there is past its position; if that is nothing, waits for something, up to `within`.
  /// Answers how many records were passed: 0 if none came. A sink that returns false ends the call and
  /// keeps the record it was given. An error met behind the first record comes with the next call.
  /// `stopped` after `stop`, and once the store was closed.
  [[nodiscard]] result<std::size_t> read(const journal_sink& sink, time_span within);

  /// That of the last record that was passed.
  [[nodiscard]] position at() const noexcept;

  /// Ends a `read` that waits; it and all later ones answer `stopped`. One that passes records ends
  /// after those.
  void stop() noexcept;

 private:
  class core;
  explicit live_reader(std::unique_ptr<core> made) noexcept;

  std::unique_ptr<core> core_;
};

}  // namespace nexus::inline v0
