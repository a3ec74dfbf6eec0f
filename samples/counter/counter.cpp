// Counts how often it was run. The count is in counter.db and outlives the process.
#include <iostream>
#include <nexus/nexus.hpp>

struct counter {
  static constexpr std::string_view entity_type = "counter";

  struct increment {};
  using command = std::variant<increment>;

  struct incremented {
    static constexpr std::string_view type_name = "incremented";
  };
  using event = std::variant<incremented>;

  struct state {
    std::int64_t count = 0;
    MSGPACK_DEFINE_MAP(count)
  };

  static auto decide(const state&, const increment&) {
    return nexus::persist(incremented{}).then_reply(&state::count);
  }
  static void apply(state& s, const incremented&) { ++s.count; }
};

int main() {
  nexus::system sys;
  auto store = nexus::open("sqlite:counter.db");
  if (!store) return std::cerr << store.error().message << '\n', 1;
  nexus::entities<counter> counters{sys, *store};

  auto count = counters.of("runs").ask(counter::increment{}).get(std::chrono::seconds{5});
  if (!count) return std::cerr << count.error().message << '\n', 1;
  std::cout << "This is run number " << *count << ". Run me again: I remember.\n";
}
