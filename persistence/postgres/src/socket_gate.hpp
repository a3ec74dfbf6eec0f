// Lets another thread cut a connection while it is used, lost or replaced.
//
// Threads: any. libpq closes its socket when a connection is lost, and the number may be reused at
// once; so this keeps its own descriptor.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <utility>

namespace nexus { inline namespace v0 { namespace postgres {

class socket_gate {
 public:
  socket_gate() = default;
  ~socket_gate() { closed(); }
  socket_gate(const socket_gate&) = delete;
  socket_gate& operator=(const socket_gate&) = delete;

  void opened(int socket) noexcept {
    closed();
    const std::lock_guard guard{mutex_};
    socket_ = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (interrupted_) cut();
  }
  void closed() noexcept {
    const std::lock_guard guard{mutex_};
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void interrupt() noexcept {
    const std::lock_guard guard{mutex_};
    interrupted_ = true;
    cut();
  }
  [[nodiscard]] bool interrupted() const noexcept {
    const std::lock_guard guard{mutex_};
    return interrupted_;
  }

 private:
  void cut() const noexcept {
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
  }

  mutable std::mutex mutex_;
  int socket_ = -1;
  bool interrupted_ = false;
};

}}}  // namespace nexus::v0::postgres
