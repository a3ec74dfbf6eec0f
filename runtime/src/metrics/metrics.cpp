#include "nexus/metrics.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <exception>
#include <limits>
#include <list>
#include <mutex>
#include <set>
#include <utility>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 {

std::uint8_t detail::next_stripe() noexcept {
  static std::atomic<std::uint8_t> next{0};
  static_assert(256 % stripes == 0);
  return next.fetch_add(1, std::memory_order_relaxed) % stripes;
}

std::uint64_t counter::value() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& s : stripes_) sum += s.n.load(std::memory_order_relaxed);
  return sum;
}

// -- histogram --------------------------------------------------------------------------------

namespace {

constexpr std::size_t words_per_line = detail::cache_line_bytes / 8;

}  // namespace

histogram::histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()),
      lines_per_stripe_{(bounds.size() + 2 + words_per_line - 1) / words_per_line},
      lines_(lines_per_stripe_ * detail::stripes) {
  assert(std::adjacent_find(bounds_.begin(), bounds_.end(), std::greater_equal<>{}) ==
         bounds_.end());
}

std::atomic<std::uint64_t>& histogram::word(std::size_t stripe, std::size_t i) noexcept {
  return lines_[stripe * lines_per_stripe_ + i / words_per_line].words[i % words_per_line];
}

std::uint64_t histogram::load(std::size_t stripe, std::size_t i) const noexcept {
  const auto& l = lines_[stripe * lines_per_stripe_ + i / words_per_line];
  return l.words[i % words_per_line].load(std::memory_order_relaxed);
}

std::size_t histogram::bucket_of(double value) const noexcept {
  return static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) -
                                  bounds_.begin());
}

void histogram::observe(double value) noexcept { observe({&value, 1}); }

// Values that come together mostly have one bucket.
void histogram::observe(std::span<const double> values) noexcept {
  const auto stripe = detail::own_stripe();
  double all = 0;
  std::size_t bucket = 0;
  std::uint64_t in_bucket = 0;
  const auto add = [&] {
    if (in_bucket == 0) return;
    word(stripe, 1 + bucket).fetch_add(in_bucket, std::memory_order_relaxed);
    in_bucket = 0;
  };
  for (const auto value : values) {
    if (std::isnan(value)) continue;
    all += value;
    const bool fits = in_bucket > 0 && (bucket == bounds_.size() || value <= bounds_[bucket]) &&
                      (bucket == 0 || value > bounds_[bucket - 1]);
    if (!fits) {
      add();
      bucket = bucket_of(value);
    }
    ++in_bucket;
  }
  add();
  auto& sum = word(stripe, 0);
  auto before = sum.load(std::memory_order_relaxed);
  while (!sum.compare_exchange_weak(
      before, std::bit_cast<std::uint64_t>(std::bit_cast<double>(before) + all),
      std::memory_order_relaxed)) {
  }
}

std::vector<metric_bucket> histogram::buckets() const {
  std::vector<metric_bucket> made;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) {
    for (std::size_t s = 0; s < detail::stripes; ++s) below += load(s, 1 + i);
    made.push_back(
        {i < bounds_.size() ? bounds_[i] : std::numeric_limits<double>::infinity(), below});
  }
  return made;
}

double histogram::sum() const noexcept {
  double all = 0;
  for (std::size_t s = 0; s < detail::stripes; ++s) all += std::bit_cast<double>(load(s, 0));
  return all;
}

std::uint64_t histogram::count() const noexcept {
  std::uint64_t all = 0;
  for (std::size_t s = 0; s < detail::stripes; ++s) {
    for (std::size_t i = 0; i <= bounds_.size(); ++i) all += load(s, 1 + i);
  }
  return all;
}

std::vector<double> growing_bounds(double first, double factor, std::size_t n) {
  std::vector<double> made;
  for (double bound = first; made.size() < n; bound *= factor) made.push_back(bound);
  return made;
}

// -- registry ---------------------------------------------------------------------------------

namespace {

struct sampled {
  sampled(std::function<double()> ask, metric_labels of)
      : f{std::move(ask)}, labels{std::move(of)} {}

  std::mutex lock;  // held while `f` runs
  std::function<double()> f;
  const metric_labels labels;
};

struct family {
  std::string help;
  std::map<metric_labels, counter> counters;
  std::map<metric_labels, histogram> histograms;
  std::list<std::shared_ptr<sampled>> samples;
};

using named_kind = std::pair<std::string, metric_kind>;

[[maybe_unused]] bool is_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

// "le" is the label of a histogram's buckets.
[[maybe_unused]] bool are_names(const metric_labels& labels) {
  return std::all_of(labels.begin(), labels.end(),
                     [](const auto& l) { return is_name(l.first) && l.first != "le"; });
}

// Adds to the sample with these labels, e.g. of two stores with one name.
void add(std::map<metric_labels, metric_sample>& to, metric_sample sample) {
  auto [at, is_new] = to.try_emplace(sample.labels, sample);
  if (is_new) return;
  auto& sum = at->second;
  sum.value += sample.value;
  for (std::size_t i = 0; i < std::min(sum.buckets.size(), sample.buckets.size()); ++i) {
    sum.buckets[i].count += sample.buckets[i].count;
  }
}

struct collected {
  std::string help;
  std::map<metric_labels, metric_sample> samples;
};

}  // namespace

struct metrics::impl {
  mutable std::mutex lock;  // never held while a sampled function runs
  std::map<named_kind, family> families;
  std::map<std::string, metric_kind, std::less<>> kinds;
  std::vector<std::weak_ptr<metrics>> included;

  // Under the lock.
  family& of(std::string_view name, std::string_view help, metric_kind kind,
             [[maybe_unused]] const metric_labels& labels) {
    assert(is_name(name) && are_names(labels));
    auto at = kinds.emplace(name, kind).first;
    auto [found, is_new] = families.try_emplace(named_kind{name, kind});
    if (!is_new) return found->second;
    found->second.help = help;
    if (at->second != kind) {
      detail::log().error("the metric {} exists already with another kind: not collected", name);
    }
    return found->second;
  }

  void collect(std::map<named_kind, collected>& into,
               std::vector<std::pair<named_kind, std::shared_ptr<sampled>>>& to_ask) const {
    for (const auto& [key, f] : families) {
      if (kinds.find(key.first)->second != key.second) continue;
      auto& out = into.try_emplace(key, collected{f.help, {}}).first->second;
      for (const auto& [labels, c] : f.counters) {
        add(out.samples, {labels, static_cast<double>(c.value())});
      }
      for (const auto& [labels, h] : f.histograms) add(out.samples, {labels, h.sum(), h.buckets()});
      for (const auto& s : f.samples) to_ask.emplace_back(key, s);
    }
  }
};

metrics::metrics() : impl_{std::make_shared<impl>()} {}
metrics::~metrics() = default;
std::shared_ptr<metrics> metrics::make() { return std::shared_ptr<metrics>{new metrics}; }

counter& metrics::count(std::string_view name, std::string_view help, const metric_labels& labels) {
  std::lock_guard guard{impl_->lock};
  return impl_->of(name, help, metric_kind::counter, labels).counters[labels];
}

histogram& metrics::measure(std::string_view name, std::string_view help,
                            std::span<const double> bounds, const metric_labels& labels) {
  std::lock_guard guard{impl_->lock};
  auto& histograms = impl_->of(name, help, metric_kind::histogram, labels).histograms;
  return histograms.try_emplace(labels, bounds).first->second;
}

registration metrics::sample(std::string_view name, std::string_view help,
                             const metric_labels& labels, std::function<double()> f,
                             metric_kind kind) {
  assert(kind != metric_kind::histogram);
  auto made = std::make_shared<sampled>(std::move(f), labels);
  std::lock_guard guard{impl_->lock};
  auto& samples = impl_->of(name, help, kind, labels).samples;
  auto at = samples.insert(samples.end(), made);
  return registration{[made, at, &samples, in = impl_] {
    {
      std::lock_guard leaving{in->lock};
      samples.erase(at);
    }
    std::lock_guard waiting{made->lock};
    made->f = nullptr;
  }};
}

void metrics::include(metrics& other) {
  std::lock_guard guard{impl_->lock};
  const auto one = other.weak_from_this();
  std::erase_if(impl_->included, [&](const auto& there) {
    return there.expired() || (!there.owner_before(one) && !one.owner_before(there));
  });
  impl_->included.push_back(one);
}

namespace {

void ask(const std::string& name, sampled& s, std::map<metric_labels, metric_sample>& into) {
  std::lock_guard guard{s.lock};
  if (!s.f) return;
  (void)detail::guarded(
      [&] {
        add(into, {s.labels, s.f(), {}});
      },
      [&](const std::string& what) {
        detail::log().error("the sample of {} threw: {}", name, what);
      });
}

}  // namespace

std::vector<metric_family> metrics::collect() const {
  std::map<named_kind, collected> all;
  std::set<std::shared_ptr<const metrics>> seen{shared_from_this()};
  std::vector<std::shared_ptr<const metrics>> open{shared_from_this()};
  std::vector<std::pair<named_kind, std::shared_ptr<sampled>>> to_ask;
  while (!open.empty()) {
    const auto one = std::move(open.back());
    open.pop_back();
    std::lock_guard guard{one->impl_->lock};
    one->impl_->collect(all, to_ask);
    for (const auto& weak : one->impl_->included) {
      if (auto next = weak.lock(); next && seen.insert(next).second) open.push_back(next);
    }
  }
  for (const auto& [key, s] : to_ask) ask(key.first, *s, all[key].samples);
  std::vector<metric_family> made;
  for (auto& [key, c] : all) {
    if (c.samples.empty()) continue;
    auto& f = made.emplace_back(metric_family{key.first, std::move(c.help), key.second, {}});
    for (auto& [labels, s] : c.samples) f.samples.push_back(std::move(s));
  }
  return made;
}

}}  // namespace nexus::v0
