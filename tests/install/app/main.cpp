// A first program outside of this repository: a counter that survives its process.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <nexus/nexus.hpp>
#include <string_view>
#include <variant>

struct counter {
  static constexpr std::string_view entity_type = "counter";

  struct increment {
    std::int64_t by = 1;
    MSGPACK_DEFINE_MAP(by)
  };
  using command = std::variant<increment>;

  struct incremented {
    static constexpr std::string_view type_name = "incremented";
    std::int64_t by = 1;
    MSGPACK_DEFINE_MAP(by)
  };
  using event = std::variant<incremented>;

  struct state {
    std::int64_t value = 0;
    MSGPACK_DEFINE_MAP(value)
  };

  static auto decide(const state&, const increment& c) {
    return nexus::persist(incremented{c.by}).then_reply(&state::value);
  }
  static void apply(state& s, const incremented& e) { s.value += e.by; }
};

/// Opens the journal again, adds `by`, and returns the sum; on failure -1 and a line on stderr.
std::int64_t increment_once(std::int64_t by) {
  nexus::system sys;
  auto store = nexus::open("sqlite:stranger.db");
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return -1;
  }
  nexus::entities<counter> counters{sys, *store};
  auto value = counters.of("visits").ask(counter::increment{by}).get(std::chrono::seconds{10});
  if (!value) {
    std::fprintf(stderr, "%s\n", value.error().message.c_str());
    return -1;
  }
  return *value;
}

int main() {
  for (const char* file : {"stranger.db", "stranger.db-wal", "stranger.db-shm"}) {
    std::filesystem::remove(file);
  }
  const bool ok = increment_once(2) == 2 && increment_once(40) == 42;
  std::puts(ok ? "a counter remembered 42" : "the counter is wrong");
  return ok ? 0 : 1;
}
