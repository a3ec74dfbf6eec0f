#include "usage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace bench {
namespace {

seconds cpu_now() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  auto of = [](const timeval& t) {
    return seconds{static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6};
  };
  return of(r.ru_utime) + of(r.ru_stime);
}

}  // namespace

times_by_thread thread_times(const times_by_thread& before) {
  times_by_thread times;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::string name;
    std::getline(std::ifstream{task.path() / "comm"}, name);
    // The first number of schedstat: nanoseconds on a processor.
    double ns = 0;
    std::ifstream{task.path() / "schedstat"} >> ns;
    times[name] += seconds{ns * 1e-9};
  }
  for (auto& [name, time] : times) {
    if (auto at = before.find(name); at != before.end()) time -= at->second;
  }
  return times;
}

stopwatch::stopwatch() : wall_{std::chrono::steady_clock::now()}, cpu_{cpu_now()} {}

usage stopwatch::read() const {
  return {std::chrono::steady_clock::now() - wall_, cpu_now() - cpu_};
}

}  // namespace bench
