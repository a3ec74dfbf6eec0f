// Counters, histograms and sampled values, and the one way to read them all: `collect`.
//
//   auto mine = nexus::metrics::make();
//   auto& paid = mine->count("shop_orders_total", "Orders.", {{"outcome", "paid"}});
//   paid.add();
//   std::cout << nexus::to_text(*mine);
//
// Names and labels are Prometheus's: [a-zA-Z_][a-zA-Z0-9_]*, counters end in _total, units last
// (_seconds, _bytes). What Nexus itself counts begins with nexus_.
//
// Threads: any. A counter or histogram may be kept as a reference for as long as the registry lives;
// adding to it takes no lock and, up to `detail::stripes` threads, no cache line of another thread.
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

namespace nexus::inline v0 {

namespace detail {

inline constexpr std::size_t stripes = 8;
inline constexpr std::size_t cache_line_bytes = 64;

[[nodiscard]] std::uint8_t next_stripe() noexcept;

/// Which stripe is the calling thread's.
[[nodiscard]] inline std::size_t own_stripe() noexcept {
  static constinit thread_local std::uint8_t mine = stripes;
  if (mine == stripes) mine = next_stripe();
  return mine;
}

}

/// What only ever grows.
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
  double up_to = 0;  ///< inclusive; of the last one infinity
  std::uint64_t count = 0;
  friend bool operator==(const metric_bucket&, const metric_bucket&) = default;
};

/// How observed values are distributed over buckets with fixed bounds.
class histogram {
 public:
  /// `bounds` ascend strictly and are finite.
  explicit histogram(std::span<const double> bounds);

  /// What is not a number is left out.
  void observe(double value) noexcept;

  /// Each bucket counts what those before it count, too.
  [[nodiscard]] std::vector<metric_bucket> buckets() const;
  [[nodiscard]] double sum() const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept;

 private:
  struct alignas(detail::cache_line_bytes) line {
    std::array<std::atomic<std::uint64_t>, detail::cache_line_bytes / 8> words{};
  };
  // A stripe is some lines: the bits of its sum, then how many fell into each bucket.
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
  double value = 0;                      ///< of a histogram the sum of what was observed
  std::vector<metric_bucket> buckets{};  ///< of a histogram: cumulative; the last counts everything
};

struct metric_family {
  std::string name;
  std::string help;
  metric_kind kind = metric_kind::counter;
  std::vector<metric_sample> samples{};  ///< ordered by their labels, which differ
};

class metrics : public std::enable_shared_from_this<metrics> {
 public:
  [[nodiscard]] static std::shared_ptr<metrics> make();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  /// The counter or histogram of that name and those labels, made at the first call. A name has one
  /// kind: what is asked for as another one is logged as an error, counts, and is not collected. The
  /// first help stays, as do the first bounds.
  [[nodiscard]] counter& count(std::string_view name, std::string_view help,
                               const metric_labels& labels = {});
  [[nodiscard]] histogram& measure(std::string_view name, std::string_view help,
                                   std::span<const double> bounds,
                                   const metric_labels& labels = {});

  /// Asks `f` for a value (a gauge, or what counts itself) at every collection, until the registration
  /// goes, which waits for a call of `f` under way. `f` is called on the collecting thread. It must not
  /// end registrations nor collect, and may be called as soon as it is given: register last.
  registration sample(std::string_view name, std::string_view help, const metric_labels& labels,
                      std::function<double()> f, metric_kind kind = metric_kind::gauge);

  /// Collects what `other` has, too, for as long as it lives.
  void include(metrics& other);

  /// Everything, ordered by name. Each registry that is included, also through others, is asked once;
  /// samples of the same name and labels are added up.
  [[nodiscard]] std::vector<metric_family> collect() const;

 private:
  metrics();

  struct impl;
  std::shared_ptr<impl> impl_;
};

/// In Prometheus's text format (version 0.0.4), which most collectors read.
[[nodiscard]] std::string to_text(const metrics& of);
[[nodiscard]] std::string to_text(std::span<const metric_family> families);

}  // namespace nexus::inline v0
