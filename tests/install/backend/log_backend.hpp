// A third party's backend: `log:PATH`, a journal in one append-only file.
//
// A call that changes something appends one frame, which holds all of it, and syncs the file. What is
// where in the file is kept in memory, and brought up to date before each call, so any number of
// processes may share the file. Nothing is ever written over; erased events stay in the file and are
// only passed over. The index of a large journal takes time to read and memory to keep.
#pragma once

#include <unistd.h>

#include <functional>
#include <nexus/backend.hpp>

/// `sync` makes what was written durable: 0, or -1 and errno. A test has it fail.
[[nodiscard]] nexus::backend log_backend(std::function<int(int file)> sync = ::fdatasync);
