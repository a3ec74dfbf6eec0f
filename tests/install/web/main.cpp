// Serves HTTP.
#include <nexus/http.hpp>
#include <nexus/nexus.hpp>

int main() {
  nexus::system sys;
  nexus::http::server web{sys, {.port = 0}};
  web.get("/hello", [] { return "hello"; });
  return web.start() && web.port() != 0 ? 0 : 1;
}
