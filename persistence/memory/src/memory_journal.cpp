// The memory backend: the journal contract with nothing in its way. Read it beside
// nexus/journal.hpp to see what a backend owes.
//
// One store, one mutex: a call of a session holds it from beginning to end, which makes the call the
// transaction that the contract asks for. Sinks run outside of it, so they may use other sessions.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <tuple>

#include "nexus/backend.hpp"

namespace nexus::inline v0 {
namespace {

constexpr journal_limits limits_of_memory{};

struct record {
  position at;
  ulid writer;
  std::string type;
  std::uint32_t schema_version;
  std::string codec;
  std::string data;
  std::string metadata;
  timestamp time;

  record(position where, const ulid& who, const event_view& event)
      : at{where},
        writer{who},
        type{event.type},
        schema_version{event.schema_version},
        codec{event.codec},
        data{event.data},
        metadata{event.metadata},
        time{event.time} {}

  event_view event() const { return {type, schema_version, codec, data, metadata, time}; }
};

bool same(const event_view& a, const event_view& b) {
  auto fields = [](const event_view& e) {
    return std::tie(e.type, e.schema_version, e.codec, e.data, e.metadata, e.time);
  };
  return fields(a) == fields(b);
}

/// An id's records; erased ones are missing at the front, while `highest` stays. Shared, so that a
/// replay keeps what it is about to pass without holding the lock.
struct history {
  sequence_nr highest = 0;
  std::deque<std::shared_ptr<const record>> records;

  sequence_nr first() const { return highest - records.size() + 1; }
};

struct memory_store {
  std::mutex lock;
  std::uint64_t last_position = 0;
  // Ordered bytewise by the whole `type|id`, which is the order `ids` lists in.
  std::map<std::string, history, std::less<>> histories;
  std::map<std::string, std::map<sequence_nr, stored_snapshot>, std::less<>> snapshots;
};

const history& history_of(const memory_store& s, const persistence_id& id) {
  static const history none;
  auto found = s.histories.find(id.str());
  return found == s.histories.end() ? none : found->second;
}

error too_large(const persistence_id& id, std::string_view what, std::size_t size,
                std::size_t max) {
  return {errc::too_large, fmt::format("{}: {} {}, at most {} allowed", id.str(), size, what, max)};
}

std::optional<error> fault_of(const append_request& request) {
  const auto& [payload_bytes_max, request_events_max] = limits_of_memory;
  if (request.events.empty()) {
    return error{errc::invalid_argument, request.id.str() + ": a request without events"};
  }
  if (request.events.size() > request_events_max) {
    return too_large(request.id, "events", request.events.size(), request_events_max);
  }
  for (const auto& event : request.events) {
    if (event.data.size() > payload_bytes_max) {
      return too_large(request.id, "bytes of payload", event.data.size(), payload_bytes_max);
    }
  }
  return std::nullopt;
}

append_outcome append_one(memory_store& s, const append_request& request) {
  if (auto fault = fault_of(request)) return rejected{*std::move(fault)};
  auto highest = history_of(s, request.id).highest;
  if (request.expected != highest) return conflict{highest};
  auto& into = s.histories[request.id.str()];
  for (const auto& event : request.events) {
    position at{.major = 0, .minor = ++s.last_position};
    into.records.push_back(std::make_shared<const record>(at, request.writer, event));
  }
  into.highest += request.events.size();
  return stored{into.records.back()->at};
}

class memory_session final : public journal_session {
 public:
  explicit memory_session(memory_store& s) : store_{s} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    std::lock_guard guard{store_.lock};
    std::vector<append_outcome> outcomes;
    outcomes.reserve(requests.size());
    for (const auto& request : requests) outcomes.push_back(append_one(store_, request));
    return outcomes;
  }

  // No attempt outlives its call here, so what is not stored by now never will be.
  result<settlement> settle(const append_request& request) override {
    std::lock_guard guard{store_.lock};
    const auto& from = history_of(store_, request.id);
    auto events = request.events;
    if (events.empty() || request.expected >= from.highest || request.expected + 1 < from.first() ||
        events.size() > from.highest - request.expected) {
      return settlement::not_stored;
    }
    auto skipped = static_cast<std::ptrdiff_t>(request.expected + 1 - from.first());
    bool own = std::equal(events.begin(), events.end(), from.records.begin() + skipped,
                          [&](const event_view& event, const auto& r) {
                            return r->writer == request.writer && same(r->event(), event);
                          });
    return own ? settlement::stored : settlement::not_stored;
  }

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    auto [number, records] = copy_of(id, from, to, max);
    for (const auto& r : records) {
      if (!sink({number++, r->at, r->writer, r->event()})) break;
    }
    return {};
  }

  result<sequence_nr> highest(const persistence_id& id) override {
    std::lock_guard guard{store_.lock};
    return history_of(store_, id).highest;
  }

  result<void> erase_to(const persistence_id& id, sequence_nr to) override {
    std::lock_guard guard{store_.lock};
    auto found = store_.histories.find(id.str());
    if (found == store_.histories.end()) return {};
    auto& from = found->second;
    while (!from.records.empty() && from.first() <= to) from.records.pop_front();
    return {};
  }

  result<std::vector<persistence_id>> ids(std::string_view type, std::string_view after,
                                          std::size_t max) override {
    std::lock_guard guard{store_.lock};
    auto prefix = type.empty() ? std::string{} : fmt::format("{}|", type);
    std::vector<persistence_id> found;
    auto at = store_.histories.upper_bound(fmt::format("{}{}", prefix, after));
    for (; at != store_.histories.end() && found.size() < max; ++at) {
      if (!at->first.starts_with(prefix)) break;
      found.push_back(persistence_id::parse(at->first).value());
    }
    return found;
  }

  result<void> save_snapshots(std::span<const snapshot_request> requests) override {
    for (const auto& [id, snapshot] : requests) {
      auto size = snapshot.data.size();
      auto size_max = limits_of_memory.payload_bytes_max;
      if (size > size_max) return fail(too_large(id, "bytes of snapshot", size, size_max));
    }
    std::lock_guard guard{store_.lock};
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
    auto found = store_.snapshots.find(id.str());
    if (found == store_.snapshots.end()) return {};
    std::erase_if(found->second, [&](const auto& entry) {
      return entry.first >= within.from && entry.first <= within.to;
    });
    return {};
  }

 private:
  using shared_records = std::vector<std::shared_ptr<const record>>;

  /// The records to replay, and the number of the first.
  std::pair<sequence_nr, shared_records> copy_of(const persistence_id& id, sequence_nr from,
                                                 sequence_nr to, std::size_t max) {
    std::lock_guard guard{store_.lock};
    const auto& all = history_of(store_, id);
    from = std::max(from, all.first());
    to = std::min(to, all.highest);
    if (from > to) return {};
    auto count = static_cast<std::ptrdiff_t>(std::min<sequence_nr>(max, to - from + 1));
    auto begin = all.records.begin() + static_cast<std::ptrdiff_t>(from - all.first());
    return {from, shared_records(begin, begin + count)};
  }

  memory_store& store_;
};

class memory_journal final : public journal {
 public:
  result<std::unique_ptr<journal_session>> open_session() override {
    return std::make_unique<memory_session>(store_);
  }
  journal_limits limits() const override { return limits_of_memory; }
  std::string name() const override { return "memory:"; }

 private:
  memory_store store_;
};

result<std::shared_ptr<journal>> open_memory(const uri& where) {
  if (!where.path.empty()) {
    return fail(errc::invalid_argument,
                fmt::format("journal URI \"{}\": memory: takes no path", where.text));
  }
  if (auto known = where.only({}); !known) return fail(known.error());
  return std::make_shared<memory_journal>();
}

}  // namespace

backend memory_backend() { return {.scheme = "memory", .open = open_memory, .writers = 1}; }

}  // namespace nexus::inline v0
