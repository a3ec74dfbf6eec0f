// PostgreSQL (13 or newer) as a journal:
// `postgresql://[user[:password]@][host][:port][/dbname][?…]`.
//
// Parameters are those of libpq (sslmode, connect_timeout, …), and those of Nexus: schema=NAME (the
// database's schema; default: the connection's current one), table_prefix=nexus_,
// indexes=type,time, tables=create|migrate|existing, writers=4 (sessions that append side by side)
// and statement_timeout=30000 (milliseconds, 0: none). docs/storage.md has the details.
//
// Every append is one round trip and one transaction. Any number of processes may share the tables.
//
// Threads: any. Failures: those of backend.hpp.
#pragma once

#include "nexus/backend.hpp"

namespace nexus { inline namespace v0 {

[[nodiscard]] backend postgres_backend();

}}  // namespace nexus::v0
