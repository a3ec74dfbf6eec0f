// The tables of a journal in DynamoDB, for nexus-schema.
//
// Threads: one at a time; calls block. Throws: nothing. Failures: those of nexus/schema.hpp.
#pragma once

#include <memory>

#include "address.hpp"
#include "endpoint.hpp"
#include "nexus/schema.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// The server of an address, with credentials that were found.
[[nodiscard]] result<std::shared_ptr<endpoint>> server_of(const address& where);

[[nodiscard]] std::unique_ptr<nexus::schema> make_schema(address where);

}}}  // namespace nexus::v0::dynamodb
