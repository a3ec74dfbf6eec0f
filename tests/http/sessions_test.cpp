// Sessions of the pool in handlers, and transactions.
#include <thread>

#include "temporary_folder.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct Sessions : Web {
  // A store of one session, in a file, since SQL needs one.
  void open(std::size_t max = 1) {
    accounts.reset();
    store.reset();
    store_options o;
    o.readers = 1;
    o.pool.max = max;
    o.pool.min_idle = 1;
    store.emplace(*nexus::open("sqlite:" + folder.path("web.db"), o));
    accounts.emplace(sys, *store);
  }
  static http::server_options hurried() {
    auto o = options();
    o.borrow_timeout = 50ms;
    return o;
  }

  temporary_folder folder;
};

TEST_F(Sessions, IsBorrowedOnFirstUseAndReturnedWithTheResponse) {
  open();
  std::size_t before = 9, during = 9;
  make().get("/n", [&](nexus::session& db) -> result<std::int64_t> {
    before = store->sessions().statistics().in_use;
    auto n = db.query<std::int64_t>("SELECT 7");
    during = store->sessions().statistics().in_use;
    if (!n) return fail(n.error());
    return n->at(0);
  });
  start();
  auto c = client();
  const auto r = c.get("/n");
  EXPECT_EQ(r->body, "7");
  EXPECT_EQ(before, 0U);
  EXPECT_EQ(during, 1U);
  EXPECT_EQ(store->sessions().statistics().in_use, 0U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(c.get("/n")->status, 200);
}

TEST_F(Sessions, AnExhaustedPoolIs503WithRetryAfter) {
  open();
  bool called = false;
  make(hurried()).get("/lazy", [](nexus::session& db) -> result<std::int64_t> {
    auto n = db.query<std::int64_t>("SELECT 7");
    if (!n) return fail(n.error());
    return n->at(0);
  });
  web->get("/eager", [&](journal_session&) { return called = true; });
  web->get("/none", [](nexus::session&) { return 1; });
  start();
  auto c = client();
  {
    auto held = store->sessions().borrow();
    ASSERT_TRUE(held);
    for (const auto* path : {"/lazy", "/eager"}) {
      const auto r = c.get(path);
      EXPECT_EQ(r->status, 503) << path;
      EXPECT_EQ(parsed(r)["title"], "pool_exhausted");
      EXPECT_EQ(r->header("Retry-After"), "1");
    }
    EXPECT_EQ(c.get("/none")->status, 200);
    EXPECT_EQ(parsed(c.get("/health"))["sessions"]["in_use"], 1);
  }
  EXPECT_FALSE(called);
  EXPECT_EQ(c.get("/lazy")->body, "7");
  EXPECT_EQ(c.get("/eager")->body, "true");
  EXPECT_EQ(store->sessions().statistics().in_use, 0U);
}

TEST_F(Sessions, WaitersGetOneAndNeverAreThereMoreThanMax) {
  open(2);
  std::atomic<int> now{0}, most{0};
  auto o = options();
  o.threads = 8;
  make(o).get("/n", [&](journal_session& db) -> result<std::int64_t> {
    const int mine = ++now;
    for (int seen = most; seen < mine && !most.compare_exchange_weak(seen, mine);) {
    }
    auto n = db.query<std::int64_t>("SELECT 7");
    --now;
    if (!n) return fail(n.error());
    return n->at(0);
  });
  start();
  std::vector<std::future<int>> all;
  for (int t = 0; t < 8; ++t) {
    all.push_back(std::async(std::launch::async, [&] {
      auto c = client();
      int good = 0;
      for (int i = 0; i < 200 && good < 50; ++i) {
        if (const auto r = c.get("/n"); r && r->body == "7") ++good;
      }
      return good;
    }));
  }
  for (auto& one : all) EXPECT_EQ(one.get(), 50);
  EXPECT_LE(most, 2);
  EXPECT_EQ(store->sessions().statistics().in_use, 0U);
}

const std::string forever =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

TEST_F(Sessions, TheDeadlineEndsTheHandlersSqlToo) {
  open();
  errc seen = errc::rejected;
  make().get("/lazy", [&](nexus::session& db) -> result<std::int64_t> {
    auto n = db.query<std::int64_t>(forever);
    if (n) return n->at(0);
    seen = n.error().code;
    return fail(n.error());
  });
  web->get("/eager", [](journal_session& db) -> result<std::int64_t> {
    auto n = db.query<std::int64_t>(forever);
    if (!n) return fail(n.error());
    return n->at(0);
  });
  web->get("/transaction", http::transactional([](nexus::session& db) -> result<std::int64_t> {
             auto n = db.query<std::int64_t>(forever);
             if (!n) return fail(n.error());
             return n->at(0);
           }));
  web->get("/late", [](const http::request&, nexus::session& db) -> result<std::int64_t> {
    // The time is over before the handler asks for a session.
    const auto until = std::chrono::steady_clock::now() + 50ms;
    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    auto n = db.query<std::int64_t>("SELECT 7");
    if (!n) return fail(n.error());
    return n->at(0);
  });
  web->get("/n", [](nexus::session& db) { return db.query<std::int64_t>("SELECT 7"); });
  start();
  auto c = client();
  for (const auto* path : {"/lazy", "/eager", "/transaction", "/late"}) {
    ASSERT_TRUE(wait_until([&] { return store->sessions().statistics().idle == 1; }));
    const bool is_late = std::string_view{path} == "/late";
    const auto r = c.get(path, {{"X-Request-Timeout", is_late ? "50ms" : "300ms"}});
    ASSERT_TRUE(r) << path;
    EXPECT_EQ(r->status, 504) << path << r->body;
    EXPECT_EQ(parsed(r)["title"], "timeout") << path;
    EXPECT_EQ(c.get("/n")->body, "[7]") << path;  // the pool's only session, or the next
  }
  EXPECT_EQ(seen, errc::timeout);
  EXPECT_EQ(store->sessions().statistics().in_use, 0U);
}

TEST_F(Sessions, AHandlerThatIsDoneInTimeKeepsItsSession) {
  open();
  make().get("/n", [](nexus::session& db) { return db.query<std::int64_t>("SELECT 7"); });
  start();
  auto c = client();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(c.get("/n", {{"X-Request-Timeout", "30s"}})->body, "[7]");
  }
  EXPECT_EQ(store->sessions().statistics().total, 1U);
}

struct Transactions : Sessions {
  void serve() {
    open();
    make();
    ASSERT_TRUE(store->sessions().with(
        [](nexus::session& db) { return db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)"); }));
    auto insert = [](const http::request& r, nexus::session& db) -> result<http::response> {
      EXPECT_TRUE(db.in_transaction());
      const auto n = std::stoll(std::string{r.param("n")});
      if (auto done = db.execute("INSERT INTO t VALUES ($1)", n); !done) return fail(done.error());
      if (n == 1) return fail(errc::rejected, "not 1");
      if (n == 2) return http::response::problem(404, "no", "not 2");
      if (n == 3) throw std::runtime_error{"not 3"};
      return http::response::json(n, 201);
    };
    web->put("/t/{n}", http::transactional(insert));
    web->get("/t", [](nexus::session& db) { return db.query<std::int64_t>("SELECT n FROM t"); });
    start();
  }
};

TEST_F(Transactions, AreCommittedIfTheHandlerSucceedsAndElseUndone) {
  serve();
  auto c = client();
  set_log_level(log_level::off);
  EXPECT_EQ(c.put("/t/1", "", "text/plain")->status, 409);
  EXPECT_EQ(c.put("/t/2", "", "text/plain")->status, 404);
  EXPECT_EQ(c.put("/t/3", "", "text/plain")->status, 500);
  set_log_level(log_level::warning);
  EXPECT_EQ(c.get("/t")->body, "[]");
  EXPECT_EQ(c.put("/t/4", "", "text/plain")->status, 201);
  EXPECT_EQ(c.get("/t")->body, "[4]");
  const auto twice = c.put("/t/4", "", "text/plain");
  EXPECT_EQ(twice->status, 409);
  EXPECT_EQ(parsed(twice)["title"], "constraint_violated");
  EXPECT_EQ(store->sessions().statistics().in_use, 0U);
}

// Repeated from the beginning, as nexus::transactional does; the last error is the response.
TEST_F(Transactions, ACollidedTransactionIsRetried) {
  open();
  make();
  int tries = 0;
  web->put("/t", http::transactional(
                     [&](nexus::session&) -> result<int> {
                       if (++tries % 3 != 0) return fail(errc::serialization_failed, "collided");
                       return tries;
                     },
                     {.retry_pause = 1ms}));
  web->del("/t", http::transactional(
                     [&](nexus::session&) -> result<int> {
                       return fail(errc::serialization_failed, "collided");
                     },
                     {.retries_max = 1, .retry_pause = 1ms}));
  start();
  EXPECT_EQ(client().put("/t", "", "text/plain")->body, "3");
  const auto never = client().del("/t");
  EXPECT_EQ(never->status, 503);
  EXPECT_EQ(never->header("Retry-After"), "1");
}

}  // namespace
