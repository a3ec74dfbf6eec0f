// transfer_writer URI SEED ACCOUNT…: finishes interrupted transfers, then runs transfers between
// the accounts, many at a time, until it is killed. Writes "sent ID FROM TO HUNDREDTHS" before each
// and "acknowledged ID moved" or "acknowledged ID refused" after it, each with one write, so its
// output survives in the pipe.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "transfers.hpp"

namespace {

constexpr std::size_t in_flight_max = 48;
constexpr std::int64_t hundredths_max = 40'000;

struct sent {
  std::string id;
  nexus::asked<bank::ending> answer;
};

bool say(const std::string& line) {
  return write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

int complain(const nexus::error& why) {
  fmt::print(stderr, "{}\n", why.message);
  return 2;
}

int run(const char* uri, std::uint64_t seed, const std::vector<std::string>& names) {
  nexus::system sys;
  auto store = nexus::open(uri);
  if (!store) return complain(store.error());
  auto session = store->open_session();
  if (!session) return complain(session.error());
  const nexus::entities<bank::account> accounts{sys, *store, {.snapshot_every = 1000}};
  const nexus::entities<bank::transfer> transfers{sys, *store};
  bool whole = true;
  const auto finished = bank::finish_transfers(**session, sys.next_id().to_string(), transfers,
                                               [&](auto /*id*/, const nexus::error& why) {
                                                 whole = false;
                                                 (void)complain(why);
                                               });
  if (!finished) return complain(finished.error());
  if (!whole) return 2;

  std::mt19937_64 random{seed};
  std::deque<sent> in_flight;
  for (;;) {
    const auto from = random() % names.size();
    const auto to = (from + 1 + random() % (names.size() - 1)) % names.size();
    const auto hundredths = 1 + static_cast<std::int64_t>(random() % hundredths_max);
    auto id = sys.next_id().to_string();
    if (!say(fmt::format("sent {} {} {} {}\n", id, names[from], names[to], hundredths))) return 0;
    const auto one = transfers.of(id);
    auto started = one.tell(bank::transfer::start{{names[from], names[to], hundredths, "USD"}});
    if (!started) return complain(started.error());
    in_flight.push_back({std::move(id), one.ask(bank::transfer::await{})});
    if (in_flight.size() < in_flight_max) continue;
    auto& oldest = in_flight.front();
    const auto ended = oldest.answer.get(std::chrono::seconds{30});
    if (!ended) return complain(ended.error());
    if (!say(fmt::format("acknowledged {} {}\n", oldest.id,
                         ended->refusal.empty() ? "moved" : "refused"))) {
      return 0;
    }
    in_flight.pop_front();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  return run(argv[1], std::strtoull(argv[2], nullptr, 10), {argv + 3, argv + argc});
}
