#include "nexus/prometheus.hpp"

#include <fmt/format.h>
#include <prometheus/exposer.h>

#include <exception>
#include <utility>

namespace nexus { inline namespace v0 {
namespace {

prometheus::MetricType type_of(metric_kind kind) {
  switch (kind) {
    case metric_kind::counter:
      return prometheus::MetricType::Counter;
    case metric_kind::gauge:
      return prometheus::MetricType::Gauge;
    case metric_kind::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

// prometheus-cpp escapes labels, but not the help.
std::string escaped(const std::string& help) {
  std::string out;
  for (const char c : help) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

prometheus::ClientMetric metric_of(metric_kind kind, metric_sample sample) {
  prometheus::ClientMetric made;
  for (auto& [name, value] : sample.labels) made.label.push_back({name, std::move(value)});
  switch (kind) {
    case metric_kind::counter:
      made.counter.value = sample.value;
      break;
    case metric_kind::gauge:
      made.gauge.value = sample.value;
      break;
    case metric_kind::histogram:
      made.histogram.sample_sum = sample.value;
      made.histogram.sample_count = sample.buckets.back().count;
      for (const auto& b : sample.buckets) made.histogram.bucket.push_back({b.count, b.up_to});
  }
  return made;
}

}  // namespace

std::vector<prometheus::MetricFamily> prometheus_exporter::Collect() const {
  std::vector<prometheus::MetricFamily> made;
  for (auto& f : of_->collect()) {
    auto& out = made.emplace_back();
    out.name = std::move(f.name);
    out.help = escaped(f.help);
    out.type = type_of(f.kind);
    for (auto& s : f.samples) out.metric.push_back(metric_of(f.kind, std::move(s)));
  }
  return made;
}

struct metrics_server::impl {
  impl(const std::string& address, const metrics& of)
      : exporter{std::make_shared<prometheus_exporter>(of)}, exposer{address, 1} {
    exposer.RegisterCollectable(exporter);
  }

  std::shared_ptr<prometheus_exporter> exporter;
  prometheus::Exposer exposer;
};

metrics_server::metrics_server(std::unique_ptr<impl> i) : impl_{std::move(i)} {}
metrics_server::metrics_server(metrics_server&& other) noexcept = default;
metrics_server& metrics_server::operator=(metrics_server&& other) noexcept = default;
metrics_server::~metrics_server() = default;

std::uint16_t metrics_server::port() const {
  return static_cast<std::uint16_t>(impl_->exposer.GetListeningPorts().front());
}

result<metrics_server> serve_metrics(const std::string& address, const metrics& of) {
  try {
    return metrics_server{std::make_unique<metrics_server::impl>(address, of)};
  } catch (const std::exception& e) {
    return fail(errc::unavailable,
                fmt::format("cannot serve metrics at \"{}\": {}", address, e.what()));
  }
}

}}  // namespace nexus::v0
