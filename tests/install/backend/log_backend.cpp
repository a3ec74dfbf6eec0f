#include "log_backend.hpp"

#include <atomic>
#include <mutex>
#include <nexus/commit_signal.hpp>
#include <nexus/journal_checks.hpp>

#include "log_file.hpp"
#include "log_index.hpp"

namespace {

using namespace nexus;

// Smaller than the default: a frame is in memory as a whole.
constexpr journal_limits limits_of_log{.payload_bytes_max = std::size_t{1} << 20,
                                       .request_events_max = 10'000};

/// The state shared by the sessions of one journal object.
struct core {
  std::string name;
  std::unique_ptr<log_file> file;
  std::mutex lock;
  log_index index;
  const std::shared_ptr<commit_signal> appended = std::make_shared<commit_signal>();
};

std::string bytes_of(const ulid& writer) { return {writer.bytes.begin(), writer.bytes.end()}; }

ulid ulid_of(std::string_view bytes) {
  ulid made;
  std::copy_n(bytes.begin(), std::min(bytes.size(), made.bytes.size()), made.bytes.begin());
  return made;
}

std::int64_t micros(timestamp t) { return t.time_since_epoch().count(); }
timestamp time_of(const entry& e) { return timestamp{std::chrono::microseconds{e.micros}}; }

entry entry_of(const append_request& request, sequence_nr number, const event_view& e) {
  entry made{entry::event, request.id.str(), number};
  made.writer = bytes_of(request.writer);
  made.type = e.type;
  made.schema_version = e.schema_version;
  made.codec = e.codec;
  made.data = e.data;
  made.metadata = e.metadata;
  made.micros = micros(e.time);
  for (auto tag : sorted_tags(e.tags)) made.tags.emplace_back(tag);
  return made;
}

/// For a snapshot or a state.
template <class View>
entry entry_of(entry::kind of, const persistence_id& id, sequence_nr number, const View& v) {
  entry made{of, id.str(), number};
  made.type = v.type;
  made.schema_version = v.schema_version;
  made.codec = v.codec;
  made.data = v.data;
  return made;
}

template <class Stored>
void fill(Stored& into, entry& e) {
  into.type = std::move(e.type);
  into.schema_version = e.schema_version;
  into.codec = std::move(e.codec);
  into.data = std::move(e.data);
  into.writer = ulid_of(e.writer);
  into.time = time_of(e);
}

class log_session final : public journal_session {
 public:
  explicit log_session(std::shared_ptr<core> of) : core_{std::move(of)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto position = [this] { return core_->index.last_position; };
    auto outcomes =
        write(requests,
              [&](const append_request& r, std::vector<entry>& into,
                  std::uint64_t& events) -> append_outcome {
                if (const auto highest = core_->index.highest(r.id); highest != r.expected) {
                  return conflict{highest};
                }
                if (auto why = past_the_last_number(r)) return rejected{*std::move(why)};
                auto number = r.expected;
                for (const auto& e : r.events) into.push_back(entry_of(r, ++number, e));
                events += r.events.size();
                return stored{{0, position() + events}};
              });
    core_->appended->notify(outcomes);
    return outcomes;
  }

  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    return write(
        requests,
        [&](const upsert_request& r, std::vector<entry>& into, std::uint64_t&) -> append_outcome {
          if (const auto version = core_->index.version(r.id); version != r.expected) {
            return conflict{version};
          }
          auto& made = into.emplace_back(
              entry_of(entry::state, r.id, r.next, r.value.value_or(state_view{.codec = {}})));
          made.erased = !r.value;
          made.writer = bytes_of(r.writer);
          made.micros = micros(r.time);
          return stored{};
        });
  }

  // The mark is durable before the truth is read: a commit whose sync failed cannot come back after
  // it.
  result<settlement> settle(const append_request& request) override {
    return locked(true, [&]() -> result<settlement> {
      if (auto done = write_frame({entry{}}); !done) return fail(std::move(done.error()));
      const auto count = request.events.size();
      if (count == 0 || past_the_last_number(request)) return settlement::not_stored;
      const auto found =
          core_->index.range(request.id, request.expected + 1, request.expected + count, count);
      if (found.size() != count) return settlement::not_stored;
      for (const auto& one : found) {
        bool own = false;
        auto read = pass(request.id, one, [&](const record_view& r) {
          own = carried(request, r);
          return true;
        });
        if (!read) return fail(std::move(read.error()));
        if (!own) return settlement::not_stored;
      }
      return settlement::stored;
    });
  }

  result<settlement> settle(const upsert_request& request) override {
    return locked(true, [&]() -> result<settlement> {
      if (auto done = write_frame({entry{}}); !done) return fail(std::move(done.error()));
      const auto version = core_->index.version(request.id);
      if (version > request.next) return settlement::superseded;
      if (version < request.next) return settlement::not_stored;
      const auto found = read_state(request.id);
      if (!found) return fail(found.error());
      return carried(request, **found) ? settlement::stored : settlement::not_stored;
    });
  }

  // Records in the file do not move: places looked up under the lock are read, and passed, without
  // it.
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    std::vector<log_index::stored_event> found;
    auto looked_up = locked(false, [&]() -> result<void> {
      found = core_->index.range(id, from, to, max);
      return {};
    });
    if (!looked_up) return looked_up;
    bool more = true;
    for (const auto& one : found) {
      auto read = pass(id, one, [&](const record_view& r) { return more = sink(r); });
      if (!read || !more) return read;
    }
    return {};
  }

  // Positions are assigned in the order of the file, so no event appears before one already read.
  result<void> read_all(position after, std::size_t max, const journal_sink& sink) override {
    std::vector<std::pair<persistence_id, log_index::stored_event>> found;
    auto looked_up = locked(false, [&]() -> result<void> {
      auto at = core_->index.order.upper_bound(after);
      for (; at != core_->index.order.end() && found.size() < max; ++at) {
        found.emplace_back(*persistence_id::parse(at->second.first),
                           log_index::stored_event{0, at->first, at->second.second});
      }
      return {};
    });
    if (!looked_up) return looked_up;
    bool more = true;
    for (const auto& [id, one] : found) {
      auto read = pass(id, one, [&, &id = id](const record_view& r) { return more = sink(id, r); });
      if (!read || !more) return read;
    }
    return {};
  }

  result<sequence_nr> highest(const persistence_id& id) override {
    return locked(false, [&]() -> result<sequence_nr> { return core_->index.highest(id); });
  }

  result<void> erase_to(const persistence_id& id, sequence_nr to) override {
    return locked(true, [&]() -> result<void> {
      if (core_->index.range(id, 0, to, 1).empty()) return {};
      return write_frame({entry{entry::erase_events, id.str(), to}});
    });
  }

  result<std::vector<persistence_id>> ids(std::string_view type, std::string_view after,
                                          std::size_t max) override {
    return locked(false, [&]() -> result<std::vector<persistence_id>> {
      return log_index::list(core_->index.histories, type, after, max,
                             [](const auto&) { return true; });
    });
  }

  result<void> save_snapshots(std::span<const snapshot_request> requests) override {
    std::vector<entry> made;
    for (const auto& r : requests) {
      if (auto why = fault_of(r, limits_of_log)) return fail(*std::move(why));
      made.push_back(entry_of(entry::snapshot, r.id, r.snapshot.number, r.snapshot));
      made.back().writer = bytes_of(r.snapshot.writer);
      made.back().micros = micros(r.snapshot.time);
    }
    return locked(true, [&] { return made.empty() ? result<void>{} : write_frame(made); });
  }

  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override {
    return locked(false, [&]() -> result<std::optional<stored_snapshot>> {
      const auto& all = core_->index.snapshots_of(id);
      auto past = all.upper_bound(within.to);
      if (past == all.begin() || std::prev(past)->first < within.from) return std::nullopt;
      auto found = core_->file->read(std::prev(past)->second);
      if (!found) return fail(std::move(found.error()));
      stored_snapshot snapshot{.number = found->number};
      fill(snapshot, *found);
      return snapshot;
    });
  }

  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override {
    return locked(true, [&] {
      return write_frame({entry{entry::erase_snapshots, id.str(), within.to, within.from}});
    });
  }

  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override {
    return locked(false, [&]() -> result<std::vector<sequence_nr>> {
      std::vector<sequence_nr> numbers;
      const auto& all = core_->index.snapshots_of(id);
      for (auto at = all.upper_bound(within.to); at != all.begin() && numbers.size() < max;) {
        if ((--at)->first < within.from) break;
        numbers.push_back(at->first);
      }
      return numbers;
    });
  }

  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    return locked(false, [&] { return read_state(id); });
  }

  result<std::vector<persistence_id>> state_ids(std::string_view type, std::string_view after,
                                                std::size_t max) override {
    return locked(false, [&]() -> result<std::vector<persistence_id>> {
      return log_index::list(core_->index.states, type, after, max,
                             [](const auto& head) { return !head.erased; });
    });
  }

  bool broken() const noexcept override { return interrupted_; }
  void interrupt() noexcept override { interrupted_ = true; }

 private:
  /// Every call uses this: it locks the file and updates the index.
  template <class Work>
  auto locked(bool exclusive, Work work) -> decltype(work()) {
    std::lock_guard guard{core_->lock};
    const log_file::lock others{*core_->file, exclusive};
    if (interrupted_) {
      return fail(core_->file->trouble(errc::pool_closed, "the session was interrupted"));
    }
    if (auto done = catch_up(); !done) return fail(std::move(done.error()));
    return work();
  }

  result<void> catch_up() {
    return core_->file->catch_up([this](const entry& e, place at) { core_->index.apply(e, at); });
  }

  result<void> write_frame(const std::vector<entry>& entries) {
    bool in_doubt = false;
    return write_frame(entries, in_doubt);
  }
  result<void> write_frame(const std::vector<entry>& entries, bool& in_doubt) {
    if (auto done = core_->file->commit(entries, in_doubt); !done) return done;
    return catch_up();
  }

  // append and upsert: one frame for all valid requests.
  template <class Request, class Take>
  std::vector<append_outcome> write(std::span<const Request> requests, Take take) {
    std::vector<append_outcome> outcomes(requests.size());
    bool in_doubt = false;
    auto done = locked(true, [&]() -> result<void> {
      std::vector<entry> entries;
      std::uint64_t events = 0;
      for (std::size_t i = 0; i < requests.size(); ++i) {
        if (auto why = fault_of(requests[i], limits_of_log)) {
          outcomes[i] = rejected{*std::move(why)};
        } else {
          outcomes[i] = take(requests[i], entries, events);
        }
      }
      return entries.empty() ? result<void>{} : write_frame(entries, in_doubt);
    });
    if (done) return outcomes;
    for (auto& outcome : outcomes) {
      if (!std::holds_alternative<stored>(outcome)) continue;  // a conflict or rejection is certain
      outcome = in_doubt ? append_outcome{unknown{done.error()}} : failed{done.error()};
    }
    return outcomes;
  }

  template <class Sink>
  result<void> pass(const persistence_id& id, const log_index::stored_event& one, Sink sink) {
    if (interrupted_) {
      return fail(core_->file->trouble(errc::pool_closed, "the session was interrupted"));
    }
    auto e = core_->file->read(one.where);
    if (!e) {
      return fail(e.error().code, "event " + std::to_string(one.number) + " of " + id.str() + ": " +
                                      e.error().message);
    }
    const std::vector<std::string_view> tags{e->tags.begin(), e->tags.end()};
    sink(record_view{
        e->number,
        one.at,
        ulid_of(e->writer),
        {e->type, e->schema_version, e->codec, e->data, e->metadata, time_of(*e), tags}});
    return {};
  }

  result<std::optional<stored_state>> read_state(const persistence_id& id) {
    const auto head = core_->index.states.find(id.str());
    if (head == core_->index.states.end()) return std::nullopt;
    auto found = core_->file->read(head->second.where);
    if (!found) return fail(std::move(found.error()));
    stored_state state{.version = found->number, .erased = found->erased};
    fill(state, *found);
    return state;
  }

  const std::shared_ptr<core> core_;
  std::atomic<bool> interrupted_ = false;
};

class log_journal final : public journal {
 public:
  explicit log_journal(std::shared_ptr<core> of) : core_{std::move(of)} {}

  result<std::unique_ptr<journal_session>> open_session() override {
    return std::make_unique<log_session>(core_);
  }
  result<std::unique_ptr<journal_watch>> watch() override {
    return commit_signal::watch(core_->appended);
  }
  journal_limits limits() const override { return limits_of_log; }
  std::string name() const override { return core_->name; }

 private:
  const std::shared_ptr<core> core_;
};

}  // namespace

nexus::backend log_backend(std::function<int(int)> sync) {
  auto open = [sync = std::move(sync)](const uri& where) -> result<std::shared_ptr<journal>> {
    if (auto known = where.only({}); !known) return fail(std::move(known.error()));
    if (where.path.empty()) {
      return fail(errc::invalid_argument, "journal URI \"" + where.shown() + "\": no path");
    }
    auto file = log_file::open(where.path, sync);
    if (!file) return fail(std::move(file.error()));
    auto made = std::make_shared<core>();
    made->name = "log:" + where.path;
    made->file = std::move(*file);
    // Damage is reported now, and not by the first entity.
    auto journal = std::make_shared<log_journal>(made);
    if (auto first = journal->open_session().value()->ids({}, 1); !first) {
      return fail(std::move(first.error()));
    }
    return journal;
  };
  return {.scheme = "log", .open = open};
}
