// Metrics for Prometheus, by prometheus-cpp: served over HTTP, or added to a program's own
// exporter.
//
//   auto served = nexus::serve_metrics("127.0.0.1:9464", sys.metrics());   // GET /metrics
//
// Threads: any; a scrape collects on a thread of prometheus-cpp's server.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nexus/metrics.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

/// For a prometheus::Exposer or Gateway of the program, which hold only a weak reference. Keeps the
/// registry alive.
class prometheus_exporter final : public prometheus::Collectable {
 public:
  explicit prometheus_exporter(const metrics& of) : of_{of.shared_from_this()} {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::shared_ptr<const metrics> of_;
};

/// Serves until it is destroyed. That takes up to 2 s, the polling interval of its web server
/// (civetweb), and waits for a running scrape.
class metrics_server {
 public:
  metrics_server(metrics_server&& other) noexcept;
  metrics_server& operator=(metrics_server&& other) noexcept;
  ~metrics_server();

  /// The port it listens on; for port 0 the one that the system chose.
  [[nodiscard]] std::uint16_t port() const;

 private:
  friend result<metrics_server> serve_metrics(const std::string& address, const metrics& of);
  struct impl;
  explicit metrics_server(std::unique_ptr<impl> i);

  std::unique_ptr<impl> impl_;
};

/// Serves `of` at http://ADDRESS/metrics to every client that can reach the address ("host:port").
/// Fails with `unavailable`, e.g. if the port is taken.
[[nodiscard]] result<metrics_server> serve_metrics(const std::string& address, const metrics& of);

}}  // namespace nexus::v0
