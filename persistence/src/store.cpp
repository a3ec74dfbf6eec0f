#include "nexus/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "deadline.hpp"
#include "journal_guard.hpp"
#include "journal_writer.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/workers.hpp"
#include "refusing_session.hpp"
#include "store_dedicated.hpp"
#include "store_metrics.hpp"

namespace nexus { inline namespace v0 {

using detail::write_job;

upsert_request write_job::state_request() const {
  upsert_request made{id, expected, expected + event_count(), writer, {}, std::nullopt, due};
  // Without events `next` equals `expected`: only the alarm changes, or every backend rejects it.
  if (event_count() == 0) return made;
  made.steps = events->events();
  const auto& last = made.steps.back();
  made.time = last.time;
  if (!last.type.empty()) {
    made.value = state_view{last.type, last.schema_version, last.codec, last.data};
  }
  return made;
}

namespace {

// Of the reads that this thread runs.
thread_local journal_session* read_on = nullptr;
thread_local error why_not_read;

}  // namespace

struct store::core final : shutdown_participant {
  core(std::shared_ptr<journal> j, const store_options& options)
      : opened{std::move(j)},
        chosen{options},
        guard{opened->name(), options},
        counts{options.metrics, opened->name()} {}

  /// Starts the threads.
  static result<std::shared_ptr<core>> make(std::shared_ptr<journal> of,
                                            const store_options& options);

  stage of() const override { return stage::storage; }
  std::string name() const override { return opened->name(); }
  void stop_admitting() override { closed = true; }
  bool is_quiet() override;
  [[nodiscard]] bool has_written();
  std::uint64_t admitted() override;
  void stop() override;
  std::vector<std::string> remaining() override;

  // Ends the sessions of ended writers; false if a writer has not ended.
  bool end();
  // Answers the jobs that have not started.
  void abandon();
  [[nodiscard]] pool_options options_of_pool(const store_options& options) const;
  result<pool<journal_session>> make_pool(const store_options& options) const;
  void run_reads(std::size_t count, const std::function<void()>& run);
  void run_read(const std::function<result<void>(journal_session&)>& f);

  [[nodiscard]] error why_closed() const {
    return {errc::stopped, opened->name() + ": the journal was closed"};
  }

  std::shared_ptr<journal> opened;
  const store_options chosen;
  journal_guard guard;
  store_metrics counts;
  std::atomic<bool> closed{false};
  std::atomic<bool> abandoned{false};
  std::mutex ending;
  std::optional<pool<journal_session>> sessions;
  std::vector<std::unique_ptr<journal_writer>> writers;
  std::unique_ptr<workers> readers;  // its jobs use the other members
  std::vector<registration> sampled;

  // Made on demand:
  using dedicated = std::shared_ptr<store_dedicated>;
  std::mutex making;
  std::shared_ptr<core> second;  // see detail::beside
  std::vector<dedicated> sets;   // see detail::dedicated_to

  [[nodiscard]] std::shared_ptr<core> get_second() {
    const std::lock_guard lock{making};
    return second;
  }
  [[nodiscard]] std::vector<dedicated> get_dedicated() {
    const std::lock_guard lock{making};
    return sets;
  }

  void sample();
};

// Samples values that are counted elsewhere.
void store::core::sample() {
  auto add = [&](std::string_view name, std::string_view help, std::function<double()> f,
                 metric_kind kind = metric_kind::gauge) {
    sampled.push_back(counts.registry->sample(name, help, counts.labels, std::move(f), kind));
  };
  auto queued = [&](std::string_view name, std::string_view help,
                    std::size_t writer_backlog::*part) {
    add(name, help, [this, part] {
      std::size_t sum = 0;
      for (const auto& writer : writers) sum += writer->queued().*part;
      return static_cast<double>(sum);
    });
  };
  queued("nexus_write_queue_jobs", "Jobs waiting for a writer.", &writer_backlog::jobs);
  queued("nexus_write_queue_events", "Events waiting for a writer.", &writer_backlog::events);
  queued("nexus_write_queue_bytes", "Bytes waiting for a writer.", &writer_backlog::bytes);
  add("nexus_read_queue_jobs", "Reads waiting for a reader's thread.",
      [this] { return static_cast<double>(readers->queued()); });
  add("nexus_breaker_state", "The circuit breaker: 0 closed, 1 open, 2 half-open.",
      [this] { return static_cast<double>(guard.status().now); });
  add("nexus_breaker_failures", "Failed calls in a row.",
      [this] { return static_cast<double>(guard.status().failures); });
  add(
      "nexus_breaker_openings_total", "How often the circuit breaker opened.",
      [this] { return static_cast<double>(guard.status().openings); }, metric_kind::counter);
}

bool store::core::is_quiet() {
  const auto apart = get_dedicated();
  return readers->is_quiet() && has_written() &&
         std::all_of(apart.begin(), apart.end(), [](auto& d) { return d->is_quiet(); });
}

bool store::core::has_written() {
  const auto apart = get_dedicated();
  return std::all_of(writers.begin(), writers.end(), [](auto& w) { return w->is_quiet(); }) &&
         std::all_of(apart.begin(), apart.end(), [](auto& d) { return d->has_written(); });
}

std::uint64_t store::core::admitted() {
  auto sum = readers->accepted();
  for (const auto& w : writers) sum += w->accepted();
  for (const auto& d : get_dedicated()) sum += d->accepted();
  return sum;
}

void store::core::stop() {
  closed = true;
  readers->finish();
  for (auto& w : writers) w->finish();
  for (auto& d : get_dedicated()) d->finish();
}

std::vector<std::string> store::core::remaining() {
  if (end()) return {};
  return {name()};
}

bool store::core::end() {
  if (!readers->ended()) return false;
  for (auto& w : writers) {
    if (!w->ended()) return false;
  }
  for (auto& d : get_dedicated()) {
    if (!d->end()) return false;
  }
  sessions->stop_lending();
  std::lock_guard guard_of_sessions{ending};
  for (auto& w : writers) w->close_session();
  return sessions->statistics().total == 0;
}

void store::core::abandon() {
  abandoned = true;
  for (auto& w : writers) w->refuse_rest(why_closed());
  readers->run_here();
  for (auto& d : get_dedicated()) d->abandon();
}

// Runs the reads that a thread has taken together, on one session.
void store::core::run_reads(std::size_t count, const std::function<void()>& run) {
  auto lent = abandoned ? result<lease<journal_session>>{fail(why_closed())}
                        : sessions->borrow({.borrower = "a recovery", .reserved = true});
  // Whatever a read waits for might need this thread.
  const detail::no_waiting here{"a reader's thread"};
  read_on = lent ? &**lent : nullptr;
  why_not_read = lent ? error{} : std::move(lent.error());
  const bool together = lent && count > 1;
  if (together) read_on->begin_reads();
  run();
  if (together) read_on->end_reads();
  read_on = nullptr;
}

void store::core::run_read(const std::function<result<void>(journal_session&)>& f) {
  if (read_on != nullptr && !abandoned) return (void)guard.read(*read_on, f);
  refusing_session refusing{abandoned ? why_closed() : why_not_read};
  (void)guard.read(refusing, f);
}

pool_options store::core::options_of_pool(const store_options& options) const {
  auto made = options.pool;
  made.name = opened->name();
  made.metrics = counts.registry;
  made.runs_on = options.runs_on;
  if (made.validation_query.empty()) made.validation_query = "SELECT 1";
  if (options.runs_on) made.min_idle = 0;  // no step without a caller
  return made;
}

result<pool<journal_session>> store::core::make_pool(const store_options& options) const {
  auto chosen = options_of_pool(options);
  chosen.reserved = std::max<std::size_t>(chosen.reserved, std::max(1u, options.readers));
  return pool<journal_session>::make(std::move(chosen), [j = opened] { return j->open_session(); });
}

result<std::shared_ptr<store::core>> store::core::make(std::shared_ptr<journal> of,
                                                       const store_options& options) {
  auto made = std::make_shared<core>(std::move(of), options);
  for (unsigned i = 0; i < std::max(1u, made->opened->writers()); ++i) {
    auto session = made->opened->open_session();
    if (!session) return fail(std::move(session.error()));
    made->writers.push_back(
        std::make_unique<journal_writer>(std::move(*session), made->guard, made->counts, options));
  }
  auto sessions = made->make_pool(options);
  if (!sessions) return fail(std::move(sessions.error()));
  made->sessions = *std::move(sessions);
  const auto readers = std::max(1u, options.readers);
  job_batches by{made->opened->reads_at_once(),
                 [c = made.get()](unsigned /*thread*/, std::size_t count, const auto& run) {
                   c->run_reads(count, run);
                 }};
  const auto most = options.read_queue_max;
  made->readers = options.runs_on
                      ? std::make_unique<workers>(options.runs_on, most, std::move(by))
                      : std::make_unique<workers>("nexus.reader", readers, most, std::move(by));
  made->sample();
  return made;
}

result<store> store::open(const uri& address, const backend& from, store_options options) {
  constexpr unsigned readers_max = 1'000;
  if (options.readers > readers_max) {
    return fail(errc::invalid_argument,
                fmt::format("journal URI \"{}\": readers is {}, more than {}", address.shown(),
                            options.readers, readers_max));
  }
  auto opened = from.open(address);
  if (!opened) return fail(std::move(opened.error()));
  auto made = core::make(*std::move(opened), options);
  if (!made) return fail(std::move(made.error()));
  return store{*std::move(made)};
}

result<store> detail::beside(
    const store& in,
    const std::function<std::shared_ptr<journal>(std::shared_ptr<journal>)>& make) {
  auto& core = *in.core_;
  const std::lock_guard guard{core.making};
  if (core.closed) return fail(core.why_closed());
  if (core.second == nullptr || core.second->closed) {
    auto options = core.chosen;
    options.metrics = core.counts.registry;
    auto made = store::core::make(make(core.opened), options);
    if (!made) return fail(std::move(made.error()));
    core.second = *std::move(made);
  }
  return store{core.second};
}

result<std::shared_ptr<detail::dedicated_sessions>> detail::dedicated_to(const store& in,
                                                                         std::string_view whose,
                                                                         std::size_t max) {
  auto& core = *in.core_;
  const std::lock_guard lock{core.making};
  if (core.closed) return fail(core.why_closed());
  std::erase_if(core.sets, [](const auto& one) { return one.use_count() == 1 && one->is_quiet(); });
  auto chosen = core.options_of_pool(core.chosen);
  chosen.name = fmt::format("{} of {}", core.name(), whose);
  chosen.max = max;
  chosen.reserved = chosen.min_idle = 0;
  chosen.max_waiters = SIZE_MAX;  // each is an entity with commands
  auto made =
      store_dedicated::make(std::move(chosen), core.chosen, core.opened, core.guard, core.counts);
  if (!made) return fail(std::move(made.error()));
  core.sets.push_back(*made);
  return *made;
}

const std::shared_ptr<journal>& detail::journal_of(const store& in) { return in.core_->opened; }

std::string store::name() const { return core_->opened->name(); }

journal_limits store::limits() const { return core_->opened->limits(); }

unsigned store::writers() const { return core_->opened->writers(); }

result<std::unique_ptr<journal_session>> store::open_session() const {
  if (core_->closed) return fail(core_->why_closed());
  return core_->opened->open_session();
}

const pool<journal_session>& store::sessions() const { return *core_->sessions; }

result<std::unique_ptr<journal_watch>> store::watch() const {
  if (core_->closed) return fail(core_->why_closed());
  return core_->opened->watch();
}

void detail::write(const store& in, const envelope& job) {
  auto& core = *in.core_;
  if (core.closed) return refuse_job(job, core.why_closed());
  job.as<write_job>().queued = std::chrono::steady_clock::now();
  auto& writers = core.writers;
  if (writers.size() == 1) return writers.front()->submit(job);
  const auto shard = job.as<write_job>().id.slice() * writers.size() / persistence_id::slices;
  writers[shard]->submit(job);
}

result<void> store::read(std::function<result<void>(journal_session&)> f) const {
  if (core_->closed) return fail(core_->why_closed());
  if (auto why = core_->guard.refusal()) return fail(*std::move(why));
  const bool queued =
      core_->readers->submit([f = std::move(f), c = core_.get()](unsigned) { c->run_read(f); });
  if (queued) return {};
  if (core_->closed) return fail(core_->why_closed());
  return fail(errc::overloaded, "the journal's queue of reads is full");
}

namespace {

// Ids of one transaction of prune_held_back: more would delay the writers.
constexpr std::size_t prune_at_once = 100;

/// Runs `change` on a session of the pool, then catches up with the retention that readers held back.
template <class Change>
result<void> change_readers(const pool<journal_session>& sessions, Change change) {
  auto lent = sessions.borrow({.borrower = "a registered reader"});
  if (!lent) return fail(std::move(lent.error()));
  auto& session = **lent;
  if (auto done = change(session); !done) return done;
  for (;;) {
    const auto pruned = session.prune_held_back(prune_at_once);
    if (!pruned) return fail(pruned.error());
    if (*pruned < prune_at_once) return {};
  }
}

}  // namespace

result<void> store::save_reader(std::string_view name, const position& at) const {
  const stored_reader reader{std::string{name}, at, wall_clock{}.now()};
  return change_readers(*core_->sessions, [&](auto& s) { return s.save_reader(reader); });
}

result<void> store::forget_reader(std::string_view name) const {
  return change_readers(*core_->sessions, [&](auto& s) { return s.forget_reader(name); });
}

result<void> store::flush(time_span within) const {
  if (const auto second = core_->get_second(); second != nullptr) {
    if (auto done = store{second}.flush(within); !done) return done;
  }
  const auto deadline = deadline_after(within);
  if (!core_->has_written()) {
    auto why = detail::refuse_to_wait("store::flush", "call it on a plain thread", deadline);
    if (why) return fail(*std::move(why));
  }
  bool done = true;
  for (auto& w : core_->writers) done = done && w->flush(deadline);
  for (auto& d : core_->get_dedicated()) done = done && d->flush(deadline);
  if (!done) return fail(errc::timeout, name() + ": not everything was written in time");
  return {};
}

nexus::metrics& store::metrics() const { return *core_->counts.registry; }

result<void> store::close(time_span within) const {
  const auto deadline = deadline_after(within);
  if (auto why = detail::refuse_to_wait("store::close", "call it on a plain thread")) {
    return fail(*std::move(why));
  }
  core_->stop();
  const auto second = core_->get_second();
  auto closed = second != nullptr ? store{second}.close(within) : result<void>{};
  (void)flush(within);
  (void)core_->readers->wait_until_ended(deadline);
  for (const auto& d : core_->get_dedicated()) (void)d->wait_until_ended(deadline);
  const bool returned =
      core_->sessions->close(detail::between(std::chrono::steady_clock::now(), deadline));
  const auto broken = [&] {
    return fail(errc::timeout,
                name() + ": sessions that were not returned in time were interrupted");
  };
  while (!core_->end()) {
    if (!returned && core_->is_quiet()) return broken();
    if (std::chrono::steady_clock::now() >= deadline && !core_->is_quiet()) {
      core_->abandon();
      return fail(errc::timeout, name() + ": jobs not done in time were answered \"stopped\"");
    }
    std::this_thread::yield();  // the last steps of a thread
  }
  if (!returned) return broken();  // also if they came back only because they were interrupted
  return closed;
}

std::shared_ptr<shutdown_participant> store::participant() const { return core_; }

std::optional<error> store::trouble() const { return core_->opened->trouble(); }

breaker_status store::breaker() const { return core_->guard.status(); }

writer_statistics store::statistics() const {
  writer_statistics sum;
  const auto second = core_->get_second();
  if (second != nullptr) sum = store{second}.statistics();
  const auto add = [&](const writer_statistics& s) {
    sum.commits += s.commits;
    sum.requests += s.requests;
    sum.events += s.events;
  };
  for (const auto& writer : core_->writers) add(writer->statistics());
  for (const auto& d : core_->get_dedicated()) add(d->written());
  return sum;
}

result<store> open(std::string_view address, std::span<const backend> backends,
                   store_options options) {
  auto parsed = uri::parse(address);
  if (!parsed) return fail(std::move(parsed.error()));
  auto from = backend_for(*parsed, backends);
  if (!from) return fail(std::move(from.error()));
  return store::open(*parsed, **from, options);
}

}}  // namespace nexus::v0
