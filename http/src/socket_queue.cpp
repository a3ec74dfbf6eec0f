#include "socket_queue.hpp"

#include <unistd.h>

namespace nexus::inline v0::http {

void socket_queue::push(int socket) {
  std::unique_lock guard{lock_};
  has_room_.wait(guard, [&] {
    return stopped_ || waiting_.size() < waiting_max_ || refused_.size() < refused_max;
  });
  if (stopped_) {
    ::close(socket);
  } else if (waiting_.size() < waiting_max_) {
    waiting_.push_back(socket);
    has_waiting_.notify_one();
  } else {
    refused_.push_back(socket);
    has_refused_.notify_one();
  }
}

std::optional<int> socket_queue::next() { return take(waiting_, has_waiting_); }
std::optional<int> socket_queue::next_refused() { return take(refused_, has_refused_); }

std::optional<int> socket_queue::take(std::deque<int>& from, std::condition_variable& filled) {
  std::unique_lock guard{lock_};
  filled.wait(guard, [&] { return stopped_ || !from.empty(); });
  if (from.empty()) return std::nullopt;
  const int socket = from.front();
  from.pop_front();
  has_room_.notify_one();
  return socket;
}

bool socket_queue::is_waiting() const {
  std::lock_guard guard{lock_};
  return !waiting_.empty();
}

void socket_queue::stop() {
  std::lock_guard guard{lock_};
  stopped_ = true;
  has_waiting_.notify_all();
  has_refused_.notify_all();
  has_room_.notify_all();
}

}  // namespace nexus::inline v0::http
