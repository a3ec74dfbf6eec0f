// Environment variables. Throws: nothing.
#pragma once

#include <cstdlib>
#include <string>

namespace nexus { inline namespace v0 { namespace dynamodb {

/// Empty if it is not set.
inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}}}  // namespace nexus::v0::dynamodb
