// A first program outside of this repository: a counter that survives its process, and a note. The
// code of both behaviors is compiled in files of their own.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nexus/nexus.hpp>

#include "counter.hpp"
#include "note.hpp"

static_assert(nexus::event_sourced<counter> && nexus::durable_state<note>);

/// Opens the journal again, adds `by`, and returns the sum; on failure -1 and a line on stderr.
std::int64_t increment_once(std::int64_t by) {
  nexus::system sys;
  auto store = nexus::open("sqlite:stranger.db");
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return -1;
  }
  const nexus::entities<note> notes{sys, *store};
  const nexus::entities<counter> counters{sys, *store};
  const auto visits = counters.of("visits");
  auto value = visits.ask(counter::increment{by}).get(std::chrono::seconds{10});
  if (!value) {
    std::fprintf(stderr, "%s\n", value.error().message.c_str());
    return -1;
  }
  // The answer does not wait for the note: the loop does.
  if (!visits.ask(counter::note_it{}).get(std::chrono::seconds{10})) return -1;
  auto read = [&] { return notes.of("value").ask(note::read{}).get(std::chrono::seconds{10}); };
  auto noted = read();
  while (noted && *noted != *value) noted = read();
  return noted ? *value : -1;
}

int main() {
  for (const char* file : {"stranger.db", "stranger.db-wal", "stranger.db-shm"}) {
    std::filesystem::remove(file);
  }
  const bool ok = increment_once(2) == 2 && increment_once(40) == 42;
  std::puts(ok ? "a counter remembered 42, and so did its note" : "the counter is wrong");
  return ok ? 0 : 1;
}
