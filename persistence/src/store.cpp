#include "nexus/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "journal_guard.hpp"
#include "journal_writer.hpp"
#include "nexus/workers.hpp"
#include "store_metrics.hpp"

namespace nexus::inline v0 {

upsert_request write_job::state_request() const {
  upsert_request made{id, expected, expected + event_count(), writer, {}, std::nullopt};
  // Without any it leads nowhere, and every backend rejects it.
  if (event_count() == 0) return made;
  const auto& last = events->events().back();
  made.time = last.time;
  if (!last.type.empty()) {
    made.value = state_view{last.type, last.schema_version, last.codec, last.data};
  }
  return made;
}

struct store::core {
  core(std::shared_ptr<journal> j, const store_options& options)
      : opened{std::move(j)},
        guard{opened->name(), options},
        counts{options.metrics, opened->name()} {}

  std::shared_ptr<journal> opened;
  journal_guard guard;
  store_metrics counts;
  std::vector<std::unique_ptr<journal_session>> sessions;  // one per reader thread
  std::vector<std::unique_ptr<journal_writer>> writers;
  std::unique_ptr<workers> readers;  // its jobs use the rest
  std::vector<registration> sampled;

  void sample();
};

// What somebody else counts already.
void store::core::sample() {
  auto add = [&](std::string_view name, std::string_view help, std::function<double()> f,
                 metric_kind kind = metric_kind::gauge) {
    sampled.push_back(counts.registry->sample(name, help, counts.labels, std::move(f), kind));
  };
  auto queued = [&](std::string_view name, std::string_view help, std::size_t writer_queue::*part) {
    add(name, help, [this, part] {
      std::size_t sum = 0;
      for (const auto& writer : writers) sum += writer->queued().*part;
      return static_cast<double>(sum);
    });
  };
  queued("nexus_write_queue_jobs", "Jobs waiting for a writer.", &writer_queue::jobs);
  queued("nexus_write_queue_events", "Events waiting for a writer.", &writer_queue::events);
  queued("nexus_write_queue_bytes", "Bytes waiting for a writer.", &writer_queue::bytes);
  add("nexus_read_queue_jobs", "Reads waiting for a pooled session.",
      [this] { return static_cast<double>(readers->queued()); });
  add("nexus_breaker_state", "The circuit breaker: 0 closed, 1 open, 2 half-open.",
      [this] { return static_cast<double>(guard.status().now); });
  add("nexus_breaker_failures", "Failed calls in a row.",
      [this] { return static_cast<double>(guard.status().failures); });
  add(
      "nexus_breaker_openings_total", "How often the circuit breaker opened.",
      [this] { return static_cast<double>(guard.status().openings); }, metric_kind::counter);
}

result<store> store::open(const uri& address, const backend& from, store_options options) {
  auto opened = from.open(address);
  if (!opened) return fail(std::move(opened.error()));
  auto made = std::make_shared<core>(std::move(*opened), options);
  for (unsigned i = 0; i < std::max(1u, from.writers); ++i) {
    auto session = made->opened->open_session();
    if (!session) return fail(std::move(session.error()));
    made->writers.push_back(
        std::make_unique<journal_writer>(std::move(*session), made->guard, made->counts, options));
  }
  const auto readers = options.runs_on ? 1 : std::max(1u, options.readers);
  for (unsigned i = 0; i < readers; ++i) {
    auto session = made->opened->open_session();
    if (!session) return fail(std::move(session.error()));
    made->sessions.push_back(std::move(*session));
  }
  made->readers = options.runs_on
                      ? std::make_unique<workers>(options.runs_on, options.read_queue_max)
                      : std::make_unique<workers>("nexus.reader", readers, options.read_queue_max);
  made->sample();
  return store{std::move(made)};
}

std::string store::name() const { return core_->opened->name(); }

journal_limits store::limits() const { return core_->opened->limits(); }

result<std::unique_ptr<journal_session>> store::open_session() const {
  return core_->opened->open_session();
}

void store::write(envelope job) const {
  job.as<write_job>().queued = std::chrono::steady_clock::now();
  auto& writers = core_->writers;
  auto shard = job.as<write_job>().id.slice() * writers.size() / persistence_id::slices;
  writers[shard]->submit(std::move(job));
}

result<void> store::read(std::function<bool(journal_session&)> f) const {
  if (auto why = core_->guard.refusal()) return fail(*std::move(why));
  const bool queued = core_->readers->submit([f = std::move(f), c = core_.get()](unsigned thread) {
    (void)c->guard.through(*c->sessions[thread], f);
  });
  if (!queued) return fail(errc::overloaded, "the journal's queue of reads is full");
  return {};
}

nexus::metrics& store::metrics() const { return *core_->counts.registry; }

breaker_status store::breaker() const { return core_->guard.status(); }

writer_statistics store::statistics() const {
  writer_statistics sum;
  for (const auto& writer : core_->writers) {
    auto s = writer->statistics();
    sum.commits += s.commits;
    sum.requests += s.requests;
    sum.events += s.events;
  }
  return sum;
}

result<store> open(std::string_view address, std::span<const backend> backends,
                   store_options options) {
  auto parsed = uri::parse(address);
  if (!parsed) return fail(std::move(parsed.error()));
  std::string known;
  for (const auto& b : backends) {
    if (b.scheme == parsed->scheme) return store::open(*parsed, b, options);
    known += fmt::format("{}{}:", known.empty() ? "" : ", ", b.scheme);
  }
  return fail(errc::invalid_argument,
              fmt::format("journal URI \"{}\": unknown scheme \"{}:\"; known: {}", address,
                          parsed->scheme, known));
}

}  // namespace nexus::inline v0
