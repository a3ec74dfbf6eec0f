// A third party's backend: `log:PATH`, a journal in one append-only file.
//
// A call that changes something appends one frame, which holds all of it, and syncs the file. What
// the file holds is kept in memory, in a journal of Nexus's memory backend, and brought up to date
// before each call: so any number of processes may share the file. Frames are never overwritten;
// what is erased stays in the file. A large journal takes time to open and memory to keep.
#pragma once

#include <unistd.h>

#include <functional>
#include <nexus/backend.hpp>

/// `sync` makes what was written durable: 0, or -1 and errno. A test has it fail.
[[nodiscard]] nexus::backend log_backend(std::function<int(int file)> sync = ::fdatasync);
