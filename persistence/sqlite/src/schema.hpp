// nexus::schema on a SQLite file.
//
// Threads: one at a time. Throws: nothing.
#pragma once

#include <memory>

#include "address.hpp"
#include "nexus/schema.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

/// The tables at an address, as `open` would find them. Tests pass their own layout.
[[nodiscard]] std::unique_ptr<nexus::schema> make_schema(address where, const layout& of = today());

}}}  // namespace nexus::v0::sqlite
