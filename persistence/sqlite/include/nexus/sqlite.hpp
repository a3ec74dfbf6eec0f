// SQLite as a journal: `sqlite:PATH[?synchronous=normal]`, one file, the embedded default.
//
// WAL; synchronous=FULL unless the URI says `normal` (then a power cut may lose the last commits, a
// crash of the process never does). The tables are made on open, as nexus/schema_choices.hpp says; a
// database of something else, or of another version, is refused. Any number of processes may share the
// file, and any number of journals with a table_prefix each. The file stays where it is while it is
// open: once it was removed or replaced, everything answers `unavailable` and names it.
#pragma once

#include "nexus/backend.hpp"

namespace nexus::inline v0 {

[[nodiscard]] backend sqlite_backend();

}  // namespace nexus::inline v0
