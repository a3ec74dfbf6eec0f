// Accepted connections on their way to a thread.
//
// Threads: any. Bounds: the number of waiting sockets; above it, `push` refuses.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

namespace nexus { inline namespace v0 { namespace http {

class socket_queue {
 public:
  explicit socket_queue(std::size_t waiting_max) : waiting_max_{waiting_max} {}

  /// Hands over the socket; false, and not taken, if too many wait.
  [[nodiscard]] bool push(int socket);

  /// The next socket to serve. Waits; none: the queue has stopped.
  [[nodiscard]] std::optional<int> next();

  /// True if a connection waits for a thread.
  [[nodiscard]] bool is_waiting() const;

  /// Stops accepting; queued sockets are still handed out.
  void stop();

 private:
  const std::size_t waiting_max_;
  mutable std::mutex lock_;
  std::condition_variable has_waiting_;
  std::deque<int> waiting_;
  bool stopped_ = false;
};

}}}
