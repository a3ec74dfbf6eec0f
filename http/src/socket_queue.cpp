#include "socket_queue.hpp"

namespace nexus { inline namespace v0 { namespace http {

bool socket_queue::push(int socket) {
  std::lock_guard guard{lock_};
  if (stopped_ || waiting_.size() >= waiting_max_) return false;
  waiting_.push_back(socket);
  has_waiting_.notify_one();
  return true;
}

std::optional<int> socket_queue::next() {
  std::unique_lock guard{lock_};
  has_waiting_.wait(guard, [&] { return stopped_ || !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  const int socket = waiting_.front();
  waiting_.pop_front();
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
}

}}}  // namespace nexus::v0::http
