// SQLite as a journal: `sqlite:PATH[?synchronous=normal]`, one file, the embedded default.
//
// WAL; synchronous=FULL unless the URI says `normal` (then a power cut may lose the last commits, a
// crash of the process never does). The schema is made on open; a database of something else, or of a
// newer Nexus, is refused. Any number of processes may share the file.
#pragma once

#include "nexus/backend.hpp"

namespace nexus::inline v0 {

[[nodiscard]] backend sqlite_backend();

}  // namespace nexus::inline v0
