// The listening socket of a server, and the text of its address.
#pragma once

#include <cstdint>
#include <string>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace http {

struct listening {
  int socket;
  std::uint16_t port;
};

/// A non-blocking socket. `address` is a name or a number, also of IPv6; port 0 is any free one.
/// Fails with `unavailable`, e.g. if the port is taken, and `invalid_argument` if there is no such
/// address.
[[nodiscard]] result<listening> listen_at(const std::string& address, std::uint16_t port,
                                          unsigned backlog);

/// As in a URL: "127.0.0.1:80", "[::1]:80".
[[nodiscard]] std::string authority(const std::string& address, std::uint16_t port);

}}}
