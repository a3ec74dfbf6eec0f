// bank serve: the bank as a service, until it is told to stop.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nexus/http.hpp>
#include <nexus/nexus.hpp>

#include "../stop_signals.hpp"
#include "api.hpp"
#include "balance_sheet.hpp"
#include "commands.hpp"
#include "journal.hpp"
#include "transfer.hpp"

namespace bank {
namespace {

constexpr std::chrono::seconds stop_deadline{20};

}  // namespace

int serve(const serve_arguments& arguments, const std::string& journal) {
  const sample::stop_signals told_to_stop;
  nexus::system sys;
  auto store = open_for_reading(journal);
  if (!store) return complain(store.error().message, exit_failed);
  nexus::entities<account> accounts{sys, *store, {.snapshot_every = 1000}};
  nexus::entities<transfer> transfers{sys, *store};
  const balance_sheet sheet{sys, *store};

  nexus::http::server web{
      sys, {.address = arguments.address, .port = arguments.port, .threads = arguments.threads}};
  web.use(*store);
  web.use(accounts);
  web.use(transfers);
  add_routes(web, sys, sheet);
  if (auto started = web.start(); !started) return complain(started.error().message, exit_failed);
  fmt::print("{} is served at {} (ctrl-C stops it; /openapi.json lists the routes)\n",
             nexus::uri::shown(journal), web.url());
  std::fflush(stdout);

  told_to_stop.wait();
  fmt::print("stopping: no new requests, those under way are finished\n");
  std::fflush(stdout);
  const auto report = sys.shutdown(stop_deadline);
  for (const auto& name : report.missed) {
    complain(fmt::format("{} did not stop in time", name), exit_faults);
  }
  if (!report.complete()) return exit_faults;
  fmt::print("stopped\n");
  return exit_done;
}

}  // namespace bank
