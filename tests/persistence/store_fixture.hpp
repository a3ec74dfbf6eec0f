// A store on a memory journal that does what the test says, and a mailbox for the jobs that come back.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nexus/store.hpp>
#include <nexus/system.hpp>

namespace nexus::test {

using namespace std::chrono_literals;

/// Counts what sessions are asked; holds appends back while `held`.
struct ledger {
  std::mutex lock;
  std::condition_variable changed;
  bool held = false;
  std::atomic<bool> pruning_fails = false;
  std::atomic<int> prunes = 0;
  int waiting = 0;
  std::vector<std::size_t> batches;

  void hold(bool on) {
    std::lock_guard guard{lock};
    held = on;
    changed.notify_all();
  }
  template <class F>
  [[nodiscard]] bool wait_until(F f) {
    std::unique_lock guard{lock};
    return changed.wait_for(guard, 10s, f);
  }
};

struct counting_session final : journal_session {
  counting_session(ledger& b, std::unique_ptr<journal_session> i) : book{b}, inner{std::move(i)} {}

  std::vector<append_outcome> append(std::span<const append_request> r) override {
    {
      std::unique_lock guard{book.lock};
      book.batches.push_back(r.size());
      ++book.waiting;
      book.changed.notify_all();
      book.changed.wait(guard, [&] { return !book.held; });
      --book.waiting;
    }
    return inner->append(r);
  }
  result<settlement> settle(const append_request& r) override { return inner->settle(r); }
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    return inner->replay(id, from, to, max, sink);
  }
  result<sequence_nr> highest(const persistence_id& id) override { return inner->highest(id); }
  result<void> erase_to(const persistence_id& id, sequence_nr to) override {
    return inner->erase_to(id, to);
  }
  result<std::vector<persistence_id>> ids(std::string_view type, std::string_view after,
                                          std::size_t max) override {
    return inner->ids(type, after, max);
  }
  result<void> save_snapshots(std::span<const snapshot_request> r) override {
    return inner->save_snapshots(r);
  }
  result<std::optional<stored_snapshot>> load_snapshot(const persistence_id& id,
                                                       snapshot_bounds b) override {
    return inner->load_snapshot(id, b);
  }
  result<void> erase_snapshots(const persistence_id& id, snapshot_bounds b) override {
    return inner->erase_snapshots(id, b);
  }
  result<std::vector<sequence_nr>> snapshot_numbers(const persistence_id& id,
                                                    snapshot_bounds within,
                                                    std::size_t max) override {
    return inner->snapshot_numbers(id, within, max);
  }
  result<void> prune(std::span<const prune_request> requests) override {
    ++book.prunes;
    if (book.pruning_fails) return fail(errc::unavailable, "no pruning today");
    return inner->prune(requests);
  }
  result<settlement> settle(const upsert_request& request) override {
    return inner->settle(request);
  }
  result<std::optional<stored_state>> get_state(const persistence_id& id) override {
    return inner->get_state(id);
  }
  result<std::vector<persistence_id>> state_ids(std::string_view type, std::string_view after,
                                                std::size_t max) override {
    return inner->state_ids(type, after, max);
  }
  std::vector<append_outcome> upsert(std::span<const upsert_request> r) override {
    return inner->upsert(r);
  }

  ledger& book;
  std::unique_ptr<journal_session> inner;
};

struct counting_journal final : journal {
  counting_journal(ledger& b, std::shared_ptr<journal> i) : book{b}, inner{std::move(i)} {}
  result<std::unique_ptr<journal_session>> open_session() override {
    auto opened = inner->open_session();
    if (!opened) return fail(std::move(opened.error()));
    return std::make_unique<counting_session>(book, std::move(*opened));
  }
  journal_limits limits() const override { return inner->limits(); }
  std::string name() const override { return inner->name(); }
  ledger& book;
  std::shared_ptr<journal> inner;
};

/// Collects the jobs that come back.
struct collector final : actor {
  explicit collector(std::vector<envelope>& d, std::mutex& l, std::condition_variable& c)
      : done{d}, lock{l}, changed{c} {}
  void started(const mailbox&) override {}
  verdict receive(envelope m) override {
    std::lock_guard guard{lock};
    done.push_back(std::move(m));
    changed.notify_all();
    return verdict::go_on;
  }
  std::vector<envelope>& done;
  std::mutex& lock;
  std::condition_variable& changed;
};

struct Store : testing::Test {
  ledger book;
  std::vector<envelope> done;
  std::mutex lock;
  std::condition_variable changed;
  nexus::system sys{{.threads = 2}};
  mailbox collecting = sys.spawn(std::make_unique<collector>(done, lock, changed));

  // The jobs know the collector and the collector keeps the jobs: part them, or neither ever ends.
  void TearDown() override {
    std::lock_guard guard{lock};
    done.clear();
    collecting = {};
  }

  store open(store_options options = {}) {
    backend counting{"counting", [this](const uri&) -> result<std::shared_ptr<journal>> {
                       auto inner = memory_backend().open(*uri::parse("memory:"));
                       return std::make_shared<counting_journal>(book, *inner);
                     }};
    return *nexus::open("counting:", {counting}, options);
  }
  envelope job(std::string_view id, sequence_nr expected = 0, std::size_t events = 1) {
    auto* made = new write_job{77, *persistence_id::make("t", id)};
    made->reply_to = collecting;
    made->expected = expected;
    made->events = std::make_unique<event_batch>();
    for (std::size_t i = 0; i < events; ++i) {
      event_view e;
      e.type = "e";
      e.data = "12345678";
      made->events->add(e);
    }
    return envelope{made};
  }
  [[nodiscard]] bool wait_for(std::size_t n) {
    std::unique_lock guard{lock};
    return changed.wait_for(guard, 10s, [&] { return done.size() >= n; });
  }
  /// Has `job` done, alone.
  write_job& through(const store& s, const envelope& job) {
    const auto before = done.size();
    s.write(job);
    EXPECT_TRUE(wait_for(before + 1));
    return job.as<write_job>();
  }
  template <class Outcome>
  std::size_t count() {
    std::size_t n = 0;
    for (auto& one : done) n += std::holds_alternative<Outcome>(one.as<write_job>().outcome);
    return n;
  }
};

}  // namespace nexus::test
