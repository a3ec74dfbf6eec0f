#include "listening.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

namespace nexus { inline namespace v0 { namespace http {
namespace {

struct free_addresses {
  void operator()(addrinfo* all) const noexcept { ::freeaddrinfo(all); }
};

// Returns -1 with errno set.
int listen_at(const addrinfo& at, unsigned backlog) {
  const int s =
      ::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at.ai_protocol);
  if (s < 0) return -1;
  // Not SO_REUSEPORT: two servers would share a port silently.
  const int yes = 1;
  (void)::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  constexpr unsigned most = std::numeric_limits<int>::max();
  if (::bind(s, at.ai_addr, at.ai_addrlen) == 0 &&
      ::listen(s, static_cast<int>(std::min(backlog, most))) == 0) {
    return s;
  }
  const int why = errno;
  ::close(s);
  errno = why;
  return -1;
}

std::uint16_t port_of(int socket) {
  sockaddr_storage is{};
  socklen_t size = sizeof is;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&is), &size) != 0) return 0;
  return is.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6&>(is).sin6_port)
                                  : ntohs(reinterpret_cast<const sockaddr_in&>(is).sin_port);
}

}  // namespace

result<listening> listen_at(const std::string& address, std::uint16_t port, unsigned backlog) {
  addrinfo how{};
  how.ai_socktype = SOCK_STREAM;
  how.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto service = std::to_string(port);
  if (const int why = ::getaddrinfo(address.c_str(), service.c_str(), &how, &found); why != 0) {
    return fail(errc::invalid_argument,
                fmt::format("cannot listen at \"{}\": {}", address, ::gai_strerror(why)));
  }
  const std::unique_ptr<addrinfo, free_addresses> all{found};
  int why = 0;
  for (const auto* one = all.get(); one != nullptr; one = one->ai_next) {
    const int s = listen_at(*one, backlog);
    if (s >= 0) return listening{s, port_of(s)};
    if (why == 0) why = errno;
  }
  return fail(errc::unavailable, fmt::format("cannot listen at \"{}\": {}",
                                             authority(address, port), std::strerror(why)));
}

std::string authority(const std::string& address, std::uint16_t port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "", port);
}

}}}  // namespace nexus::v0::http
