// Serves a system's metrics for Prometheus.
#include <nexus/nexus.hpp>
#include <nexus/prometheus.hpp>

int main() {
  nexus::system sys;
  const auto served = nexus::serve_metrics("127.0.0.1:0", sys.metrics());
  return served && served->port() != 0 ? 0 : 1;
}
