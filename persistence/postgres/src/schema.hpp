// nexus::schema on a PostgreSQL database, with its own connection for each call.
//
// Threads: one at a time. Throws: nothing.
#pragma once

#include <memory>

#include "address.hpp"
#include "nexus/schema.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

/// The tables at an address, as `open` would find them.
[[nodiscard]] std::unique_ptr<schema> make_schema(address where);

}}}  // namespace nexus::v0::postgres
