// SQLite as a journal: `sqlite:PATH[?synchronous=normal]`, one file, the embedded default.
//
// WAL mode. synchronous=FULL unless the URI says `normal`: then a power cut may lose the last
// commits, but a crash of the process never does. Opening creates the tables, as
// nexus/schema_choices.hpp describes; a foreign database, or one of another version, is refused.
// Any number of processes may share the file, and any number of journals with different
// table_prefix. The file must stay in place while it is open: if it is removed or replaced, every
// call returns `unavailable` and names it.
//
// Threads: any. Failures: those of backend.hpp.
#pragma once

#include "nexus/backend.hpp"

namespace nexus { inline namespace v0 {

[[nodiscard]] backend sqlite_backend();

}}  // namespace nexus::v0
