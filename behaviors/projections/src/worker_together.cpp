// Batches on targets without SQL: the documents of the handler and the offset are stored at once, or,
// where the target cannot do that, the offset after the handler.
#include <algorithm>
#include <vector>

#include "nexus/detail/handler_session.hpp"
#include "nexus/detail/may_wait.hpp"
#include "worker.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

using std::chrono::steady_clock;

class keeping_back {
 public:
  explicit keeping_back(projection_storage& on) : on_{on} { on_.hold_back(); }
  ~keeping_back() { on_.drop_held_back(); }
  keeping_back(const keeping_back&) = delete;
  keeping_back& operator=(const keeping_back&) = delete;

 private:
  projection_storage& on_;
};

bool has(const std::vector<std::uint32_t>& all, std::uint32_t one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

projection_worker::outcome projection_worker::attempt_without_sql(
    projected_batch& batch, std::size_t from, std::size_t to, const std::vector<position>& up_to) {
  if (stores_together(*session_)) {
    return attempt_together(batch, from, to, up_to);
  }
  const auto started = steady_clock::now();
  auto done = handled_by(batch, from, to, started);
  if (done.end == from) return refused(*std::move(done.failed), from);
  return store_after(batch, from, done.end, up_to, started);  // the next attempt tells of a failure
}

projection_worker::outcome projection_worker::store_after(projected_batch& batch, std::size_t from,
                                                          std::size_t end,
                                                          const std::vector<position>& up_to,
                                                          time_point started) {
  const auto target = reached(batch, from, end, up_to);
  auto all = steps_to(target);
  if (auto got = move(all); got.how != outcome::kind::done) return got;
  learn(end - from, steady_clock::now() - started);
  return done({std::move(all), target, &batch, from, end});
}

projected_batch::handled projection_worker::handled_by(projected_batch& batch, std::size_t from,
                                                       std::size_t to, time_point started) {
  handler_session on{*session_};
  const no_waiting here{"a projection's handler"};
  return batch.handle(on, from, to, later(started, batch_time()));
}

// Only the strands whose events were handled are stored with the documents: a transaction may not
// take all of them. The others have nothing to handle up to `up_to`, and follow.
projection_worker::outcome projection_worker::attempt_together(projected_batch& batch,
                                                               std::size_t from, std::size_t to,
                                                               const std::vector<position>& up_to) {
  auto& storage = *session_->projections();
  for (;;) {
    const auto end = end_together(batch, from, to, storage.together_max());
    const keeping_back until_stored{storage};
    const auto started = steady_clock::now();
    auto handled = handled_by(batch, from, end, started);
    if (handled.failed) return refused(*std::move(handled.failed), handled.end);
    writes_ = storage.holds_documents();
    if (!writes_) {
      storage.drop_held_back();
      return store_after(batch, from, handled.end, up_to, started);
    }
    std::vector<std::uint32_t> with_events;
    for (auto i = from; i < handled.end; ++i) {
      if (!has(with_events, batch.at(i).strand)) with_events.push_back(batch.at(i).strand);
    }
    change what{.batch = &batch, .from = from, .end = handled.end};
    std::vector<position> others;
    for (const auto& one : reached(batch, from, handled.end, up_to)) {
      (has(with_events, one.strand) ? what.to : others).push_back(one);
    }
    auto got = store_together(what);
    const auto events = handled.end - from;
    if (got.why.code == errc::too_large && got.how == outcome::kind::failing && events > 1) {
      together_ = std::clamp<std::size_t>(events / 2, 1, storage.together_max());
      continue;
    }
    if (got.how != outcome::kind::done) return got;
    learn(events, steady_clock::now() - started);
    if (together_ > 0 && events >= together_) together_ += together_ / 4 + 1;
    const auto rest = follow(others);
    return rest.how == outcome::kind::lost ? rest : got;
  }
}

std::size_t projection_worker::end_together(const projected_batch& batch, std::size_t from,
                                            std::size_t to, std::size_t most) {
  if (!writes_) return to;  // if it does now, the batch may be too large, and is tried again
  if (together_ == 0) together_ = most;
  std::vector<std::uint32_t> strands;
  for (auto i = from; i < to; ++i) {
    if (i - from == together_) return i;
    if (has(strands, batch.at(i).strand)) continue;
    if (strands.size() == std::max<std::size_t>(most / 2, 1)) return i;
    strands.push_back(batch.at(i).strand);
  }
  return to;
}

// What the handler has written, and the moves to `what.to`.
projection_worker::outcome projection_worker::store_together(change& what) {
  for (const auto& one : what.to) {
    auto some = group_.steps_to(one);
    what.moves.insert(what.moves.end(), some.begin(), some.end());
  }
  if (auto got = move(what.moves); got.how != outcome::kind::done) return got;
  auto stored = session_->projections()->store_together();
  if (stored) return done(what);
  auto& why = stored.error();
  if (why.code == errc::conflict) return lost("has taken some of its cells");
  if (why.code == errc::outcome_unknown) {
    in_doubt_ = std::move(what);
    return {outcome::kind::unknown, 0, std::move(why)};
  }
  return refused(std::move(why), what.from);
}

projection_worker::outcome projection_worker::skip_together(const projection_failure& skipped,
                                                            const std::vector<position>& to) {
  auto& storage = *session_->projections();
  const keeping_back until_stored{storage};
  if (auto added = storage.add_failure(of_.which, skipped); !added) {
    return {outcome::kind::trouble, 0, std::move(added.error())};
  }
  change what{.skips = true};
  std::vector<position> others;
  for (const auto& one : to) {
    (one.strand == skipped.at.strand ? what.to : others).push_back(one);
  }
  if (auto got = store_together(what); got.how != outcome::kind::done) return got;
  const auto rest = follow(others);
  return rest.how == outcome::kind::lost ? rest : outcome{};
}

}}}  // namespace nexus::v0::detail
