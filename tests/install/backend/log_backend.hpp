// A third party's backend: `log:PATH`, a journal in one append-only file.
//
// A call that changes something appends one frame, which holds all of it, and syncs the file. An
// index of the file is kept in memory and updated before each call, so any number of processes may
// share the file. Frames are never overwritten; erased events stay in the file and are skipped. The
// index of a large journal takes time to read and memory to keep.
#pragma once

#include <unistd.h>

#include <functional>
#include <nexus/backend.hpp>

/// `sync` makes what was written durable: 0, or -1 and errno. A test has it fail.
[[nodiscard]] nexus::backend log_backend(std::function<int(int file)> sync = ::fdatasync);
