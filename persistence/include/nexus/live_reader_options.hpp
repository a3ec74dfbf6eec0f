// How a live reader or a stream reads a journal.
//
// Threads: a plain value.
#pragma once

#include <chrono>
#include <cstddef>

namespace nexus { inline namespace v0 {

struct live_reader_options {
  /// How often to poll the journal for events that no watch reports, such as those of other
  /// processes. At least 1 ms.
  std::chrono::nanoseconds poll_every = std::chrono::seconds{1};
  std::size_t batch_max = 1'000;  ///< records passed by one `read`; at least 1
  /// After this time the holder of stored events (journal_session::held_back) is named in the log;
  /// again every 30 s.
  std::chrono::nanoseconds lag_warning_after = std::chrono::seconds{5};
};

}}  // namespace nexus::v0
