// ack_writer URI ENTITIES TOKEN: adds tokens, counting up from TOKEN, to entities in turn until it
// is killed. Writes "sent ENTITY TOKEN" before each ask and "acknowledged ENTITY NUMBER TOKEN"
// after its answer, each with one write, so its output survives in the pipe.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <string>

#include "tally.hpp"

namespace {

constexpr std::size_t in_flight_max = 64;

struct sent {
  std::uint64_t entity;
  std::uint64_t token;
  nexus::asked<std::uint64_t> answer;
};

bool say(const std::string& line) {
  return write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

int run(const char* uri, std::uint64_t entities, std::uint64_t token) {
  nexus::system sys;
  auto store = nexus::open(uri);
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 2;
  }
  nexus::entities<samples::tally> tallies{sys, *store, {}};
  std::deque<sent> in_flight;
  for (;; ++token) {
    const auto entity = token % entities;
    if (!say(fmt::format("sent {} {}\n", entity, token))) return 0;
    in_flight.push_back(
        {entity, token, tallies.of(std::to_string(entity)).ask(samples::tally::add{token})});
    if (in_flight.size() < in_flight_max) continue;
    auto& oldest = in_flight.front();
    const auto number = oldest.answer.get(std::chrono::seconds{30});
    if (!number) {
      fmt::print(stderr, "{}\n", number.error().message);
      return 2;
    }
    if (!say(fmt::format("acknowledged {} {} {}\n", oldest.entity, *number, oldest.token)))
      return 0;
    in_flight.pop_front();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return run(argv[1], std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
}
