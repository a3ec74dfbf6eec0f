// What the plain code stores for a command: the bytes that Nexus would.
#pragma once

#include <string>

#include "nexus/ulid.hpp"

namespace bench {

struct plain_event {
  std::string data;      ///< counter::added{1}
  std::string metadata;  ///< {"command_id": 16 bytes}

  /// Encodes both anew, as has to be done for each event.
  void encode(const nexus::ulid& command);
};

}  // namespace bench
