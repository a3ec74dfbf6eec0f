// rival_writer URI ENTITIES ROUNDS POLICY TOKEN: waits until a second one has come to the same database,
// then notes a token, counting up from TOKEN, in each entity in turn, ROUNDS times. POLICY is `refuse` or
// `decide_again`. Writes "writer ULID", then for each command "acknowledged ENTITY TOKEN PLACE" or
// "refused ENTITY TOKEN", if it was a conflict, and at last "again COUNT", how many were decided again.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>

#include "rival.hpp"

namespace {

using namespace std::chrono_literals;
using samples::rival;

constexpr std::size_t in_flight_max = 256;
constexpr auto patience = 30s;

struct settings {
  const char* uri;
  std::uint64_t entities;
  std::uint64_t rounds;
  nexus::conflict_policy policy;
  std::uint64_t token;
};

int give_up(const nexus::error& why) {
  fmt::print(stderr, "{}\n", why.message);
  return 2;
}

// Both arrive, and may find that the other was faster.
nexus::result<void> meet(nexus::entities<rival>& rivals, std::uint64_t token) {
  const auto end = std::chrono::steady_clock::now() + patience;
  auto meeting = rivals.of(samples::meeting_id);
  for (auto came = meeting.ask(rival::note{token}).get(patience); !came;
       came = meeting.ask(rival::note{token}).get(patience)) {
    if (came.error().code != nexus::errc::conflict) return nexus::fail(came.error());
  }
  while (std::chrono::steady_clock::now() < end) {
    auto there = meeting.ask_verified(rival::count{}).get(patience);
    if (!there) return nexus::fail(there.error());
    if (*there == 2) return {};
    std::this_thread::yield();
  }
  return nexus::fail(nexus::errc::timeout, "nobody else came");
}

struct sent {
  std::uint64_t entity;
  std::uint64_t token;
  nexus::asked<std::uint64_t> answer;
};

nexus::result<void> hear(sent& one) {
  const auto place = one.answer.get(patience);
  if (place) {
    fmt::print("acknowledged {} {} {}\n", one.entity, one.token, *place);
  } else if (place.error().code == nexus::errc::conflict) {
    fmt::print("refused {} {}\n", one.entity, one.token);
  } else {
    return nexus::fail(place.error());
  }
  return {};
}

nexus::result<void> write_all(nexus::entities<rival>& rivals, const settings& s) {
  std::deque<sent> in_flight;
  for (std::uint64_t i = 0; i < s.entities * s.rounds || !in_flight.empty(); ++i) {
    if (i < s.entities * s.rounds) {
      const auto entity = i % s.entities;
      const auto token = s.token + i;
      in_flight.push_back(
          {entity, token, rivals.of(std::to_string(entity)).ask(rival::note{token})});
      if (in_flight.size() < in_flight_max) continue;
    }
    if (auto heard = hear(in_flight.front()); !heard) return heard;
    in_flight.pop_front();
  }
  return {};
}

double decided_again(nexus::system& sys) {
  double sum = 0;
  for (const auto& family : sys.metrics().collect()) {
    if (family.name != "nexus_commands_decided_again_total") continue;
    for (const auto& one : family.samples) sum += one.value;
  }
  return sum;
}

int run(const settings& s) {
  nexus::system sys;
  auto store = nexus::open(s.uri);
  if (!store) return give_up(store.error());
  nexus::entity_options options{.on_conflict = s.policy};
  options.on_signal = [](const nexus::entity_signal&) {};  // each conflict is one
  nexus::entities<rival> rivals{sys, *store, options};
  if (auto met = meet(rivals, s.token); !met) return give_up(met.error());
  fmt::print("writer {}\n", sys.writer_id().to_string());
  if (auto written = write_all(rivals, s); !written) return give_up(written.error());
  fmt::print("again {}\n", decided_again(sys));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const bool again = std::string{argv[4]} == "decide_again";
  return run({argv[1], std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10),
              again ? nexus::conflict_policy::decide_again : nexus::conflict_policy::refuse,
              std::strtoull(argv[5], nullptr, 10)});
}
