// The differences between a journal's tables and the expected ones.
//
// Threads: the connection's. Throws: trouble.
#pragma once

#include <string>
#include <vector>

#include "address.hpp"
#include "connection.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

enum class drift : std::uint8_t {
  of_tables,   ///< columns, keys and the trigger, which a journal cannot work without
  of_anything  ///< indexes too
};

/// One line each; empty if there is no difference.
[[nodiscard]] std::vector<std::string> differences(connection& c, const address& where,
                                                   drift which = drift::of_anything);

}}}  // namespace nexus::v0::postgres
