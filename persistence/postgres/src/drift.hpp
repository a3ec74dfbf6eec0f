// How tables differ from those that Nexus makes.
//
// Threads: the connection's. Throws: trouble.
#pragma once

#include <string>
#include <vector>

#include "address.hpp"
#include "connection.hpp"

namespace nexus::inline v0::postgres {

enum class drift : std::uint8_t {
  of_tables,   ///< columns, keys and the trigger: without them it does not work
  of_anything  ///< indexes too
};

/// One line each; empty if there are none.
[[nodiscard]] std::vector<std::string> differences(connection& c, const address& where,
                                                   drift which = drift::of_anything);

}  // namespace nexus::inline v0::postgres
