// What a projection is asked by the program: calls from any thread.
#include <fmt/format.h>

#include <algorithm>

#include "core.hpp"
#include "nexus/detail/guarded.hpp"
#include "nexus/detail/handler_session.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/transaction.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

}  // namespace

template <class F>
auto projection_core::at_target(F f) -> decltype(f(std::declval<journal_session&>())) {
  if (fault_) return fail(*fault_);
  auto lent = setup_.target.sessions().borrow({.borrower = "a projection"});
  if (!lent) return fail(std::move(lent.error()));
  if ((*lent)->projections() == nullptr) {
    return fail(errc::invalid_argument,
                setup_.target.name() + " cannot keep offsets of projections");
  }
  return f(**lent);
}

std::optional<error> projection_core::stopped() {
  std::lock_guard guard{lock_};
  if (!stopping_) return std::nullopt;
  return error{errc::stopped, setup_.label + " was stopped"};
}

// Why it does not continue by itself.
std::optional<error> projection_core::standstill() {
  std::lock_guard guard{lock_};
  if (stopping_) return error{errc::stopped, setup_.label + " was stopped"};
  if (failed_)
    return error{errc::projection_failed, setup_.label + " has stopped: " + failed_->message};
  if (paused_) return error{errc::stopped, setup_.label + " is paused"};
  return std::nullopt;
}

result<std::vector<position>> projection_core::ends_of_source() {
  auto lent = setup_.source.sessions().borrow({.borrower = "a projection"});
  if (!lent) return fail(std::move(lent.error()));
  std::vector<position> ends;
  for (std::uint32_t strand = 0; strand < (*lent)->strands(); ++strand) {
    auto last = (*lent)->last(strand);
    if (!last) return fail(std::move(last.error()));
    ends.push_back(*last);
  }
  return ends;
}

result<bool> projection_core::reached(const std::vector<position>& ends) {
  const auto all_there = [&](const std::vector<projection_cell>& cells) {
    return std::ranges::all_of(
        cells, [&](const auto& one) { return one.at >= ends[strand_of_cell(one.cell)]; });
  };
  std::vector<projection_cell> mine;
  {
    std::lock_guard guard{lock_};
    if (work_ && !ended_) mine = work_->committed();  // otherwise a rebuild may have moved them
  }
  const auto strands = static_cast<std::uint32_t>(ends.size());
  if (!all_there(mine)) return false;
  // Also if all cells are this process's: another one may have begun a rebuild.
  return at_target([&](journal_session& on) -> result<bool> {
    auto cells = cells_of(*on.projections(), strands);
    if (!cells) return fail(std::move(cells.error()));
    // A target may show the cells of one strand before those of another.
    return cells->size() == wanted_cells(strands).size() && all_there(*cells);
  });
}

// For a person: which cells are behind `ends`, whose they are, and what may be the cause.
std::string projection_core::what_is_missing(const std::vector<position>& ends) {
  const auto now = status();
  auto text = fmt::format("{} events are not handled yet", now.behind);
  if (!now.why.empty()) text += ": " + now.why;
  const auto strands = static_cast<std::uint32_t>(ends.size());
  auto cells = at_target([&](journal_session& on) { return cells_of(*on.projections(), strands); });
  if (!cells) return text;
  std::size_t mine = 0, unowned = 0, others = 0;
  for (const auto& one : *cells) {
    if (one.at >= ends[strand_of_cell(one.cell)]) continue;
    ++(one.owner == setup_.owner ? mine : one.owner.empty() ? unowned : others);
  }
  text += fmt::format("; {} of {} cells are behind: this process owns {}, others {}, no process {}",
                      mine + others + unowned, cells->size(), mine, others, unowned);
  auto lent = setup_.source.sessions().borrow({.borrower = "a projection"});
  if (!lent) return text;
  if (const auto holder = (*lent)->held_back(); holder && *holder) {
    text += "; readers are held back by " + **holder;
  }
  return text;
}

result<void> projection_core::caught_up(time_span within) {
  if (fault_) return fail(*fault_);
  const auto deadline = later(steady_clock::now(), nanoseconds{within});
  auto why = refuse_to_wait("projection::caught_up", "call it on a plain thread");
  if (why) return fail(*std::move(why));
  const auto flush = [&](bool wanted) {
    std::lock_guard guard{lock_};
    flushers_ += wanted ? 1 : -1;
    if (work_) work_->want_flush(flushers_ > 0);
  };
  flush(true);
  const std::shared_ptr<void> unflush{nullptr, [&](void*) { flush(false); }};
  std::optional<std::vector<position>> ends;
  for (nanoseconds pause = 1ms;; pause = std::min<nanoseconds>(pause * 2, 100ms)) {
    if (auto stands = standstill()) return fail(*std::move(stands));
    auto there = [&]() -> result<bool> {  // a storage's failure may pass
      if (!ends) {
        auto found = ends_of_source();
        if (!found) return fail(std::move(found.error()));
        ends = *std::move(found);
      }
      return reached(*ends);
    }();
    if (there && *there) return {};
    if (steady_clock::now() >= deadline) {
      if (!there) return fail(std::move(there.error()));
      return fail(errc::timeout,
                  fmt::format("{} is not caught up: {}", setup_.label, what_is_missing(*ends)));
    }
    std::unique_lock guard{lock_};
    changed_.wait_until(guard, std::min(deadline, later(steady_clock::now(), pause)));
  }
}

result<void> projection_core::pause() {
  auto done =
      at_target([&](journal_session& on) { return on.projections()->pause(setup_.which, true); });
  if (done) wake();
  return done;
}

result<void> projection_core::resume() {
  if (auto over = stopped()) return fail(*std::move(over));
  auto done =
      at_target([&](journal_session& on) { return on.projections()->pause(setup_.which, false); });
  if (!done) return done;
  {
    std::lock_guard guard{lock_};
    failed_.reset();
    paused_ = false;
    ended_ = projection_end{};  // the work that has failed is over, if it has not told so yet
  }
  changed_.notify_all();
  return {};
}

result<void> projection_core::rebuild(std::vector<position> from) {
  if (fault_) return fail(*fault_);
  if (auto over = stopped()) return fail(*std::move(over));
  if (auto ends = ends_of_source(); !ends) {
    return fail(std::move(ends.error()));
  } else if (auto why = fault_of({.after = from}, static_cast<std::uint32_t>(ends->size()))) {
    return fail(*std::move(why));
  } else {
    std::vector<position> at;
    for (std::uint32_t i = 0; i < ends->size(); ++i) at.push_back(position_in(i, from));
    from = std::move(at);
  }
  // The cells have no owner then, so transactions under way in any process are refused.
  const auto restart = [&](session& on) -> result<void> {
    auto& storage = *on.projections();
    const auto cells = wanted_cells(static_cast<std::uint32_t>(from.size()));
    if (auto done = storage.add(setup_.which, cells); !done) return done;
    if (auto done = storage.restart(setup_.which, from); !done) return done;
    return empty_rows(on);
  };
  auto done = at_target([&](journal_session& on) -> result<void> {
    if (stores_together(on)) return rebuild_together(on, from);
    if (!on.has_sql()) return restart(on);
    return transactional(static_cast<session&>(on), restart);
  });
  if (!done) return done;
  {
    std::lock_guard guard{lock_};
    failed_.reset();
    ended_ = projection_end{};
  }
  changed_.notify_all();
  return {};
}

result<void> projection_core::empty_rows(session& on) {
  if (!setup_.options.on_rebuild) return {};
  result<void> emptied;
  handler_session limited{on};
  (void)guarded([&] { emptied = setup_.options.on_rebuild(limited); },
                [&](const std::string& what) {
                  emptied = fail(errc::projection_failed, "on_rebuild threw: " + what);
                });
  return emptied;
}

// Emptying the rows is no part of a transaction here. So a name that is no process owns the cells
// meanwhile: transactions under way are refused, and none begins before the lease is over.
result<void> projection_core::rebuild_together(session& on, const std::vector<position>& from) {
  constexpr int tries_max = 10;
  auto& storage = *on.projections();
  const auto owner = setup_.owner + " rebuilds";
  const auto taken = [&]() -> result<std::vector<projection_cell>> {
    auto cells = storage.cells(setup_.which);
    if (!cells) return cells;
    std::erase_if(*cells, [&](const auto& one) { return one.owner == owner; });
    return cells;
  };
  const auto wanted = wanted_cells(static_cast<std::uint32_t>(from.size()));
  if (auto done = storage.add(setup_.which, wanted); !done) return done;
  for (int tries = 0;; ++tries) {
    auto others = taken();
    if (!others) return fail(std::move(others.error()));
    if (others->empty()) break;
    if (tries == tries_max) {
      return fail(errc::unavailable, setup_.label + ": its cells cannot be taken for a rebuild");
    }
    if (auto given = storage.give_all(setup_.which, *others, owner); !given) return given;
  }
  auto emptied = empty_rows(on);
  auto others = taken();
  if (!others) return fail(std::move(others.error()));
  if (emptied && !others->empty()) {
    emptied = fail(errc::unavailable, setup_.label +
                                          ": emptying its rows took longer than its "
                                          "lease; rebuild it again");
  }
  if (emptied) return storage.restart(setup_.which, from);
  auto own = storage.cells(setup_.which);
  if (!own) return emptied;
  std::erase_if(*own, [&](const auto& one) { return one.owner != owner; });
  (void)storage.give_all(setup_.which, *own, {});
  return emptied;
}

result<std::vector<projection_failure>> projection_core::failures(std::size_t max) {
  return at_target(
      [&](journal_session& on) { return on.projections()->failures(setup_.which, max); });
}

result<void> projection_core::retry(const projection_failure& which) {
  if (fault_) return fail(*fault_);
  auto batch = setup_.handler->make_batch();
  std::optional<error> undecoded;
  bool found = false;
  {
    auto lent = setup_.source.sessions().borrow({.borrower = "a projection"});
    if (!lent) return fail(std::move(lent.error()));
    auto read = (*lent)->replay(which.of, which.number, which.number, 1, [&](const record_view& r) {
      found = true;
      auto added = batch->add(which.of, r);
      if (!added) undecoded = added.error();
      return true;
    });
    if (!read) return fail(std::move(read.error()));
    if (!found) {
      return fail(errc::history_erased,
                  fmt::format("event {} of {} has been erased", which.number, which.of.str()));
    }
  }
  return at_target([&](journal_session& on) { return retried(on, which, *batch, undecoded); });
}

result<void> projection_core::retried(journal_session& on, const projection_failure& which,
                                      projected_batch& batch,
                                      const std::optional<error>& undecoded) {
  auto& storage = *on.projections();
  bool missing = false;
  const auto handle = [&](session& s) -> result<void> {
    if (undecoded) return fail(*undecoded);
    // First, so that of two calls at once one finds nothing.
    auto removed = storage.remove_failure(setup_.which, which.of, which.number);
    if (!removed) return fail(std::move(removed.error()));
    missing = !*removed;
    if (missing) {
      return fail(errc::invalid_argument, fmt::format("{} has no failure of event {} of {}",
                                                      setup_.label, which.number, which.of.str()));
    }
    const no_waiting here{"a projection's handler"};
    handler_session limited{s};
    if (auto why = batch.handle_again(limited)) return fail(*std::move(why));
    return {};
  };
  const bool together = stores_together(on);
  const auto handle_together = [&]() -> result<void> {
    constexpr int collisions_max = 10;
    for (int collisions = 0;; ++collisions) {
      storage.hold_back();
      auto done = handle(on);
      if (done) {
        done = storage.store_together();
      } else {
        storage.drop_held_back();
      }
      if (done || done.error().code != errc::serialization_failed) return done;
      if (collisions == collisions_max) return done;
    }
  };
  auto done = together       ? handle_together()
              : on.has_sql() ? transactional(static_cast<session&>(on), handle)
                             : handle(on);
  if (done || missing) return done;
  auto again = which;
  again.error = done.error().message;
  ++again.attempts;
  // After a transaction the failure is still there, unless another call has handled the event.
  auto kept = on.has_sql() || together
                  ? storage.update_failure(setup_.which, again).map([](bool) {})
                  : storage.add_failure(setup_.which, again);
  if (!kept) return kept;
  return done;
}

}}}  // namespace nexus::v0::detail
