#include "core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/handler_session.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr nanoseconds trouble_pause_min = 20ms;
constexpr nanoseconds pause_max = 10s;
constexpr nanoseconds register_every = 1s;
constexpr nanoseconds lag_every = 5s;
constexpr int lag_share = 20;  // counting takes at most this part of the time

bool shares_cells(const projection_setup& of) { return of.target.writers() > 1; }

}  // namespace

projection_core::projection_core(system& sys, projection_setup setup, std::optional<error> fault)
    : system_{sys},
      names_{sys.shared()},
      setup_{std::move(setup)},
      fault_{std::move(fault)},
      leases_{setup_.owner, setup_.options.lease} {
  auto& m = sys.metrics();
  const metric_labels labels{{"projection", setup_.which.name},
                             {"version", std::to_string(setup_.which.version)}};
  counts_.events =
      &m.count("nexus_projection_events_total", "Events that projections have handled.", labels);
  counts_.failures = &m.count("nexus_projection_failures_total",
                              "Events at which projections stopped, or that they skipped.", labels);
  counts_.latency = &m.measure("nexus_projection_latency_seconds",
                               "From an event's time to the commit of what was made of it.",
                               growing_bounds(0.0005, 2, 20), labels);
}

projection_core::~projection_core() { stop_and_wait(); }

void projection_core::start() {
  if (fault_) {
    phase_ = projection_phase::failed;
    why_ = fault_->message;
    return;
  }
  auto& m = system_.metrics();
  const metric_labels labels{{"projection", setup_.which.name},
                             {"version", std::to_string(setup_.which.version)}};
  sampled_.push_back(m.sample("nexus_projection_lag_events",
                              "Stored events that a projection has not handled yet.", labels,
                              [this] { return static_cast<double>(status().behind); }));
  sampled_.push_back(m.sample("nexus_projection_lag_seconds",
                              "Age of the oldest event that is not handled yet.", labels,
                              [this] { return static_cast<double>(status().lag.count()); }));
  sampled_.push_back(m.sample(
      "nexus_projection_stopped", "1 if a projection has failed or is paused.", labels, [this] {
        const auto phase = status().phase;
        return phase == projection_phase::failed || phase == projection_phase::paused ? 1.0 : 0.0;
      }));
  over_ = false;
  thread_ = std::thread{[this] { run(); }};
}

void projection_core::stop() {
  {
    std::lock_guard guard{lock_};
    stopping_ = true;
  }
  changed_.notify_all();
}

void projection_core::stop_and_wait() {
  stop();
  std::lock_guard once{stopping_twice_};
  if (!thread_.joinable()) return;
  thread_.join();
  sampled_.clear();
  names_->release(setup_.claim);
}

std::vector<std::string> projection_core::remaining() {
  std::lock_guard guard{lock_};
  if (over_) return {};
  return {setup_.label};
}

// -- the thread -----------------------------------------------------------------------------------

void projection_core::run() {
  growing_pause pause{trouble_pause_min, pause_max};
  for (;;) {
    {
      std::lock_guard guard{lock_};
      if (stopping_) break;
    }
    auto done = look_after();
    if (!done) {
      storage_trouble(done.error());
      if (session_ && session_->broken()) session_.reset();
      wait(pause.next());
      continue;
    }
    pause.reset();
    wait(setup_.options.lease / 3);
  }
  end_work();
  if (auto left = leave_cells(); !left) {
    log().warn("{}: its cells stay taken for {} ms: {}", setup_.label,
               std::chrono::duration_cast<std::chrono::milliseconds>(setup_.options.lease).count(),
               left.error().message);
  }
  session_.reset();
  set_phase(projection_phase::stopped, {});
  std::lock_guard guard{lock_};
  over_ = true;
  changed_.notify_all();
}

void projection_core::wait(nanoseconds most) {
  std::unique_lock guard{lock_};
  changed_.wait_until(guard, later(steady_clock::now(), most),
                      [&] { return stopping_ || woken_ || ended_; });
  woken_ = false;
}

void projection_core::wake() {
  {
    std::lock_guard guard{lock_};
    woken_ = true;
  }
  changed_.notify_all();
}

result<void> projection_core::connect() {
  if (session_ && !session_->broken()) return {};
  auto made = setup_.target.open_session();
  if (!made) return fail(std::move(made.error()));
  session_ = *std::move(made);
  auto* storage = session_->projections();
  if (storage == nullptr) {
    return fail(errc::invalid_argument,
                setup_.target.name() + " cannot keep offsets of projections");
  }
  if (has_cells_) return {};
  auto source = setup_.source.open_session();
  if (!source) return fail(std::move(source.error()));
  strands_ = (*source)->strands();
  if (auto same = declare(*storage); !same) return same;
  auto cells = wanted_cells(strands_);
  if (auto added = storage->add(setup_.which, cells); !added) return added;
  if (auto known = expect_known_positions(*storage, **source); !known) return known;
  has_cells_ = true;
  by_strand_ = stores_together(*session_);
  std::lock_guard guard{lock_};
  exactly_once_ = session_->has_sql() || by_strand_;
  return {};
}

// A name and a version stand for what they read: offsets of other events would skip some.
result<void> projection_core::declare(projection_storage& storage) {
  const auto& o = setup_.options;
  auto reads = std::string{setup_.handler->entity_type()};
  if (o.tag) reads += fmt::format(", tag {}", *o.tag);
  if (o.slices) reads += fmt::format(", slices {} to {}", o.slices->first, o.slices->last);
  auto stored = storage.declare(setup_.which, reads);
  if (!stored) return fail(std::move(stored.error()));
  if (*stored == reads) return {};
  return refuse(
      {errc::invalid_argument, fmt::format("{} reads {} in {}, not {}; use another name or version",
                                           setup_.label, *stored, setup_.target.name(), reads)});
}

// Offsets in another journal, or in a file that was replaced, mean nothing in this source.
result<void> projection_core::expect_known_positions(projection_storage& storage,
                                                     journal_session& source) {
  auto cells = cells_of(storage, strands_);
  if (!cells) return fail(std::move(cells.error()));
  std::vector<position> seen;
  for (const auto& one : *cells) {
    if (one.at.is_start() || std::ranges::find(seen, one.at) != seen.end()) continue;
    seen.push_back(one.at);
    auto known =
        source.read_all(reading_start::kept_after(one.at), 1, [](const auto&...) { return false; });
    if (known) continue;
    if (known.error().code != errc::foreign_position) return known;
    return refuse(
        {errc::foreign_position,
         fmt::format("its offset is not of {}: {}", setup_.source.name(), known.error().message)});
  }
  return {};
}

// Stops until `resume`: trying again would not help.
result<void> projection_core::refuse(error why) {
  std::lock_guard guard{lock_};
  failed_ = std::move(why);
  return {};
}

std::vector<projection_cell> projection_core::wanted_cells(std::uint32_t strands) const {
  return all_cells(strands, setup_.options.from, setup_.options.slices.value_or(slice_range{}));
}

// Those of the slices that this version was made with before, and is not any more, are left out.
result<std::vector<projection_cell>> projection_core::cells_of(projection_storage& storage,
                                                               std::uint32_t strands) const {
  auto cells = storage.cells(setup_.which);
  if (!cells) return cells;
  const auto wanted = wanted_cells(strands);
  std::erase_if(*cells, [&](const auto& one) {
    return !std::ranges::binary_search(wanted, one.cell, {}, &projection_cell::cell);
  });
  return cells;
}

// One look at the leases, and what follows from it.
result<void> projection_core::look_after() {
  // Both at once: after a rebuild the ended work stands elsewhere than it knows.
  std::shared_ptr<projection_pipeline> ended_work;
  {
    std::lock_guard guard{lock_};
    const auto ended = std::exchange(ended_, std::nullopt);
    if (ended) {
      ended_work = std::exchange(work_, nullptr);
      lag_due_ = {};
    }
    if (ended && ended->how == projection_end::kind::failed) failed_ = ended->why;
  }
  if (ended_work) ended_work->end();
  if (auto ready = connect(); !ready) return ready;
  auto& storage = *session_->projections();
  auto paused = storage.paused(setup_.which);
  if (!paused) return fail(std::move(paused.error()));
  const bool stands = *paused;
  std::optional<error> failed;
  {
    std::lock_guard guard{lock_};
    paused_ = *paused;
    failed = failed_;
  }
  if (stands || failed) {
    end_work();
    if (auto left = leave_cells(); !left) return left;
    if (failed) {
      set_phase(projection_phase::failed, failed->message);
    } else {
      set_phase(projection_phase::paused, {});
    }
    return {};
  }
  auto cells = cells_of(storage, strands_);
  if (!cells) return fail(std::move(cells.error()));
  if (cells->empty()) {
    return refuse({errc::projection_failed, "its offsets were removed: the version was forgotten"});
  }
  auto plan = leases_.look_at(*cells, steady_clock::now(), shares_cells(setup_));
  if (!plan.give.empty()) {
    end_work();
    if (auto given = give_away(plan.give); !given) return given;
  }
  if (auto taken = take_over(plan); !taken) return taken;
  if (!plan.take.empty() || !plan.give.empty()) {
    cells = cells_of(storage, strands_);
    if (!cells) return fail(std::move(cells.error()));
  }
  register_at_source(*cells);
  std::erase_if(*cells, [&](const auto& one) { return one.owner != setup_.owner; });
  work_on(*std::move(cells));
  measure_lag();
  return {};
}

result<void> projection_core::take_over(const lease_watch::plan& plan) {
  auto& storage = *session_->projections();
  if (plan.expired) {
    for (const auto& one : plan.take) {
      if (auto ended = storage.end_others(setup_.which, one.cell, one.cell); !ended) return ended;
    }
  }
  const auto take = [&]() -> result<void> {
    auto given = storage.give_all(setup_.which, plan.take, setup_.owner);
    if (!given) return given;
    return storage.want_all(setup_.which, plan.ask, setup_.owner);
  };
  if (plan.take.empty() && plan.ask.empty()) return {};
  if (!session_->has_sql()) return take();
  return transactional(*session_, [&](session&) { return take(); });
}

result<void> projection_core::give_away(const std::vector<projection_cell>& cells) {
  // Their leases have moved since: the work has ended meanwhile.
  auto now = session_->projections()->cells(setup_.which);
  if (!now) return fail(std::move(now.error()));
  std::map<std::string, std::vector<projection_cell>> wanted;
  for (const auto& one : *now) {
    const bool is_one = std::ranges::count(cells, one.cell, &projection_cell::cell) > 0;
    if (is_one && one.owner == setup_.owner) wanted[one.wanted_by].push_back(one);
  }
  for (const auto& [who, some] : wanted) {
    auto given = session_->projections()->give_all(setup_.which, some, who);
    if (!given) return given;
  }
  return {};
}

result<void> projection_core::leave_cells() {
  if (!has_cells_ || !session_) return {};
  auto& storage = *session_->projections();
  auto cells = storage.cells(setup_.which);
  if (!cells) return fail(std::move(cells.error()));
  std::erase_if(*cells, [&](const auto& one) { return one.owner != setup_.owner; });
  const auto leave = [&] { return storage.give_all(setup_.which, *cells, {}); };
  if (cells->empty()) return {};
  if (!session_->has_sql()) return leave();
  return transactional(*session_, [&](session&) { return leave(); });
}

void projection_core::end_work() {
  std::shared_ptr<projection_pipeline> work;
  {
    std::lock_guard guard{lock_};
    work = std::exchange(work_, nullptr);
  }
  // A call that only looks at it may hold it for a moment longer: its threads end here all the same.
  if (work) work->end();
}

void projection_core::work_on(std::vector<projection_cell> cells) {
  {
    std::lock_guard guard{lock_};
    if (work_ && work_->works_on(cells)) return;
  }
  end_work();
  if (cells.empty()) {
    set_phase(projection_phase::standby, {});
    return;
  }
  set_phase(projection_phase::running, {});  // before the work can tell of trouble
  counts_.read = counts_.handled.load();
  counts_.nothing = 0;
  counts_.unread = 0;
  auto made = std::make_shared<projection_pipeline>(
      setup_, counts_, std::move(cells), strands_, by_strand_,
      projection_worker::reports{[this](auto why) { storage_trouble(std::move(why)); },
                                 [this](auto how) { work_ended(std::move(how)); },
                                 [this] { changed_.notify_all(); }});
  {
    std::lock_guard guard{lock_};
    work_ = made;
    if (flushers_ > 0) made->want_flush(true);
  }
  lag_due_ = {};
}

// The source keeps what the slowest cell has not handled. It follows, and may only lag.
void projection_core::register_at_source(const std::vector<projection_cell>& cells) {
  const auto now = steady_clock::now();
  if (!setup_.options.holds_back_erasing || now - registered_at_ < register_every) return;
  registered_at_ = now;
  const cell_group all{cells};
  for (std::uint32_t strand = 0; strand < strands_; ++strand) {
    const auto* at = all.slowest(strand);
    if (at == nullptr) continue;
    auto known = std::ranges::find(registered_, strand, [](const auto& one) { return one.first; });
    if (known != registered_.end() && known->second == *at) continue;
    if (auto saved = setup_.source.save_reader(reader_of(setup_.which), *at); !saved) {
      log().warn("{}: cannot say at {} how far it has read: {}", setup_.label, setup_.source.name(),
                 saved.error().message);
      return;
    }
    if (known == registered_.end()) {
      registered_.emplace_back(strand, *at);
    } else {
      known->second = *at;
    }
  }
}

// Counts at the source what is not read yet, unless everything is.
void projection_core::measure_lag() {
  std::shared_ptr<projection_pipeline> work;
  {
    std::lock_guard guard{lock_};
    work = work_;
  }
  if (!work || work->is_live()) {
    counts_.unread = 0;
    return;
  }
  const auto started = steady_clock::now();
  if (started < lag_due_) return;
  auto lent = setup_.source.sessions().borrow({.borrower = "the lag of a projection"});
  if (!lent) return;
  event_filter unread{.entity_type = std::string{setup_.handler->entity_type()},
                      .tag = setup_.options.tag,
                      .slices = setup_.options.slices};
  auto read = work->read_to();
  unread.after = std::move(read.at);
  if (const auto found = (*lent)->count(unread)) {
    std::lock_guard guard{lock_};
    if (work_ != work) return;
    counts_.counted_at = read.count;
    counts_.unread = *found;
  }
  const auto took = steady_clock::now() - started;
  lag_due_ = later(steady_clock::now(), std::max<nanoseconds>(lag_every, took * lag_share));
}

// -- what it is told ------------------------------------------------------------------------------

void projection_core::storage_trouble(std::optional<error> why) {
  if (why) {
    set_phase(projection_phase::waiting, std::move(why->message));
    return;
  }
  bool waiting = false;
  {
    std::lock_guard guard{lock_};
    waiting = phase_ == projection_phase::waiting;
  }
  if (waiting) set_phase(projection_phase::running, {});
}

void projection_core::work_ended(projection_end how) {
  {
    std::lock_guard guard{lock_};
    if (!ended_ || how.how == projection_end::kind::failed) ended_ = std::move(how);
  }
  changed_.notify_all();
}

void projection_core::set_phase(projection_phase phase, std::string why) {
  projection_status now;
  {
    std::lock_guard guard{lock_};
    if (phase_ == phase && why_ == why) return;
    const bool changed = phase_ != phase;
    phase_ = phase;
    why_ = std::move(why);
    if (!changed) return;
    now = status_now();
  }
  changed_.notify_all();
  if (phase == projection_phase::failed) {
    log().error("{} has stopped: {}", setup_.label, now.why);
  } else if (phase == projection_phase::waiting) {
    log().warn("{} waits: {}", setup_.label, now.why);
  }
  if (!setup_.options.on_change) return;
  (void)guarded([&] { setup_.options.on_change(now); },
                [&](const std::string& what) {
                  log().error("{}: its on_change threw: {}", setup_.label, what);
                });
}

projection_status projection_core::status_now() {
  projection_status s{phase_, why_, counts_.handled, counts_.skipped};
  if (failed_) {
    s.phase = projection_phase::failed;
    s.why = failed_->message;
  }
  s.exactly_once = exactly_once_;
  if (!work_) return s;
  s.cells = work_->committed().size();
  const auto read = counts_.read.load();
  const auto over = s.handled + counts_.nothing.load();
  const auto in_hand = read > over ? read - over : 0;
  const auto read_since = read - std::min(read, counts_.counted_at.load());
  const auto unread = counts_.unread.load();
  s.behind = in_hand + (work_->is_live() || unread < read_since ? 0 : unread - read_since);
  if (const auto oldest = work_->oldest()) {
    const auto age = wall_clock{}.now() - *oldest;
    s.lag = std::max(std::chrono::duration_cast<std::chrono::seconds>(age), 0s);
  }
  return s;
}

projection_status projection_core::status() {
  std::lock_guard guard{lock_};
  return status_now();
}

}}}  // namespace nexus::v0::detail
