// The memory backend: the simplest implementation of the journal contract. Read it beside
// nexus/journal.hpp to see what a backend must do.
//
// One store, one mutex: each call of a session holds it from start to end, which makes the call the
// transaction that the contract requires. Sinks run outside of the lock, so they may use other
// sessions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>

#include "memory_documents.hpp"
#include "memory_store.hpp"
#include "nexus/journal_checks.hpp"
#include "nexus/memory.hpp"

namespace nexus { inline namespace v0 {
namespace {

using namespace memory;

class memory_session final : public journal_session {
 public:
  explicit memory_session(memory_store& s) : store_{s} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto outcomes = append_all(requests);
    if (any_to_read(requests, outcomes)) store_.appended->notify();
    return outcomes;
  }

  // No attempt outlives its call here, so an event that is not stored now never will be.
  result<settlement> settle(const append_request& request) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (request.only_due()) {
      return settled_as(request.due, request.writer, store_.alarms.of(request.id));
    }
    const auto& from = history_of(store_, request.id);
    const auto count = request.events.size();
    if (count == 0 || request.expected >= from.highest || request.expected + 1 < from.first() ||
        count > from.highest - request.expected) {
      return settlement::not_stored;
    }
    const auto first =
        from.records.begin() + static_cast<std::ptrdiff_t>(request.expected + 1 - from.first());
    const bool own = std::all_of(first, first + static_cast<std::ptrdiff_t>(count),
                                 [&](const auto& r) { return carried(request, r->view()); });
    return own ? settlement::stored : settlement::not_stored;
  }

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    return pass(copy_of(id, from, to, max), [&](const auto& r) { return sink(r.view()); });
  }

  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override {
    auto found = copy_of_all(from, max);
    if (!found) return fail(std::move(found.error()));
    return pass(*found, [&](const auto& r) { return sink(*r.of, r.view()); });
  }

  result<position> last(std::uint32_t) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (store_.journal.empty()) return position{};
    return store_.at(store_.journal.rbegin()->first);
  }

  result<void> save_reader(const stored_reader& reader) override {
    if (auto why = fault_of_reader(reader.name)) return fail(*std::move(why));
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (auto why = foreign(reader.at, 1, store_.epoch, "memory:")) return fail(*std::move(why));
    store_.readers.insert_or_assign(reader.name, reader);
    return {};
  }

  result<std::vector<stored_reader>> readers() override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    std::vector<stored_reader> all;
    for (const auto& [name, one] : store_.readers) all.push_back(one);
    return all;
  }

  result<void> forget_reader(std::string_view name) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (auto found = store_.readers.find(name); found != store_.readers.end()) {
      store_.readers.erase(found);
    }
    return {};
  }

  result<sequence_nr> highest(const persistence_id& id) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    return history_of(store_, id).highest;
  }

  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (const auto* reader = erase(store_, id, to, how)) {
      return fail(held_back_by(reader->name, id, "memory:"));
    }
    return {};
  }

  result<void> prune(std::span<const prune_request> requests) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    for (const auto& [id, snapshots_below, events_to] : requests) {
      if (snapshots_below > 0) erase_some(id, {.from = 0, .to = snapshots_below - 1});
      if (erase(store_, id, events_to, erasing::up_to_readers) == nullptr) continue;
      auto& to = store_.to_prune[id];
      to = std::max(to, events_to);
    }
    return {};
  }

  result<std::size_t> prune_held_back(std::size_t max) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    std::size_t pruned = 0;
    for (auto at = store_.to_prune.begin(); at != store_.to_prune.end() && pruned < max;) {
      const auto& [id, to] = *at;
      const auto first = history_of(store_, id).first();
      const bool held = erase(store_, id, to, erasing::up_to_readers) != nullptr;
      if (!held || history_of(store_, id).first() != first) ++pruned;
      at = held ? std::next(at) : store_.to_prune.erase(at);
    }
    return pruned;
  }

  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (strand >= strands()) return std::vector<stored_alarm>{};
    return store_.alarms.due(which, max);
  }

  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    return store_.alarms.of(id);
  }

  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (strand >= strands()) return std::vector<due_type>{};
    return store_.alarms.types(until, count_max);
  }

  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    return list(store_.histories, which, max, [](const history&) { return true; });
  }

  result<void> save_snapshots(std::span<const snapshot_request> requests) override {
    for (const auto& request : requests) {
      if (auto why = fault_of(request, limits_of_memory)) {
        return tl::unexpected<error>(*std::move(why));
      }
    }
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    for (const auto& [id, snapshot] : requests) {
      store_.snapshots[id.str()].insert_or_assign(
          snapshot.number,
          stored_snapshot{snapshot.number, std::string{snapshot.type}, snapshot.schema_version,
                          std::string{snapshot.codec}, std::string{snapshot.data}, snapshot.writer,
                          snapshot.time});
    }
    return {};
  }

  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    auto found = store_.snapshots.find(id.str());
    if (found == store_.snapshots.end()) return std::nullopt;
    auto past = found->second.upper_bound(within.to);
    if (past == found->second.begin()) return std::nullopt;
    const auto& [number, snapshot] = *std::prev(past);
    if (number < within.from) return std::nullopt;
    return snapshot;
  }

  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    erase_some(id, within);
    return {};
  }

  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    std::vector<sequence_nr> numbers;
    auto found = store_.snapshots.find(id.str());
    if (found == store_.snapshots.end()) return numbers;
    const auto& all = found->second;
    for (auto at = all.upper_bound(within.to); at != all.begin() && numbers.size() < max;) {
      if ((--at)->first < within.from) break;
      numbers.push_back(at->first);
    }
    return numbers;
  }

  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    auto outcomes = upsert_all(requests);
    if (any_to_read(requests, outcomes)) store_.appended->notify();
    return outcomes;
  }

  result<settlement> settle(const upsert_request& request) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    if (request.only_due()) {
      return settled_as(request.due, request.writer, store_.alarms.of(request.id));
    }
    auto found = store_.states.find(request.id.str());
    return settled_as(request, found == store_.states.end() ? nullptr : &found->second->value);
  }

  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    auto found = store_.states.find(id.str());
    if (found == store_.states.end()) return std::nullopt;
    return found->second->value;
  }

  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return fail(why_interrupted());
    return list(store_.states, which, max, [](const auto& s) { return !s->value.erased; });
  }

  result<void> read_states(position after, std::size_t max, const state_sink& sink) override {
    auto found = copy_of_states(after, max);
    if (!found) return fail(std::move(found.error()));
    return pass(*found, [&](const auto& s) { return sink(s.id, s.view()); });
  }

  document_storage* documents() noexcept override { return &documents_; }
  projection_storage* projections() noexcept override { return &projections_; }

  bool broken() const noexcept override { return interrupted_; }
  void interrupt() noexcept override { interrupted_ = true; }

 private:
  std::vector<append_outcome> upsert_all(std::span<const upsert_request> requests) {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return {requests.size(), failed{why_interrupted()}};
    std::vector<append_outcome> outcomes;
    outcomes.reserve(requests.size());
    for (const auto& request : requests) outcomes.push_back(upsert_one(store_, request));
    return outcomes;
  }

  template <class T>
  using shared = std::vector<std::shared_ptr<const T>>;
  using shared_records = shared<record>;

  template <class T, class Sink>
  result<void> pass(const shared<T>& found, Sink sink) {
    for (const auto& r : found) {
      if (interrupted_) break;
      if (!sink(*r)) return {};
    }
    if (interrupted_) return fail(why_interrupted());
    return {};
  }

  std::vector<append_outcome> append_all(std::span<const append_request> requests) {
    std::lock_guard guard{store_.lock};
    if (interrupted_) return {requests.size(), failed{why_interrupted()}};
    std::vector<append_outcome> outcomes;
    outcomes.reserve(requests.size());
    for (const auto& request : requests) outcomes.push_back(append_one(store_, request));
    return outcomes;
  }

  shared_records copy_of(const persistence_id& id, sequence_nr from, sequence_nr to,
                         std::size_t max) {
    std::lock_guard guard{store_.lock};
    const auto& all = history_of(store_, id);
    from = std::max(from, all.first());
    to = std::min(to, all.highest);
    if (from > to) return {};
    auto count = static_cast<std::ptrdiff_t>(std::min<sequence_nr>(max, to - from + 1));
    auto begin = all.records.begin() + static_cast<std::ptrdiff_t>(from - all.first());
    return {begin, begin + count};
  }

  result<shared_records> copy_of_all(reading_start from, std::size_t max) {
    std::lock_guard guard{store_.lock};
    if (auto why = foreign(from.after, 1, store_.epoch, "memory:")) return fail(*std::move(why));
    if (!from.from_kept && from.after.minor < store_.last_erased) {
      return fail(erased_past(from.after, "memory:"));
    }
    auto found = first_of(store_.journal, from.after, max);
    const auto last = store_.journal.empty() ? 0 : store_.journal.rbegin()->first;
    if (max > 0 && found.empty() && from.after.minor > std::max(last, store_.last_erased)) {
      return fail(past_the_end(from.after, "memory:"));
    }
    return found;
  }

  result<shared<state>> copy_of_states(position after, std::size_t max) {
    std::lock_guard guard{store_.lock};
    if (auto why = foreign(after, 1, store_.epoch, "memory:")) return fail(*std::move(why));
    return first_of(store_.changes, after, max);
  }

  template <class T>
  static shared<T> first_of(const std::map<std::uint64_t, std::shared_ptr<const T>>& all,
                            position after, std::size_t max) {
    shared<T> found;
    for (auto at = all.upper_bound(after.minor); at != all.end() && found.size() < max; ++at) {
      found.push_back(at->second);
    }
    return found;
  }

  void erase_some(const persistence_id& id, snapshot_bounds within) {
    auto found = store_.snapshots.find(id.str());
    if (found == store_.snapshots.end()) return;
    std::erase_if(found->second, [&](const auto& entry) {
      return entry.first >= within.from && entry.first <= within.to;
    });
    remove_bare_alarm(store_, id);
  }

  memory_store& store_;
  std::atomic<bool> interrupted_ = false;
  memory_documents documents_{store_, interrupted_};
  memory_projections projections_{store_.lock, store_.projections, interrupted_};
};

class memory_journal final : public journal {
 public:
  explicit memory_journal(std::uint64_t epoch) : store_{epoch} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    return std::make_unique<memory_session>(store_);
  }
  result<std::unique_ptr<journal_watch>> watch() override {
    return commit_signal::watch(store_.appended);
  }
  journal_limits limits() const override { return limits_of_memory; }
  std::string name() const override { return "memory:"; }

 private:
  memory_store store_;
};

result<std::shared_ptr<journal>> open_memory(const uri& where) {
  if (!where.path.empty()) {
    return fail(errc::invalid_argument,
                fmt::format("journal URI \"{}\": memory: takes no path", where.shown()));
  }
  if (auto known = where.only(std::array<std::string_view, 1>{"epoch"}); !known)
    return fail(known.error());
  auto epoch = new_epoch();
  if (const auto named = where.parameters.find("epoch"); named != where.parameters.end()) {
    const auto& text = named->second;
    const auto [at, why] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (why != std::errc{} || at != text.data() + text.size() || epoch == 0) {
      return fail(errc::invalid_argument,
                  fmt::format("journal URI \"{}\": epoch is no positive number", where.shown()));
    }
  }
  return std::make_shared<memory_journal>(epoch);
}

}  // namespace

backend memory_backend() { return {.scheme = "memory", .open = open_memory}; }

}}  // namespace nexus::v0
