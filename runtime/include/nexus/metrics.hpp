// Counters, histograms and sampled values, all read by `collect`.
//
//   auto mine = nexus::metrics::make();
//   auto& paid = mine->count("shop_orders_total", "Orders.", {{"outcome", "paid"}});
//   paid.add();
//   std::cout << nexus::to_text(*mine);
//
// Names and labels follow Prometheus: [a-zA-Z_][a-zA-Z0-9_]*, counters end in _total, units last
// (_seconds, _bytes). Metrics of Nexus begin with nexus_.
//
// Threads: any. References to counters and histograms stay valid as long as the registry lives.
// Adding takes no lock and, up to `detail::stripes` threads, no cache line of another thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/registration.hpp"

namespace nexus { inline namespace v0 {

namespace detail {

inline constexpr std::size_t stripes = 8;
inline constexpr std::size_t cache_line_bytes = 64;

[[nodiscard]] std::uint8_t next_stripe() noexcept;

/// The stripe of the calling thread.
[[nodiscard]] inline std::size_t own_stripe() noexcept {
  static constinit thread_local std::uint8_t mine = stripes;
  if (mine == stripes) mine = next_stripe();
  return mine;
}

}

/// A value that only grows.
class counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    stripes_[detail::own_stripe()].n.fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept;

 private:
  struct alignas(detail::cache_line_bytes) stripe {
    std::atomic<std::uint64_t> n{0};
  };
  std::array<stripe, detail::stripes> stripes_;
};

struct metric_bucket {
  double up_to = 0;  ///< inclusive; infinity in the last bucket
  std::uint64_t count = 0;
  friend bool operator==(const metric_bucket&, const metric_bucket&) = default;
};

/// The distribution of observed values over buckets with fixed bounds.
class histogram {
 public:
  /// `bounds` must be finite and strictly ascending.
  explicit histogram(std::span<const double> bounds);

  /// NaN is ignored.
  void observe(double value) noexcept;
  void observe(std::span<const double> values) noexcept;

  /// Cumulative: each bucket includes the ones before it.
  [[nodiscard]] std::vector<metric_bucket> buckets() const;
  [[nodiscard]] double sum() const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept;

 private:
  [[nodiscard]] std::size_t bucket_of(double value) const noexcept;
  struct alignas(detail::cache_line_bytes) line {
    std::array<std::atomic<std::uint64_t>, detail::cache_line_bytes / 8> words{};
  };
  // A stripe is some cache lines: the bits of its sum, then the count of each bucket.
  [[nodiscard]] std::atomic<std::uint64_t>& word(std::size_t stripe, std::size_t i) noexcept;
  [[nodiscard]] std::uint64_t load(std::size_t stripe, std::size_t i) const noexcept;

  const std::vector<double> bounds_;
  const std::size_t lines_per_stripe_;
  std::vector<line> lines_;
};

/// `n` bounds, each `factor` times the one before.
[[nodiscard]] std::vector<double> growing_bounds(double first, double factor, std::size_t n);

using metric_labels = std::map<std::string, std::string>;

enum class metric_kind : std::uint8_t { counter, gauge, histogram };

struct metric_sample {
  metric_labels labels{};
  double value = 0;                      ///< of a histogram: the sum of the observed values
  std::vector<metric_bucket> buckets{};  ///< of a histogram: cumulative; the last counts everything
};

struct metric_family {
  std::string name;
  std::string help;
  metric_kind kind = metric_kind::counter;
  std::vector<metric_sample> samples{};  ///< ordered by their labels, each set of labels once
};

class metrics : public std::enable_shared_from_this<metrics> {
 public:
  [[nodiscard]] static std::shared_ptr<metrics> make();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  /// The counter or histogram of this name and these labels, made at the first call. A name has one
  /// kind: a request for another kind is logged as an error and returns a metric that counts but is
  /// not collected. The first help and the first bounds stay.
  [[nodiscard]] counter& count(std::string_view name, std::string_view help,
                               const metric_labels& labels = {});
  [[nodiscard]] histogram& measure(std::string_view name, std::string_view help,
                                   std::span<const double> bounds,
                                   const metric_labels& labels = {});

  /// Calls `f` for a value (a gauge, or a count kept elsewhere) at every collection, on the
  /// collecting thread, until the registration goes; its end waits for a running call of `f`. `f`
  /// must not end registrations or collect. `f` may be called before `sample` returns: register
  /// last.
  registration sample(std::string_view name, std::string_view help, const metric_labels& labels,
                      std::function<double()> f, metric_kind kind = metric_kind::gauge);

  /// Collects the metrics of `other` too, as long as it lives.
  void include(metrics& other);

  /// All metrics, ordered by name. Each included registry, direct or indirect, is asked once;
  /// samples with the same name and labels are summed.
  [[nodiscard]] std::vector<metric_family> collect() const;

 private:
  metrics();

  struct impl;
  std::shared_ptr<impl> impl_;
};

/// Prometheus's text format (version 0.0.4), which most collectors read.
[[nodiscard]] std::string to_text(const metrics& of);
[[nodiscard]] std::string to_text(std::span<const metric_family> families);

}}  // namespace nexus::v0
