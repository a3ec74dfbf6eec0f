#include "worker.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr nanoseconds trouble_pause_min = 20ms;
constexpr nanoseconds pause_max = 10s;
constexpr int collisions_told = 3;
constexpr std::size_t first_batch = 100;  // before the cost of an event is known

// Trouble of a storage, which passes; everything else that a handler returns is the event's.
bool is_trouble(errc code) {
  switch (code) {
    case errc::unavailable:
    case errc::timeout:
    case errc::outcome_unknown:
    case errc::serialization_failed:
    case errc::overloaded:
    case errc::pool_exhausted:
    case errc::pool_closed:
    case errc::stopped:
      return true;
    default:
      return false;
  }
}

// Rolls back unless the transaction is over.
class rolled_back {
 public:
  explicit rolled_back(session& on) : on_{on} {}
  ~rolled_back() {
    if (on_.in_transaction()) (void)on_.rollback();
  }
  rolled_back(const rolled_back&) = delete;
  rolled_back& operator=(const rolled_back&) = delete;

 private:
  session& on_;
};

}  // namespace

projection_worker::projection_worker(const projection_setup& of, projection_counts& counts,
                                     cell_group group, reports to)
    : of_{of},
      counts_{counts},
      group_{std::move(group)},
      to_{std::move(to)},
      committed_{group_.cells()} {}

std::vector<projection_cell> projection_worker::committed() const {
  std::lock_guard guard{lock_};
  return committed_;
}

std::optional<timestamp> projection_worker::oldest() const {
  {
    std::lock_guard guard{lock_};
    if (oldest_) return oldest_;
  }
  return queue_.oldest();
}

void projection_worker::begin(timestamp oldest) {
  std::lock_guard guard{lock_};
  oldest_ = oldest;
}

void projection_worker::run() {
  sign_of_life_ = steady_clock::now();
  while (!queue_.stopped()) {
    auto next = queue_.pop(sign_due());
    if (next) {
      if (!work(*next)) return;
      continue;
    }
    if (queue_.stopped()) return;
    if (!give_sign(queue_.take_idle_at())) return;
  }
}

bool projection_worker::work(fed& one) {
  if (one.undecoded) {
    return give_up_on(*std::move(one.undecoded), std::move(one.why), 1, one.up_to);
  }
  return handle_all(*one.batch, one.up_to);
}

bool projection_worker::handle_all(projected_batch& batch, const std::vector<position>& up_to) {
  std::size_t at = 0;
  std::size_t alone_until = 0;  // after a failure of a batch, which does not say whose it is
  while (at < batch.size()) {
    begin(batch.oldest_from(at));
    const auto to = at < alone_until ? at + 1 : at + chunk(batch.size() - at);
    auto got = persist([&] { return attempt(batch, at, to, up_to); });
    if (got.how == outcome::kind::done) {
      at = got.end;
      continue;
    }
    if (got.how != outcome::kind::failing) return end(std::move(got));
    if (got.end > at) {  // the events before it are fine
      alone_until = got.end + 1;
      auto before = persist([&] { return attempt(batch, at, got.end, up_to); });
      if (before.how == outcome::kind::failing) continue;
      if (before.how != outcome::kind::done) return end(std::move(before));
      at = before.end;
      continue;
    }
    if (to - at > 1) {
      alone_until = to;
      continue;
    }
    if (!handle_alone(batch, at, reached(batch, at, at + 1, up_to))) return false;
    ++at;
  }
  return true;
}

// Its handling failed once. True: it is done, or skipped.
bool projection_worker::handle_alone(projected_batch& batch, std::size_t i,
                                     const std::vector<position>& to) {
  growing_pause pause{of_.options.retry_pause, pause_max};
  for (std::uint32_t attempts = 1;; ++attempts) {
    auto got = persist([&] { return attempt(batch, i, i + 1, to); });
    if (got.how == outcome::kind::done) return true;
    if (got.how != outcome::kind::failing) return end(std::move(got));
    if (attempts > of_.options.retries) {
      return give_up_on(batch.describe(i), std::move(got.why), attempts + 1, to);
    }
    const auto length = pause.next();
    log().warn("{}: event {} of {} failed, next try in {} ms: {}", of_.label,
               batch.describe(i).number, batch.describe(i).of.str(),
               std::chrono::duration_cast<std::chrono::milliseconds>(length).count(),
               got.why.message);
    if (!pause_alive(length)) return false;
  }
}

// Other processes must not take it for dead meanwhile: they would start to count the tries again.
bool projection_worker::pause_alive(nanoseconds length) {
  const auto until = later(steady_clock::now(), length);
  for (;;) {
    const auto now = steady_clock::now();
    if (now >= until) return true;
    if (!queue_.pause(std::min(between(now, until), between(now, sign_due())))) return false;
    if (steady_clock::now() >= sign_due() && !give_sign({})) return false;
  }
}

bool projection_worker::give_up_on(projection_failure which, error why, std::uint32_t attempts,
                                   const std::vector<position>& to) {
  const auto named = fmt::format("event {} ({}) of {}: {}", which.number, which.event_type,
                                 which.of.str(), why.message);
  counts_.failures->add(1);
  if (of_.options.on_failure == projection_options::failing::stop) {
    to_.ended({projection_end::kind::failed, {errc::projection_failed, named}});
    return false;
  }
  which.error = std::move(why.message);
  which.attempts = attempts;
  auto got = persist([&] { return record(which, to); });
  if (got.how != outcome::kind::done) return end(std::move(got));
  log().error("{}: skipped {}", of_.label, named);
  return true;
}

bool projection_worker::give_sign(const std::vector<position>& to) {
  auto got = persist([&] { return record(std::nullopt, to); });
  return got.how == outcome::kind::done || end(std::move(got));
}

bool projection_worker::end(outcome what) {
  switch (what.how) {
    case outcome::kind::lost:
      to_.ended({projection_end::kind::lost, std::move(what.why)});
      break;
    case outcome::kind::failing:
      to_.ended({projection_end::kind::failed, std::move(what.why)});
      break;
    default:
      break;  // stopped
  }
  return false;
}

template <class Do>
projection_worker::outcome projection_worker::persist(Do once) {
  growing_pause pause{trouble_pause_min, pause_max}, collided{1ms, 1s};
  for (int tries = 1;; ++tries) {
    if (queue_.stopped()) return {outcome::kind::stopped};
    auto got = connect();
    if (got.how == outcome::kind::done) got = once();
    if (got.how == outcome::kind::unknown) got = settle();
    if (got.how != outcome::kind::trouble) {
      if (std::exchange(in_trouble_, false)) to_.trouble(std::nullopt);
      return got;
    }
    if (session_ && session_->broken()) session_.reset();
    const bool collision = got.why.code == errc::serialization_failed;
    const auto length = collision ? collided.next() : pause.next();
    // A transaction that collided with another one is nothing to tell of, unless it stays so.
    if (!collision || tries >= collisions_told) {
      in_trouble_ = true;
      to_.trouble(std::move(got.why));
    }
    if (!queue_.pause(length)) return {outcome::kind::stopped};
  }
}

// Moves cells that have nothing to handle up to there, and gives a sign of life if one is due.
projection_worker::outcome projection_worker::follow(const std::vector<position>& others) {
  const bool any = std::ranges::any_of(
      others, [this](const position& to) { return !group_.steps_to(to).empty(); });
  if (!any && steady_clock::now() < sign_due()) return {};
  return persist([&] { return record(std::nullopt, others); });
}

projection_worker::outcome projection_worker::connect() {
  if (session_ && !session_->broken()) return {};
  auto made = of_.target.open_session();
  if (!made) return {outcome::kind::trouble, 0, std::move(made.error())};
  session_ = *std::move(made);
  if (session_->projections() == nullptr) {
    return {outcome::kind::failing,
            0,
            {errc::invalid_argument, of_.target.name() + " cannot keep offsets of projections"}};
  }
  return {};
}

projection_worker::outcome projection_worker::lost(std::string_view what) const {
  return {outcome::kind::lost,
          0,
          {errc::conflict, fmt::format("{}: another process {}", of_.label, what)}};
}

// -- a transaction ------------------------------------------------------------------------------

projection_worker::outcome projection_worker::attempt(projected_batch& batch, std::size_t from,
                                                      std::size_t to,
                                                      const std::vector<position>& up_to) {
  if (!session_->has_sql()) return attempt_without_sql(batch, from, to, up_to);
  if (auto begun = session_->begin(of_.options.level, false); !begun) {
    return {outcome::kind::trouble, from, std::move(begun.error())};
  }
  const rolled_back otherwise{*session_};
  auto target = reached(batch, from, to, up_to);
  auto all = steps_to(target);
  if (auto got = move(all); got.how != outcome::kind::done) return got;
  const auto started = steady_clock::now();  // it may have waited for its turn to write
  auto done = handled_by(batch, from, to, started);
  if (done.failed) return refused(*std::move(done.failed), done.end);
  if (!session_->in_transaction()) {
    return {outcome::kind::failing,
            from,
            {errc::projection_failed, "the handler ended the transaction that it runs in"}};
  }
  if (done.end < to) {
    target = reached(batch, from, done.end, up_to);
    if (auto got = correct(all, target); got.how != outcome::kind::done) return got;
  }
  learn(done.end - from, steady_clock::now() - started);
  return commit({std::move(all), std::move(target), &batch, from, done.end});
}

// The error of a handler or of a transaction.
projection_worker::outcome projection_worker::refused(error why, std::size_t at) const {
  const bool passes = is_trouble(why.code) || session_->broken();
  return {passes ? outcome::kind::trouble : outcome::kind::failing, at, std::move(why)};
}

// A failure that is skipped, or only a sign of life: moves the cells, or renews their leases.
projection_worker::outcome projection_worker::record(
    const std::optional<projection_failure>& skipped, const std::vector<position>& to) {
  const bool whole = session_->has_sql();
  if (skipped && stores_together(*session_)) {
    return skip_together(*skipped, to);
  }
  if (whole) {
    if (auto begun = session_->begin(isolation::read_committed, false); !begun) {
      return {outcome::kind::trouble, 0, std::move(begun.error())};
    }
  }
  const rolled_back otherwise{*session_};
  auto all = steps_to(to);
  auto& storage = *session_->projections();
  if (!whole && skipped) {
    if (auto done = storage.add_failure(of_.which, *skipped); !done) {
      return {outcome::kind::trouble, 0, std::move(done.error())};
    }
  }
  if (auto got = move(all); got.how != outcome::kind::done) return got;
  if (!whole) return done({.moves = std::move(all), .to = to, .skips = skipped.has_value()});
  if (skipped) {
    if (auto done = storage.add_failure(of_.which, *skipped); !done) {
      return {outcome::kind::trouble, 0, std::move(done.error())};
    }
  }
  return commit({.moves = std::move(all), .to = to, .skips = skipped.has_value()});
}

// The compare-and-set: what another process has taken does not move.
projection_worker::outcome projection_worker::move(const steps& all) {
  std::vector<projection_move> moves;
  for (const auto& one : all) moves.push_back(one.move);
  auto moved = session_->projections()->advance_all(of_.which, of_.owner, moves);
  if (!moved) return {outcome::kind::trouble, 0, std::move(moved.error())};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if ((*moved)[i] != all[i].cells) return lost("has taken some of its cells");
  }
  return {};
}

// The time was up before all events were handled.
projection_worker::outcome projection_worker::correct(steps& all, const std::vector<position>& to) {
  for (auto& one : all) {
    const auto where = position_in(one.move.to.strand, to);
    const auto less = one.move.from < where ? where : one.move.from;
    if (less == one.move.to) continue;
    auto moved = session_->projections()->advance(
        of_.which, of_.owner, {one.move.first, one.move.last, one.move.to, less});
    if (!moved) return {outcome::kind::trouble, 0, std::move(moved.error())};
    if (*moved != one.cells) return lost("has taken some of its cells");
    one.move.to = less;
  }
  return {};
}

projection_worker::outcome projection_worker::commit(change what) {
  auto committed = session_->commit();
  if (committed) return done(what);
  if (committed.error().code == errc::outcome_unknown) {
    in_doubt_ = std::move(what);
    return {outcome::kind::unknown, 0, std::move(committed.error())};
  }
  return refused(std::move(committed.error()), 0);
}

// Whether the transaction in doubt was committed is decided by a fresh session. `trouble`: it was
// not.
projection_worker::outcome projection_worker::settle() {
  growing_pause pause{trouble_pause_min, pause_max};
  for (;;) {
    session_.reset();
    if (queue_.stopped()) return {outcome::kind::stopped};
    auto got = connect();
    if (got.how == outcome::kind::done) got = settled();
    if (got.how != outcome::kind::unknown) return got;
    in_trouble_ = true;
    to_.trouble(std::move(got.why));
    if (!queue_.pause(pause.next())) return {outcome::kind::stopped};
  }
}

projection_worker::outcome projection_worker::settled() {
  auto& storage = *session_->projections();
  const auto still_unknown = [](error& why) {
    return outcome{outcome::kind::unknown, 0, std::move(why)};
  };
  for (const auto& one : in_doubt_.moves) {
    auto ended = storage.end_others(of_.which, one.move.first, one.move.last);
    if (!ended) return still_unknown(ended.error());
  }
  const bool whole = session_->has_sql();
  if (whole) {
    if (auto begun = session_->begin(isolation::read_committed, false); !begun) {
      return still_unknown(begun.error());
    }
  }
  const rolled_back otherwise{*session_};
  // Stores something, so that what is found is final.
  const auto all_stand_at = [&](position projection_move::*where) -> result<bool> {
    bool there = true;
    for (const auto& one : in_doubt_.moves) {
      auto stay = one.move;
      stay.from = stay.to = one.move.*where;
      auto found = storage.advance(of_.which, of_.owner, stay);
      if (!found) return fail(std::move(found.error()));
      there = there && *found == one.cells;
    }
    return there;
  };
  auto after = all_stand_at(&projection_move::to);
  if (!after) return still_unknown(after.error());
  auto before = *after ? result<bool>{false} : all_stand_at(&projection_move::from);
  if (!before) return still_unknown(before.error());
  if (!*after && !*before) return lost("has taken some of its cells");
  if (whole) {
    if (auto kept = session_->commit(); !kept) return still_unknown(kept.error());
  }
  if (*after) return done(in_doubt_);
  return {outcome::kind::trouble, 0, {errc::unavailable, "the commit of a batch failed"}};
}

// -- where it stands ------------------------------------------------------------------------------

// With a sign of life of the cells that stay, when it is time for one: cells that are ahead may wait
// for long until the others have come there.
projection_worker::steps projection_worker::steps_to(const std::vector<position>& to) const {
  steps all;
  for (const auto& one : to) {
    auto some = group_.steps_to(one);
    all.insert(all.end(), some.begin(), some.end());
  }
  if (all.empty() || steady_clock::now() >= sign_due()) {
    auto staying = group_.steps_in_place(to);
    all.insert(all.end(), staying.begin(), staying.end());
  }
  return all;
}

projection_worker::time_point projection_worker::sign_due() const {
  return later(sign_of_life_, of_.options.lease / 3);
}

// Counted first: who has seen where it stands also sees the counts.
projection_worker::outcome projection_worker::done(const change& what) {
  count(what);
  for (const auto& one : what.to) group_.moved_to(one);
  std::uint64_t touched = 0;
  for (const auto& one : what.moves) touched += one.cells;
  if (touched == group_.cells().size()) sign_of_life_ = steady_clock::now();
  {
    std::lock_guard guard{lock_};
    committed_ = group_.cells();
    const bool more = what.batch != nullptr && what.end < what.batch->size();
    oldest_ = more ? std::optional{what.batch->oldest_from(what.end)} : std::nullopt;
  }
  to_.moved();
  return {outcome::kind::done, what.end};
}

// At most one position per strand: behind the events before `end`, or behind all of the batch.
std::vector<position> projection_worker::reached(const projected_batch& batch, std::size_t from,
                                                 std::size_t end,
                                                 const std::vector<position>& up_to) const {
  if (end == batch.size()) return up_to;
  std::vector<position> all;
  for (auto i = from; i < end; ++i) {
    const auto& at = batch.at(i);
    auto found = std::ranges::find(all, at.strand, &position::strand);
    if (found == all.end()) {
      all.push_back(at);
    } else if (*found < at) {
      *found = at;
    }
  }
  return all;
}

// The events of the next transaction. A handler of single events ends by itself when it is time.
std::size_t projection_worker::chunk(std::size_t left) const {
  if (!of_.handler->takes_batches()) return left;
  if (cost_ns_ <= 0) return std::min(left, first_batch);
  const auto fits = static_cast<double>(batch_time().count()) / cost_ns_;
  return std::clamp<std::size_t>(static_cast<std::size_t>(std::min(fits, 1e6)), 1, left);
}

void projection_worker::learn(std::size_t events, nanoseconds took) {
  if (events == 0) return;
  constexpr double weight = 0.3;
  const auto cost = static_cast<double>(took.count()) / static_cast<double>(events);
  cost_ns_ = cost_ns_ <= 0 ? cost : cost_ns_ + weight * (cost - cost_ns_);
}

void projection_worker::count(const change& what) {
  if (what.skips) {
    ++counts_.skipped;
    ++counts_.handled;
  }
  if (what.batch == nullptr) return;
  counts_.handled += what.end - what.from;
  counts_.events->add(what.end - what.from);
  const auto now = wall_clock{}.now();
  for (auto i = what.from; i < what.end; ++i) {
    counts_.latency->observe(std::chrono::duration<double>(now - what.batch->time(i)).count());
  }
}

}}}  // namespace nexus::v0::detail
