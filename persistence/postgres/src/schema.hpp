// nexus::schema on a PostgreSQL database, with its own connection for each call.
//
// Threads: one at a time. Throws: nothing.
#pragma once

#include <memory>

#include "address.hpp"
#include "nexus/schema.hpp"

namespace nexus::inline v0::postgres {

/// The tables at an address, as `open` would find them.
[[nodiscard]] std::unique_ptr<schema> make_schema(address where);

}  // namespace nexus::inline v0::postgres
