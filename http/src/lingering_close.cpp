#include "lingering_close.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

namespace nexus { inline namespace v0 { namespace http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds linger{500};
constexpr milliseconds poll_every{20};  // whether more have come
constexpr std::size_t leaving_max = 256;

// False if there is nothing to wait for.
bool drained(int socket) {
  std::array<char, 4096> unread;
  const auto n = ::recv(socket, unread.data(), unread.size(), MSG_DONTWAIT);
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace

lingering_close::~lingering_close() {
  for (const auto& one : new_) ::close(one.socket);
  for (const auto& one : all_) ::close(one.socket);
}

void lingering_close::close(int socket) {
  ::shutdown(socket, SHUT_WR);
  std::lock_guard guard{lock_};
  new_.push_back({socket, steady_clock::now() + linger});
  if (new_.size() > leaving_max) {
    ::close(new_.front().socket);
    new_.pop_front();
  }
  changed_.notify_one();
}

void lingering_close::stop() {
  std::lock_guard guard{lock_};
  stopped_ = true;
  changed_.notify_one();
}

void lingering_close::run() {
  for (;;) {
    {
      std::unique_lock guard{lock_};
      if (all_.empty()) changed_.wait(guard, [&] { return stopped_ || !new_.empty(); });
      for (const auto& one : std::exchange(new_, {})) all_.push_back(one);
      if (all_.empty()) return;
    }
    for (; all_.size() > leaving_max; all_.pop_front()) ::close(all_.front().socket);
    look();
  }
}

void lingering_close::look() {
  std::vector<pollfd> waits;
  for (const auto& one : all_) waits.push_back({one.socket, POLLIN, 0});
  (void)::poll(waits.data(), waits.size(), static_cast<int>(poll_every.count()));
  const auto now = steady_clock::now();
  std::deque<leaving> left;
  for (std::size_t i = 0; i < waits.size(); ++i) {
    const bool goes_on = all_[i].until > now && (waits[i].revents == 0 || drained(all_[i].socket));
    if (goes_on) {
      left.push_back(all_[i]);
    } else {
      ::close(all_[i].socket);
    }
  }
  all_ = std::move(left);
}

}}}  // namespace nexus::v0::http
