// A batch that is handled strand by strand, for targets that store documents and offsets in one
// transaction of few writes: in the order of time its events would soon be of as many strands as a
// transaction takes, and each transaction would move all these offsets.
//
// Threads: as projected_batch.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "nexus/detail/projection_core.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class batch_by_strand final : public projected_batch {
 public:
  explicit batch_by_strand(projection_handler& handler) : handler_{handler} {}

  result<void> add(const persistence_id& of, const record_view& r) override {
    auto& part = parts_[r.at.strand];
    if (!part) part = handler_.make_batch();
    const auto size = part->size();
    const auto events = part->events();
    auto added = part->add(of, r);
    size_ += part->size() - size;
    events_ += part->events() - events;
    return added;
  }

  std::size_t size() const noexcept override { return size_; }
  std::size_t events() const noexcept override { return events_; }
  const position& at(std::size_t i) const noexcept override {
    const auto found = place_of(i);
    return found.part->at(found.i);
  }
  timestamp time(std::size_t i) const noexcept override {
    const auto found = place_of(i);
    return found.part->time(found.i);
  }
  /// The oldest of the strands' next events; those behind them are hardly older.
  timestamp oldest_from(std::size_t i) const noexcept override {
    const auto found = place_of(i);
    auto at = parts_.find(found.part->at(found.i).strand);
    auto oldest = found.part->oldest_from(found.i);
    for (++at; at != parts_.end(); ++at) {
      if (at->second->size() > 0) oldest = std::min(oldest, at->second->oldest_from(0));
    }
    return oldest;
  }
  projection_failure describe(std::size_t i) const override {
    const auto found = place_of(i);
    return found.part->describe(found.i);
  }

  /// A handler of several events gets those of one strand at a time.
  handled handle(session& on, std::size_t from, std::size_t to,
                 std::chrono::steady_clock::time_point until) override {
    handled done{from};
    while (done.end < to && (done.end == from || std::chrono::steady_clock::now() < until)) {
      const auto next = place_of(done.end);
      const auto before = done.end - next.i;
      const auto end = std::min(to - before, next.part->size());
      done = next.part->handle(on, next.i, end, until);
      const bool whole = done.end == end && !done.failed;
      done.end += before;
      if (!whole) break;
    }
    return done;
  }

  std::optional<error> handle_again(session& on) override {
    return size_ == 0 ? std::nullopt : place_of(0).part->handle_again(on);
  }

 private:
  struct place {
    projected_batch* part;
    std::size_t i;
  };
  [[nodiscard]] place place_of(std::size_t i) const noexcept {
    auto at = parts_.begin();
    for (; i >= at->second->size(); ++at) i -= at->second->size();
    return {at->second.get(), i};
  }

  projection_handler& handler_;
  std::map<std::uint32_t, std::unique_ptr<projected_batch>> parts_;
  std::size_t size_ = 0, events_ = 0;
};

}}}
