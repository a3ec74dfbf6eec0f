// An account that refuses to be overdrawn. Its balance is in account.db and outlives the process.
#include <iostream>
#include <nexus/nexus.hpp>

struct account {
  static constexpr std::string_view entity_type = "account";

  struct deposit {
    std::int64_t cents = 0;
  };
  struct withdraw {
    std::int64_t cents = 0;
  };
  using command = std::variant<deposit, withdraw>;

  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdrawn {
    static constexpr std::string_view type_name = "withdrawn";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited, withdrawn>;

  struct state {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };

  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
  }
  static nexus::effect<account, std::int64_t> decide(const state& s, const withdraw& c) {
    if (c.cents > s.cents) return nexus::reject("insufficient funds");
    return nexus::persist(withdrawn{c.cents}).then_reply(&state::cents);
  }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
  static void apply(state& s, const withdrawn& e) { s.cents -= e.cents; }
};

int main() {
  using namespace std::chrono_literals;
  nexus::system sys;
  auto store = nexus::open("sqlite:account.db");
  if (!store) return std::cerr << store.error().message << '\n', 1;
  nexus::entities<account> accounts{sys, *store, {.snapshot_every = 100}};

  auto added = accounts.of("alice").ask(account::deposit{300}).get(5s);
  if (!added) return std::cerr << added.error().message << '\n', 1;

  nexus::result<std::int64_t> left = accounts.of("alice").ask(account::withdraw{500}).get(5s);
  if (left) {
    std::cout << "Alice has " << *left << " cents left.\n";
  } else if (left.error().code == nexus::errc::rejected) {
    std::cout << "Refused: " << left.error().message << ".\n";
  } else {
    return std::cerr << left.error().message << '\n', 1;
  }
}
