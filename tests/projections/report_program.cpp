// report_program URI count         runs the projection "report" until it is killed. Writes each of
//                                  its phases, a line each: "running", "standby" …
// report_program URI add IDS SEED  adds numbers to so many entities until it is killed.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <thread>

#include "report.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nexus::test;
using nexus::projected;

constexpr std::size_t in_flight_max = 16;
constexpr auto between_commands = 1ms;  // the projection must be able to follow
constexpr auto per_event = 200us;       // so that a signal often arrives in a transaction

void say(const std::string& line) {
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
}

int count(const nexus::store& opened) {
  nexus::system sys{{.threads = 1}};
  const auto handler = [](nexus::session& on, const projected<tally>& e) {
    std::this_thread::sleep_for(per_event);
    return count_in_report(on, e);
  };
  nexus::projection<tally> report{sys,
                                  opened,
                                  "report",
                                  handler,
                                  {.parallel = 2,
                                   .batch_max = 8,
                                   .lease = 1s,
                                   .poll_every = 50ms,
                                   .on_change = [](const nexus::projection_status& now) {
                                     say(fmt::format("{}\n", to_string(now.phase)));
                                   }}};
  for (;;) {
    if (const auto now = report.status(); now.phase == nexus::projection_phase::failed) {
      fmt::print(stderr, "{}\n", now.why);
      return 2;
    }
    std::this_thread::sleep_for(10ms);
  }
}

// An answer that does not come, e.g. because a stopped process holds the database, is the journal's
// affair: it tells what was stored.
int add(const nexus::store& opened, unsigned ids, unsigned seed) {
  nexus::system sys{{.threads = 2}};
  nexus::entities<tally> tallies{sys, opened};
  std::minstd_rand draw{seed};
  std::deque<nexus::asked<std::int64_t>> in_flight;
  for (;;) {
    auto to = tallies.of("t" + std::to_string(draw() % ids));
    std::vector<std::int64_t> ns(1 + draw() % 3);
    for (auto& n : ns) n = static_cast<std::int64_t>(draw() % 1'000);
    in_flight.push_back(to.ask(tally::add_each{std::move(ns)}));
    std::this_thread::sleep_for(between_commands);
    if (in_flight.size() < in_flight_max) continue;
    (void)in_flight.front().get(30s);
    in_flight.pop_front();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[2] : "";
  if (!(what == "count" && argc == 3) && !(what == "add" && argc == 5)) return 2;
  const auto opened = nexus::open(argv[1]);
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().message);
    return 2;
  }
  if (what == "count") return count(*opened);
  return add(*opened, static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)),
             static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10)));
}
