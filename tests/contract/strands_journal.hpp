// A journal of several strands, made of one memory journal per strand, as a database with partitions
// would be: each strand has its own order.
#pragma once

#include <algorithm>
#include <memory>
#include <nexus/commit_signal.hpp>
#include <nexus/journal_checks.hpp>
#include <nexus/memory.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace nexus::test {

/// Calls of one id go to the session of its strand; positions are named by their strand.
class strands_session final : public journal_session {
 public:
  strands_session(std::vector<std::unique_ptr<journal_session>> of,
                  std::shared_ptr<commit_signal> changed)
      : strands_{std::move(of)}, changed_{std::move(changed)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto outcomes = spread(requests, [](auto& s, auto part) { return s.append(part); });
    if (any_to_read(requests, outcomes)) changed_->notify();
    return outcomes;
  }
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    auto outcomes = spread(requests, [](auto& s, auto part) { return s.upsert(part); });
    if (any_to_read(requests, outcomes)) changed_->notify();
    return outcomes;
  }
  result<settlement> settle(const append_request& r) override { return of(r.id).settle(r); }
  result<settlement> settle(const upsert_request& r) override { return of(r.id).settle(r); }
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    return of(id).replay(id, from, to, max, [&](record_view r) {
      r.at.strand = strand(id);
      return sink(r);
    });
  }
  std::uint32_t strands() const noexcept override {
    return static_cast<std::uint32_t>(strands_.size());
  }
  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override {
    const auto which = from.after.strand;
    if (auto why = unknown_strand(from.after)) return fail(*std::move(why));
    from.after.strand = 0;
    return strands_[which]->read_all(from, max, [&](const persistence_id& id, record_view r) {
      r.at.strand = which;
      return sink(id, r);
    });
  }
  result<void> read_states(position after, std::size_t max, const state_sink& sink) override {
    const auto which = std::exchange(after.strand, 0);
    return strands_.at(which)->read_states(after, max, [&](const auto& id, changed_state s) {
      s.at.strand = which;
      return sink(id, s);
    });
  }
  result<void> save_reader(const stored_reader& r) override {
    if (auto why = unknown_strand(r.at)) return fail(*std::move(why));
    auto inner = r;
    inner.at.strand = 0;
    return strands_[r.at.strand]->save_reader(inner);
  }
  result<std::vector<stored_reader>> readers() override {
    auto all = together([](auto& s) { return s.readers(); },
                        [](stored_reader& r, std::uint32_t strand) { r.at.strand = strand; });
    if (all) std::ranges::stable_sort(*all, {}, &stored_reader::name);
    return all;
  }
  result<void> forget_reader(std::string_view name) override {
    return each([&](auto& s) { return s.forget_reader(name); });
  }
  result<sequence_nr> highest(const persistence_id& id) override { return of(id).highest(id); }
  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override {
    return of(id).erase_to(id, to, how);
  }
  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override {
    if (strand >= strands()) return std::vector<stored_alarm>{};
    return strands_[strand]->due(0, which, max);
  }
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override {
    return of(id).alarm_of(id);
  }
  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override {
    if (strand >= strands()) return std::vector<due_type>{};
    return strands_[strand]->due_types(0, until, count_max);
  }
  result<void> prune(std::span<const prune_request> requests) override {
    for (const auto& one : requests) {
      if (auto done = of(one.id).prune({&one, 1}); !done) return done;
    }
    return {};
  }
  result<std::size_t> prune_held_back(std::size_t max) override {
    std::size_t all = 0;
    auto done = each([&](auto& s) -> result<void> {
      const auto pruned = s.prune_held_back(max - all);
      if (pruned) all += *pruned;
      return pruned ? result<void>{} : fail(pruned.error());
    });
    if (!done) return fail(std::move(done.error()));
    return all;
  }
  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override {
    return list(max, [&](auto& s) { return s.ids(which, max); });
  }
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override {
    return list(max, [&](auto& s) { return s.state_ids(which, max); });
  }
  result<void> save_snapshots(std::span<const snapshot_request> requests) override {
    for (const auto& one : requests) {  // all or none: the first pass only checks
      if (auto why = fault_of(one, journal_limits{})) return fail(*std::move(why));
    }
    for (const auto& one : requests) {
      if (auto done = of(one.id).save_snapshots({&one, 1}); !done) return done;
    }
    return {};
  }
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override {
    return of(id).load_snapshot(id, within);
  }
  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override {
    return of(id).erase_snapshots(id, within);
  }
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override {
    return of(id).snapshot_numbers(id, within, max);
  }
  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    return of(id).get_state(id);
  }
  document_storage* documents() noexcept override { return strands_.front()->documents(); }
  projection_storage* projections() noexcept override { return strands_.front()->projections(); }
  bool broken() const noexcept override { return strands_.front()->broken(); }
  void interrupt() noexcept override {
    for (auto& one : strands_) one->interrupt();
  }

 private:
  [[nodiscard]] std::uint32_t strand(const persistence_id& id) const {
    return strand_of(id.slice(), strands());
  }
  journal_session& of(const persistence_id& id) { return *strands_[strand(id)]; }

  [[nodiscard]] std::optional<error> unknown_strand(const position& at) const {
    return foreign(at, strands(), at.epoch, "strands:");
  }

  /// Each request to its strand; the outcomes in the order of the requests.
  template <class Request, class Call>
  std::vector<append_outcome> spread(std::span<const Request> requests, Call call) {
    std::vector<append_outcome> outcomes(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      auto one = call(of(requests[i].id), requests.subspan(i, 1));
      if (auto* done = std::get_if<stored>(&one[0])) done->last.strand = strand(requests[i].id);
      outcomes[i] = std::move(one[0]);
    }
    return outcomes;
  }

  template <class Call>
  result<void> each(Call call) {
    for (auto& one : strands_) {
      if (auto done = call(*one); !done) return done;
    }
    return {};
  }

  template <class Call, class Change>
  auto together(Call call, Change change) -> decltype(call(std::declval<journal_session&>())) {
    auto all = call(*strands_[0]);
    for (std::uint32_t i = 1; i < strands() && all; ++i) {
      auto more = call(*strands_[i]);
      if (!more) return more;
      for (auto& one : *more) change(one, i);
      all->insert(all->end(), more->begin(), more->end());
    }
    return all;
  }

  template <class Call>
  result<std::vector<persistence_id>> list(std::size_t max, Call call) {
    auto all = together(call, [](auto&, std::uint32_t) {});
    if (!all) return all;
    std::ranges::sort(*all, {}, &persistence_id::str);
    if (all->size() > max) all->erase(all->begin() + static_cast<std::ptrdiff_t>(max), all->end());
    return all;
  }

  const std::vector<std::unique_ptr<journal_session>> strands_;
  const std::shared_ptr<commit_signal> changed_;
};

class strands_journal final : public journal {
 public:
  explicit strands_journal(std::uint32_t count) {
    std::random_device random;
    const auto one_numbering = uri::parse("memory:?epoch=" + std::to_string(random() | 1)).value();
    for (std::uint32_t i = 0; i < count; ++i) {
      strands_.push_back(memory_backend().open(one_numbering).value());
    }
  }

  result<std::unique_ptr<journal_session>> open_session() override {
    std::vector<std::unique_ptr<journal_session>> sessions;
    for (const auto& one : strands_) sessions.push_back(one->open_session().value());
    return std::make_unique<strands_session>(std::move(sessions), changed_);
  }
  result<std::unique_ptr<journal_watch>> watch() override { return commit_signal::watch(changed_); }
  std::uint32_t strands() const noexcept override {
    return static_cast<std::uint32_t>(strands_.size());
  }
  journal_limits limits() const override { return strands_.front()->limits(); }
  std::string name() const override { return "strands:"; }

 private:
  std::vector<std::shared_ptr<journal>> strands_;
  const std::shared_ptr<commit_signal> changed_ = std::make_shared<commit_signal>();
};

/// `strands:`, a journal of so many strands.
inline backend strands_backend(std::uint32_t count) {
  auto open = [count](const uri& where) -> result<std::shared_ptr<journal>> {
    if (auto known = where.only({}); !known) return fail(std::move(known.error()));
    return std::make_shared<strands_journal>(count);
  };
  return {.scheme = "strands", .open = open};
}

}  // namespace nexus::test
