// seats: reservations of seats for shows, as a service with a page for the browser.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nexus/http.hpp>
#include <nexus/nexus.hpp>
#include <string>

#include "../stop_signals.hpp"
#include "report.hpp"
#include "routes.hpp"

namespace {

constexpr std::chrono::seconds stop_deadline{20};

struct arguments {
  std::string journal = "sqlite:seats.db";
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  bool rebuild = false;
};

int complain(const std::string& message) {
  std::fprintf(stderr, "seats: %s\n", message.c_str());
  return 1;
}

int serve(const arguments& a) {
  const sample::stop_signals told_to_stop;
  nexus::system sys;
  auto store = nexus::open(a.journal);
  if (!store) return complain(store.error().message);
  nexus::entities<seats::show> shows{sys, *store, {.snapshot_every = 1000}};
  auto report = seats::report::start(sys, *store);
  if (!report) return complain(store->name() + " cannot hold the lists: " + report.error().message);
  if (a.rebuild) {
    if (auto begun = (*report)->rebuild(); !begun) return complain(begun.error().message);
  }

  nexus::http::server web{sys, {.address = a.address, .port = a.port}};
  web.use(*store);
  web.use(shows);
  seats::add_routes(web, sys, **report);
  if (auto started = web.start(); !started) return complain(started.error().message);
  std::printf("open %s in a browser (ctrl-C stops the service)\n", web.url().c_str());
  std::fflush(stdout);

  told_to_stop.wait();
  const auto ended = sys.shutdown(stop_deadline);
  for (const auto& name : ended.missed) complain(name + " did not stop in time");
  return ended.complete() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app{"Reservations of seats for shows, with a page for the browser."};
  app.name("seats");
  app.add_option("--journal", a.journal,
                 "Where events and rows are: sqlite:FILE, postgresql://… or dynamodb://…")
      ->type_name("URI")
      ->capture_default_str();
  app.add_option("--port", a.port, "The port; 0: any free one")->capture_default_str();
  app.add_option("--address", a.address, "The address; everyone who reaches it may book")
      ->capture_default_str();
  app.add_flag("--rebuild", a.rebuild, "Make the rows of the lists from the first event again");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    return complain(std::string{e.what()} + " (see seats --help)");
  }
  return serve(a);
}
