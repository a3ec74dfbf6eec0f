// alarms_program URI run VERSION           runs the alarms of tickers of this alarm_version until it
//                                          is killed
// alarms_program URI start IDS TICKS NAME  starts so many tickers, NAME.0, NAME.1 …, writes
//                                          "started", and runs their alarms until it is killed
//
// Each writes "writer ULID" first.
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <string>

#include "ticker.hpp"

namespace {

using namespace std::chrono_literals;
using nexus::test::ticker;

void say(const std::string& line) {
  if (write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
}

int complain(const nexus::error& why) {
  fmt::print(stderr, "{}\n", why.message);
  return 2;
}

[[noreturn]] void wait_for_the_end() {
  for (;;) pause();
}

// Few recoveries at a time, so that a sweep is not over before it is killed.
template <std::uint32_t Version>
int run(const nexus::store& opened) {
  nexus::system sys{{.threads = 2}};
  say(fmt::format("writer {}\n", sys.writer_id().to_string()));
  const nexus::entities<ticker<Version>> tickers{sys, opened, {.recoveries_max = 32}};
  wait_for_the_end();
}

int start(const nexus::store& opened, int ids, int ticks, const std::string& name) {
  nexus::system sys{{.threads = 2}};
  say(fmt::format("writer {}\n", sys.writer_id().to_string()));
  const nexus::entities<ticker<1>> tickers{sys, opened};
  std::deque<nexus::asked<void>> answers;
  for (int i = 0; i < ids; ++i) {
    const auto to = tickers.of(fmt::format("{}.{}", name, i));
    answers.push_back(to.ask(ticker<1>::start{ticks, 100 + 10 * (i % 20)}));
  }
  for (auto& one : answers) {
    if (auto done = one.get(60s); !done) return complain(done.error());
  }
  say("started\n");
  wait_for_the_end();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[2] : "";
  if (!(what == "run" && argc == 4) && !(what == "start" && argc == 6)) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // it ends with its test
  const auto opened = nexus::open(argv[1]);
  if (!opened) return complain(opened.error());
  if (what == "start") return start(*opened, std::atoi(argv[3]), std::atoi(argv[4]), argv[5]);
  return std::string{argv[3]} == "1" ? run<1>(*opened) : run<2>(*opened);
}
