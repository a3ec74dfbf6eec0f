// Follows a strand of a journal: passes the existing events, then waits for new ones.
//
//   auto reader = nexus::live_reader::open(store, last_seen);
//   if (!reader) return complain(reader.error().message);
//   auto sink = [&](const nexus::persistence_id& of, const nexus::record_view& r) {
//     return print(of, r), true;
//   };
//   while (auto n = reader->read(sink, 10s)) { … }
//
// A reader sees every event of its strand exactly once, and the events of an id in order. To continue
// after a restart, store the position (to_string) together with what was made of the events, and open
// the reader at that position. If events past it are erased before they are read, `read` fails with
// `history_erased`; see journal_session::save_reader.
//
// Threads: `read` and `at` belong to one thread, which may block. On a thread that must not wait,
// `read` passes what there is, and returns `would_block` instead of waiting. `stop` may come from
// any thread. Failures: those of the storage. The position stays, and the next `read` retries after
// a pause that grows up to poll_every (or `within`).
// Throws: an exception of the sink; the event passed to it comes again.
#pragma once

#include <cstddef>
#include <memory>

#include "nexus/live_reader_options.hpp"  // IWYU pragma: export
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 {

namespace detail {
class journal_reader;
}

class live_reader {
 public:
  /// Starts with the first event past `start.after`, in its strand. The reader has its own watch and
  /// keeps the store alive. While it reads it borrows a reserved session of the pool, but not while
  /// the sink runs: a sink may borrow a session and ask entities.
  [[nodiscard]] static result<live_reader> open(const store& from, reading_start start = {},
                                                live_reader_options options = {});
  ~live_reader();
  live_reader(live_reader&&) noexcept;
  live_reader& operator=(live_reader&&) noexcept;

  /// Passes the events past its position; if there are none, waits for one, up to `within`. Returns
  /// the number of records passed: 0 if none came. A sink that returns false ends the call; the
  /// record passed to it counts as read. An error after the first record is returned by the next
  /// call. `stopped` after `stop`, and after the store was closed.
  [[nodiscard]] result<std::size_t> read(const journal_sink& sink, time_span within);

  /// The position of the last record passed.
  [[nodiscard]] position at() const noexcept;

  /// Ends a waiting `read`; this call and all later ones return `stopped`. A `read` that is passing
  /// records finishes those first.
  void stop() noexcept;

 private:
  explicit live_reader(std::unique_ptr<detail::journal_reader> made) noexcept;

  std::unique_ptr<detail::journal_reader> core_;
};

}}  // namespace nexus::v0
