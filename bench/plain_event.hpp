// What the plain code stores for a command: the same bytes as Nexus.
#pragma once

#include <string>

#include "nexus/ulid.hpp"

namespace bench {

struct plain_event {
  std::string data;      ///< counter::added{1}
  std::string metadata;  ///< {"command_id": 16 bytes}

  /// Encodes both again, as is necessary for each event.
  void encode(const nexus::ulid& command);
};

}  // namespace bench
