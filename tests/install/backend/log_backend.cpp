#include "log_backend.hpp"

#include <algorithm>
#include <mutex>
#include <nexus/commit_signal.hpp>
#include <nexus/journal_checks.hpp>
#include <nexus/memory.hpp>

#include "log_file.hpp"

namespace {

using namespace nexus;

// Smaller than the default: a frame is in memory as a whole.
constexpr journal_limits limits_of_log{.payload_bytes_max = std::size_t{1} << 20,
                                       .request_events_max = 10'000};

std::string bytes_of(const ulid& writer) { return {writer.bytes.begin(), writer.bytes.end()}; }

ulid ulid_of(std::string_view bytes) {
  ulid made;
  std::copy_n(bytes.begin(), std::min(bytes.size(), made.bytes.size()), made.bytes.begin());
  return made;
}

timestamp time_of(const entry& e) { return timestamp{std::chrono::microseconds{e.micros}}; }

erasing erasing_of(const entry& e) { return e.erased ? erasing::forced : erasing::up_to_readers; }

/// For an event, a snapshot or a state.
template <class View>
entry entry_of(entry::kind of, const persistence_id& id, sequence_nr number, const ulid& writer,
               timestamp time, const View& v) {
  entry made{of, id.str(), number};
  made.writer = bytes_of(writer);
  made.micros = time.time_since_epoch().count();
  made.type = v.type;
  made.schema_version = v.schema_version;
  made.codec = v.codec;
  made.data = v.data;
  return made;
}

/// The entry with what becomes of the alarm.
entry& with_due(entry& e, const due_change& due) {
  e.due = static_cast<std::uint8_t>(due.what);
  e.due_micros = due.at.time_since_epoch().count();
  return e;
}

due_change due_of(const entry& e) {
  return {static_cast<due_change::kind>(e.due), timestamp{std::chrono::microseconds{e.due_micros}}};
}

/// The state shared by the sessions of one journal object: the file, and what it holds.
struct core {
  explicit core(std::unique_ptr<log_file> opened) : file{std::move(opened)} {}

  std::unique_ptr<log_file> file;
  std::mutex lock;
  std::shared_ptr<journal> content =
      memory_backend().open(*uri::parse("memory:?epoch=" + std::to_string(file->epoch()))).value();
  std::unique_ptr<journal_session> applies = content->open_session().value();
  std::size_t pruned = 0;  // by the last entry of its kind
  const std::shared_ptr<commit_signal> appended = std::make_shared<commit_signal>();
};

/// Applies what was committed to the content, in the order of the file, so that it is the same in
/// every process. Returns the position of an event.
position apply(core& c, const entry& e) {
  auto& to = *c.applies;
  if (e.of == entry::reader) (void)to.save_reader({e.id, *position::parse(e.type), time_of(e)});
  if (e.of == entry::forget_reader) (void)to.forget_reader(e.id);
  if (e.of == entry::prune_held_back) c.pruned = *to.prune_held_back(e.number);
  const auto id = persistence_id::parse(e.id);
  if (!id) return {};  // one of these, or a mark
  const auto writer = ulid_of(e.writer);
  if (e.of == entry::event) {
    const std::vector<std::string_view> tags{e.tags.begin(), e.tags.end()};
    const event_view event{e.type, e.schema_version, e.codec, e.data, e.metadata, time_of(e), tags};
    const append_request one{*id, e.number - 1, writer, {&event, 1}, due_of(e)};
    return std::get<stored>(to.append({&one, 1}).front()).last;
  }
  if (e.of == entry::alarm) {
    const auto one = set_due(*id, e.number, writer, due_of(e));
    (void)to.append({&one, 1});
  }
  if (e.of == entry::erase_events) (void)to.erase_to(*id, e.number, erasing_of(e));
  if (e.of == entry::prune) {
    const prune_request one{*id, e.from, e.number};
    (void)to.prune({&one, 1});
  }
  if (e.of == entry::snapshot) {
    const snapshot_request one{
        *id, {e.number, e.type, e.schema_version, e.codec, e.data, writer, time_of(e)}};
    (void)to.save_snapshots({&one, 1});
  }
  if (e.of == entry::erase_snapshots) (void)to.erase_snapshots(*id, {e.from, e.number});
  if (e.of == entry::state) {
    upsert_request one{*id, e.from, e.number, writer, time_of(e), {}, due_of(e)};
    if (!e.erased) one.value = {e.type, e.schema_version, e.codec, e.data};
    return std::get<stored>(to.upsert({&one, 1}).front()).last;
  }
  return {};
}

class log_session final : public journal_session {
 public:
  explicit log_session(std::shared_ptr<core> of)
      : core_{std::move(of)}, content_{core_->content->open_session().value()} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto outcomes = write(requests, [&](const append_request& r, std::vector<entry>& into) {
      const auto why = refusal(r, *core_->applies->highest(r.id));
      if (why) return *why;
      if (r.only_due()) {
        auto& made =
            with_due(into.emplace_back(entry{entry::alarm, r.id.str(), r.expected}), r.due);
        made.writer = bytes_of(r.writer);
        return append_outcome{stored{}};
      }
      auto number = r.expected;
      for (const auto& e : r.events) {
        auto& made = into.emplace_back(entry_of(entry::event, r.id, ++number, r.writer, e.time, e));
        made.metadata = e.metadata;
        made.tags.assign(e.tags.begin(), e.tags.end());
      }
      with_due(into.back(), r.due);
      return append_outcome{stored{}};
    });
    if (any_to_read(requests, outcomes)) core_->appended->notify();
    return outcomes;
  }

  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    return write(requests, [&](const upsert_request& r, std::vector<entry>& into) {
      const auto found = *core_->applies->get_state(r.id);
      const auto version = found ? found->version : 0;
      if (version != r.expected) return append_outcome{conflict{version}};
      auto& made = into.emplace_back(entry_of(entry::state, r.id, r.next, r.writer, r.time,
                                              r.value.value_or(state_view{.codec = {}})));
      made.from = r.expected;
      made.erased = !r.value;
      with_due(made, r.due);
      return append_outcome{stored{}};
    });
  }

  // The mark is durable before the truth is read: a commit whose sync failed cannot come back after
  // it.
  result<settlement> settle(const append_request& r) override {
    return change({entry{}}, [&] { return core_->applies->settle(r); });
  }
  result<settlement> settle(const upsert_request& r) override {
    return change({entry{}}, [&] { return core_->applies->settle(r); });
  }

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    return read([&] { return content_->replay(id, from, to, max, sink); });
  }
  // Positions are assigned in the order of the file, so no event appears before one already read.
  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override {
    return read([&] { return content_->read_all(from, max, sink); });
  }
  result<void> read_states(position after, std::size_t max, const state_sink& sink) override {
    return read([&] { return content_->read_states(after, max, sink); });
  }
  result<sequence_nr> highest(const persistence_id& id) override {
    return read([&] { return content_->highest(id); });
  }
  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override {
    return read([&] { return content_->ids(which, max); });
  }
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds within) override {
    return read([&] { return content_->load_snapshot(id, within); });
  }
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override {
    return read([&] { return content_->snapshot_numbers(id, within, max); });
  }
  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    return read([&] { return content_->get_state(id); });
  }
  result<std::vector<persistence_id>> state_ids(const id_filter& which, std::size_t max) override {
    return read([&] { return content_->state_ids(which, max); });
  }
  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override {
    return read([&] { return content_->due(strand, which, max); });
  }
  result<std::optional<stored_alarm>> alarm_of(const persistence_id& id) override {
    return read([&] { return content_->alarm_of(id); });
  }
  result<std::vector<due_type>> due_types(std::uint32_t strand, timestamp until,
                                          std::uint64_t count_max) override {
    return read([&] { return content_->due_types(strand, until, count_max); });
  }
  result<std::vector<stored_reader>> readers() override {
    return read([&] { return content_->readers(); });
  }

  result<void> save_reader(const stored_reader& r) override {
    auto why = fault_of_reader(r.name);
    if (!why) why = foreign(r.at, strands(), core_->file->epoch(), core_->file->name());
    if (why) return fail(*std::move(why));
    entry made{entry::reader, r.name};
    made.type = to_string(r.at);
    made.micros = r.time.time_since_epoch().count();
    return change({made}, nothing);
  }
  result<void> forget_reader(std::string_view name) override {
    return change({entry{entry::forget_reader, std::string{name}}}, nothing);
  }

  // Erasing twice changes nothing, and says whether something was held back.
  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override {
    const entry made{entry::erase_events, id.str(), to, 0, how == erasing::forced};
    return change({made}, [&] { return core_->applies->erase_to(id, to, how); });
  }
  result<void> prune(std::span<const prune_request> requests) override {
    std::vector<entry> made;
    for (const auto& [id, snapshots_below, events_to] : requests) {
      made.push_back({entry::prune, id.str(), events_to, snapshots_below});
    }
    return change(made, nothing);
  }
  result<std::size_t> prune_held_back(std::size_t max) override {
    return change({entry{entry::prune_held_back, {}, max}},
                  [&]() -> result<std::size_t> { return core_->pruned; });
  }
  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds within) override {
    return change({entry{entry::erase_snapshots, id.str(), within.to, within.from}}, nothing);
  }
  result<void> save_snapshots(std::span<const snapshot_request> requests) override {
    std::vector<entry> made;
    for (const auto& [id, s] : requests) {
      if (auto why = fault_of(snapshot_request{id, s}, limits_of_log)) return fail(*std::move(why));
      made.push_back(entry_of(entry::snapshot, id, s.number, s.writer, s.time, s));
    }
    return change(made, nothing);
  }

  bool broken() const noexcept override { return content_->broken(); }
  void interrupt() noexcept override { content_->interrupt(); }

 private:
  static result<void> nothing() { return {}; }

  /// Locks the file and brings the content up to date; every call begins with it.
  template <class Work>
  auto locked(bool exclusive, Work work) -> decltype(work()) {
    std::lock_guard guard{core_->lock};
    const log_file::lock others{*core_->file, exclusive};
    if (broken()) {
      return fail(core_->file->trouble(errc::pool_closed, "the session was interrupted"));
    }
    if (auto done = catch_up(); !done) return fail(std::move(done.error()));
    return work();
  }

  /// Returns the positions of the entries; only those of events and states mean something.
  result<std::vector<position>> catch_up() {
    std::vector<position> positions;
    auto read =
        core_->file->catch_up([&](const entry& e) { positions.push_back(apply(*core_, e)); });
    if (!read) return fail(std::move(read.error()));
    return positions;
  }

  // Outside of the lock: a sink may use other sessions.
  template <class Read>
  auto read(Read read) -> decltype(read()) {
    if (auto ready = locked(false, nothing); !ready) return fail(std::move(ready.error()));
    return read();
  }

  template <class Then>
  auto change(const std::vector<entry>& entries, Then then) -> decltype(then()) {
    return locked(true, [&]() -> decltype(then()) {
      bool in_doubt = false;
      auto kept = entries.empty() ? result<void>{} : core_->file->commit(entries, in_doubt);
      if (!kept) return fail(std::move(kept.error()));
      if (auto applied = catch_up(); !applied) return fail(std::move(applied.error()));
      return then();
    });
  }

  // append and upsert: one frame for all valid requests. `take` adds a request's entries.
  template <class Request, class Take>
  std::vector<append_outcome> write(std::span<const Request> requests, Take take) {
    std::vector<append_outcome> outcomes(requests.size());
    bool in_doubt = false;
    auto done = locked(true, [&]() -> result<void> {
      std::vector<entry> entries;
      std::vector<std::size_t> ends;
      for (std::size_t i = 0; i < requests.size(); ++i) {
        auto why = fault_of(requests[i], limits_of_log);
        outcomes[i] = why ? rejected{*std::move(why)} : take(requests[i], entries);
        ends.push_back(entries.size());
      }
      if (entries.empty()) return {};
      if (auto kept = core_->file->commit(entries, in_doubt); !kept) return kept;
      in_doubt = true;  // it is stored: an error from here on must not say that it is not
      const auto positions = catch_up();
      if (!positions) return fail(positions.error());
      for (std::size_t i = 0; i < requests.size(); ++i) {
        auto* one = std::get_if<stored>(&outcomes[i]);
        if (one != nullptr) one->last = positions->at(ends[i] - 1);
      }
      return {};
    });
    if (done) return outcomes;
    for (auto& outcome : outcomes) {
      if (!std::holds_alternative<stored>(outcome)) continue;  // a conflict or rejection is certain
      outcome = in_doubt ? append_outcome{unknown{done.error()}} : failed{done.error()};
    }
    return outcomes;
  }

  const std::shared_ptr<core> core_;
  const std::unique_ptr<journal_session> content_;
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
  std::string name() const override { return core_->file->name(); }

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
    auto made = std::make_shared<core>(std::move(*file));
    // Damage is reported now, and not by the first entity.
    if (auto first = log_session{made}.ids({}, 1); !first) {
      return fail(std::move(first.error()));
    }
    return std::make_shared<log_journal>(made);
  };
  return {.scheme = "log", .open = open};
}
