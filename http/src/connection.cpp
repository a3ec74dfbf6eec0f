#include "connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "nexus/detail/saturating.hpp"

namespace nexus::inline v0::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t out_bytes_max = 64 << 10;
constexpr milliseconds linger{500};

bool wait_for(int socket, short what, steady_clock::time_point until) {
  constexpr std::int64_t longest_ms = 60'000;  // poll takes an int
  for (;;) {
    const auto left =
        std::chrono::ceil<milliseconds>(nexus::detail::between(steady_clock::now(), until)).count();
    pollfd one{socket, what, 0};
    const int n = ::poll(&one, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, longest_ms)));
    if (n > 0 || (n == 0 && left <= longest_ms)) return n > 0;
    if (n < 0 && errno != EINTR) return false;
  }
}

// -1 with errno, 0 at the end.
ssize_t receive(int socket, char* to, std::size_t size) {
  for (;;) {
    const auto n = ::recv(socket, to, size, 0);
    if (n >= 0 || errno != EINTR) return n;
  }
}

}  // namespace

connection::~connection() {
  if (is_whole_) {
    ::close(socket_);
  } else {
    close_gently(socket_, linger);
  }
}

bool connection::has_input(milliseconds within) const {
  return begin_ != end_ || wait_for(socket_, POLLIN, steady_clock::now() + within);
}

void connection::request_begins() {
  whole_by_ = nexus::detail::later(steady_clock::now(), limits_.read_timeout);
  head_left_ = limits_.head_bytes_max;
  in_head_ = true;
  is_whole_ = false;
}

ssize_t connection::read(char* to, size_t size) {
  if (in_head_) size = std::min(size, head_left_);
  if (size == 0 || !flush()) return -1;
  if (begin_ == end_) {
    if (!wait_for(socket_, POLLIN, whole_by_)) return -1;
    const auto n = receive(socket_, in_.data(), in_.size());
    if (n <= 0) return n;
    begin_ = 0;
    end_ = static_cast<std::size_t>(n);
  }
  size = std::min(size, end_ - begin_);
  std::memcpy(to, in_.data() + begin_, size);
  begin_ += size;
  if (in_head_) head_left_ -= size;
  return static_cast<ssize_t>(size);
}

bool connection::read_exactly(std::size_t size, std::string& to) {
  const auto before = to.size();
  to.resize(before + size);
  for (auto at = before; at < to.size();) {
    const auto n = read(to.data() + at, to.size() - at);
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

bool connection::read_line(std::size_t max, std::string& to) {
  to.clear();
  for (char c = 0; to.size() < max && read(&c, 1) == 1;) {
    to += c;
    if (to.ends_with("\r\n")) {
      to.resize(to.size() - 2);
      return true;
    }
  }
  return false;
}

// Head and body of a response leave as one.
ssize_t connection::write(const char* from, size_t size) {
  out_.append(from, size);
  if (out_.size() > out_bytes_max && !flush()) return -1;
  return static_cast<ssize_t>(size);
}

bool connection::flush() {
  const auto until = nexus::detail::later(steady_clock::now(), limits_.write_timeout);
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const auto n =
        ::send(socket_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno != EINTR && (errno != EAGAIN || !wait_for(socket_, POLLOUT, until))) {
      break;
    }
  }
  const bool all = sent == out_.size();
  out_.clear();
  return all;
}

void close_gently(int socket, milliseconds within) {
  ::shutdown(socket, SHUT_WR);
  const auto until = steady_clock::now() + within;
  std::array<char, 4096> unread;
  while (wait_for(socket, POLLIN, until) && receive(socket, unread.data(), unread.size()) > 0) {
    if (steady_clock::now() >= until) break;
  }
  ::close(socket);
}

}  // namespace nexus::inline v0::http
