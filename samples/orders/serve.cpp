// orders serve: the shop as a service, until it is told to stop. First it wakes the orders whose
// payment a killed process has left.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nexus/http.hpp>

#include "../stop_signals.hpp"
#include "commands.hpp"
#include "routes.hpp"

namespace orders {

int serve(const serve_arguments& a, const std::string& database) {
  constexpr std::chrono::seconds stop_deadline{20};
  const sample::stop_signals told_to_stop;
  nexus::system sys;
  const auto opened = shop::open(sys, database, shop::missing::is_made);
  if (!opened) return complain(opened.error().message, exit_failed);
  auto& in = **opened;
  auto session = in.store().open_session();
  if (!session) return complain(session.error().message, exit_failed);
  if (auto woken = in.resume_payments(**session); !woken) {
    return complain(woken.error().message, exit_failed);
  }
  session->reset();

  nexus::http::server web{sys, {.address = a.address, .port = a.port, .threads = a.threads}};
  web.use(in.store());
  web.use(in.orders());
  add_routes(web, in);
  if (auto started = web.start(); !started) return complain(started.error().message, exit_failed);
  fmt::print("{} is served at {} (ctrl-C stops it)\n", nexus::uri::shown(database), web.url());
  std::fflush(stdout);

  told_to_stop.wait();
  const auto report = sys.shutdown(stop_deadline);
  for (const auto& name : report.missed) {
    complain(fmt::format("{} did not stop in time", name), exit_refused);
  }
  if (!report.complete()) return exit_refused;
  fmt::print("stopped\n");
  return exit_done;
}

}  // namespace orders
