// Everything a program needs to run durable entities. Link nexus::nexus.
//
// This `open` knows every backend that was built. A program that wants to link only one backend
// includes the parts and passes a list of backends instead.
//
// Threads: any. Failures: those of backend.hpp.
#pragma once

#include "nexus/entities.hpp"
#include "nexus/memory.hpp"
#include "nexus/metadata.hpp"
#include "nexus/schema.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 {

/// Opens `memory:`, `sqlite:PATH[?synchronous=normal]`, `postgresql://…` or, if it was built,
/// `dynamodb://…`; docs/storage.md and docs/dynamodb.md list every parameter.
[[nodiscard]] result<store> open(std::string_view address, store_options options = {});

/// The tables that `open` would use for this address, without opening it.
[[nodiscard]] result<std::unique_ptr<schema>> open_schema(std::string_view address);

}}  // namespace nexus::v0
