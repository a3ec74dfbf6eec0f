// rival_writer URI ENTITIES ROUNDS POLICY TOKEN: notes tokens, counting up from TOKEN, in each
// entity once per round; after a conflict it asks again, with another token. A round begins when
// both writers have reached it, so in each round the writer that was first in the last one is
// behind. POLICY is `refuse` or `decide_again`.
//
// Writes "writer ULID", then for each command "acknowledged ENTITY TOKEN PLACE" or "refused ENTITY
// TOKEN", and at the end "again COUNT", how often commands were decided again.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>

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

class writer {
 public:
  writer(nexus::entities<rival>& rivals, const settings& s)
      : rivals_{rivals}, settings_{s}, token_{s.token} {}

  nexus::result<void> write() {
    for (std::uint64_t round = 1; round <= settings_.rounds; ++round) {
      if (auto met = meet(round); !met) return met;
      for (std::uint64_t entity = 0; entity < settings_.entities; ++entity) {
        note(entity);
        if (in_flight_.size() < in_flight_max) continue;
        if (auto heard = hear_one(); !heard) return heard;
      }
      while (!in_flight_.empty()) {
        if (auto heard = hear_one(); !heard) return heard;
      }
    }
    return {};
  }

 private:
  struct sent {
    std::uint64_t entity;
    std::uint64_t token;
    nexus::asked<std::uint64_t> answer;
  };

  // Both arrive, and may find that the other was faster.
  nexus::result<void> meet(std::uint64_t round) {
    auto meeting = rivals_.of(samples::meeting_id);
    for (;;) {
      auto came = meeting.ask(rival::note{token_++}).get(patience);
      if (came) break;
      if (came.error().code != nexus::errc::conflict) return nexus::fail(came.error());
    }
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      auto came = meeting.ask_verified(rival::count{}).get(patience);
      if (!came) return nexus::fail(came.error());
      if (*came >= 2 * round) return {};
    }
    return nexus::fail(nexus::errc::timeout, "the other writer did not come");
  }

  void note(std::uint64_t entity) {
    const auto token = token_++;
    auto answer = rivals_.of(std::to_string(entity)).ask(rival::note{token});
    in_flight_.push_back({entity, token, std::move(answer)});
  }

  nexus::result<void> hear_one() {
    auto [entity, token, answer] = std::move(in_flight_.front());
    in_flight_.pop_front();
    const auto place = answer.get(patience);
    if (place) {
      fmt::print("acknowledged {} {} {}\n", entity, token, *place);
    } else if (place.error().code == nexus::errc::conflict) {
      fmt::print("refused {} {}\n", entity, token);
      note(entity);
    } else {
      return nexus::fail(place.error());
    }
    return {};
  }

  nexus::entities<rival>& rivals_;
  const settings& settings_;
  std::uint64_t token_;
  std::deque<sent> in_flight_;
};

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
  fmt::print("writer {}\n", sys.writer_id().to_string());
  if (auto written = writer{rivals, s}.write(); !written) return give_up(written.error());
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
