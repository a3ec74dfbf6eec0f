// The socket that a server listens at, and what its address looks like.
#pragma once

#include <cstdint>
#include <string>

#include "nexus/result.hpp"

namespace nexus::inline v0::http {

struct listening {
  int socket;
  std::uint16_t port;
};

/// One that does not block. `address` is a name or a number, also of IPv6; port 0 is one that is free. `unavailable`, e.g. if the
/// port is taken; `invalid_argument`: there is no such address.
[[nodiscard]] result<listening> listen_at(const std::string& address, std::uint16_t port,
                                          unsigned backlog);

/// As in a URL: "127.0.0.1:80", "[::1]:80".
[[nodiscard]] std::string authority(const std::string& address, std::uint16_t port);

}
