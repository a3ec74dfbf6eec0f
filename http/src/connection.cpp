#include "connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "nexus/detail/saturating.hpp"
#include "text.hpp"

namespace nexus { inline namespace v0 { namespace http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t body_step = std::size_t{64} << 10;

bool wait_for(int socket, short what, steady_clock::time_point until) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  for (;;) {
    const auto left =
        std::chrono::ceil<milliseconds>(nexus::detail::between(steady_clock::now(), until)).count();
    pollfd one{socket, what, 0};
    const int n = ::poll(&one, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, most)));
    if (n >= 0 || errno != EINTR) return n > 0;
  }
}

}  // namespace

connection::~connection() {
  if (socket_ >= 0) ::close(socket_);
}

int connection::release() noexcept { return std::exchange(socket_, -1); }

input connection::wait(milliseconds within) {
  return begin_ != end_ ? input::good : fill(nexus::detail::later(steady_clock::now(), within));
}

void connection::request_begins() {
  whole_by_ = nexus::detail::later(steady_clock::now(), limits_.read_timeout);
}

input connection::fill(time_point until) {
  for (;;) {
    if (!wait_for(socket_, POLLIN, until)) return input::late;
    const auto n = ::recv(socket_, in_.data(), in_.size(), MSG_DONTWAIT);
    if (n > 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(n);
      return input::good;
    }
    if (n == 0 || (errno != EINTR && errno != EAGAIN)) return input::ended;
  }
}

// Memory grows with the bytes received, not with the announced size.
input connection::read_exactly(std::size_t size, std::string& to) {
  while (size != 0) {
    if (begin_ == end_) {
      if (const auto got = fill(whole_by_); got != input::good) return got;
      if (to.capacity() - to.size() < in_.size()) to.reserve(to.size() + std::min(size, body_step));
    }
    const auto n = std::min(size, end_ - begin_);
    to.append(in_.data() + begin_, n);
    begin_ += n;
    size -= n;
  }
  return input::good;
}

input connection::read_line(std::size_t max, std::string& to) {
  to.clear();
  for (bool ends = false;;) {
    if (begin_ == end_) {
      if (const auto got = fill(whole_by_); got != input::good) return got;
    }
    const char c = in_[begin_++];
    if (ends) return c == '\n' ? input::good : input::malformed;
    ends = c == '\r';
    if (ends) continue;
    if (is_control(c)) return input::malformed;
    if (to.size() == max) return input::too_long;
    to += c;
  }
}

bool connection::write(std::string_view text) {
  const auto until = nexus::detail::later(steady_clock::now(), limits_.write_timeout);
  while (!text.empty()) {
    const auto n = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR && (errno != EAGAIN || !wait_for(socket_, POLLOUT, until))) {
      return false;
    }
  }
  return true;
}

}}}  // namespace nexus::v0::http
