// Accepted connections on their way to a thread, and those for which there is no room.
//
// Threads: any. Bounds: so many wait; past them, `refused_max` wait to be told so; past those, `push`
// waits, and with it accept.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

namespace nexus::inline v0::http {

class socket_queue {
 public:
  static constexpr std::size_t refused_max = 64;

  explicit socket_queue(std::size_t waiting_max) : waiting_max_{waiting_max} {}

  /// Hands over the socket; closes it once the queue has stopped.
  void push(int socket);

  /// The next to serve, and the next to refuse. Waits; none: the queue has stopped.
  [[nodiscard]] std::optional<int> next();
  [[nodiscard]] std::optional<int> next_refused();

  /// Somebody waits for a thread.
  [[nodiscard]] bool is_waiting() const;

  /// What is in it is still given out.
  void stop();

 private:
  [[nodiscard]] std::optional<int> take(std::deque<int>& from, std::condition_variable& filled);

  const std::size_t waiting_max_;
  mutable std::mutex lock_;
  std::condition_variable has_waiting_, has_refused_, has_room_;
  std::deque<int> waiting_, refused_;
  bool stopped_ = false;
};

}
