// Group commit, its bounds, and the pool of readers, on journals that do what the test says.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nexus/store.hpp>
#include <nexus/system.hpp>

using namespace nexus;
using namespace std::chrono_literals;

namespace {

/// Counts what sessions are asked; holds appends back while `held`.
struct ledger {
  std::mutex lock;
  std::condition_variable changed;
  bool held = false;
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
  template <class Outcome>
  std::size_t count() {
    std::size_t n = 0;
    for (auto& one : done) n += std::holds_alternative<Outcome>(one.as<write_job>().outcome);
    return n;
  }
};

}  // namespace

TEST_F(Store, WhatQueuesUpDuringACommitIsTheNextBatch) {
  auto s = open();
  book.hold(true);
  s.write(job("first"));
  ASSERT_TRUE(book.wait_until([&] { return book.waiting == 1; }));
  for (int i = 0; i < 50; ++i) s.write(job("later" + std::to_string(i)));
  book.hold(false);
  ASSERT_TRUE(wait_for(51));
  EXPECT_EQ(book.batches, (std::vector<std::size_t>{1, 50}));
  EXPECT_EQ(count<stored>(), 51u);
  EXPECT_EQ(s.statistics().commits, 2u);
  EXPECT_EQ(s.statistics().events, 51u);
}

TEST_F(Store, ABatchIsBoundedByEvents) {
  auto s = open({.batch_events_max = 10, .linger_share = 0});
  book.hold(true);
  s.write(job("first"));
  ASSERT_TRUE(book.wait_until([&] { return book.waiting == 1; }));
  for (int i = 0; i < 5; ++i) s.write(job("later" + std::to_string(i), 0, 4));
  book.hold(false);
  ASSERT_TRUE(wait_for(6));
  EXPECT_EQ(book.batches, (std::vector<std::size_t>{1, 2, 2, 1}));
}

TEST_F(Store, ABatchIsBoundedByBytes) {
  auto s = open({.batch_bytes_max = 20, .linger_share = 0});
  book.hold(true);
  s.write(job("first"));
  ASSERT_TRUE(book.wait_until([&] { return book.waiting == 1; }));
  for (int i = 0; i < 4; ++i) s.write(job("later" + std::to_string(i)));
  book.hold(false);
  ASSERT_TRUE(wait_for(5));
  EXPECT_EQ(book.batches, (std::vector<std::size_t>{1, 2, 2}));
}

TEST_F(Store, AFullQueueRefusesAtOnceAndStoresNothing) {
  auto s = open({.write_queue_max = 3});
  book.hold(true);
  s.write(job("first"));
  ASSERT_TRUE(book.wait_until([&] { return book.waiting == 1; }));
  for (int i = 0; i < 3; ++i) s.write(job("fits" + std::to_string(i)));
  s.write(job("over"));
  ASSERT_TRUE(wait_for(1));
  {
    std::lock_guard guard{lock};
    auto& refused = done.front().as<write_job>();
    EXPECT_EQ(refused.id.id(), "over");
    EXPECT_EQ(std::get<failed>(refused.outcome).why.code, errc::overloaded);
  }
  book.hold(false);
  ASSERT_TRUE(wait_for(5));
  EXPECT_EQ((*s.open_session())->highest(*persistence_id::make("t", "over")), 0u);
}

TEST_F(Store, ALoneCallerIsNeverMadeToLinger) {
  auto s = open({.linger_share = 1'000'000});
  for (sequence_nr i = 0; i < 20; ++i) {
    s.write(job("one", i));
    ASSERT_TRUE(wait_for(i + 1)) << "a linger of a million commits would not end";
  }
  EXPECT_EQ(book.batches, std::vector<std::size_t>(20, 1));
}

TEST_F(Store, ClosingFinishesWhatIsQueued) {
  {
    auto s = open();
    book.hold(true);
    for (int i = 0; i < 20; ++i) s.write(job("e" + std::to_string(i)));
    book.hold(false);
  }
  ASSERT_TRUE(wait_for(20));
  EXPECT_EQ(count<stored>(), 20u);
}

TEST_F(Store, ReadsRunOnAPooledSession) {
  auto s = open();
  s.write(job("one"));
  ASSERT_TRUE(wait_for(1));
  std::atomic<sequence_nr> highest{0};
  ASSERT_TRUE(s.read([&](journal_session& session) {
    highest = session.highest(*persistence_id::make("t", "one")).value_or(99);
    book.hold(false);  // wakes the waiting test
  }));
  EXPECT_TRUE(book.wait_until([&] { return highest == 1; }));
}

TEST(OpenStore, AnUnknownSchemeNamesTheKnownOnes) {
  auto s = nexus::open("redis:x", {memory_backend()});
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, errc::invalid_argument);
  EXPECT_EQ(s.error().message,
            "journal URI \"redis:x\": unknown scheme \"redis:\"; known: memory:");
}
