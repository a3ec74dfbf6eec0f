// Deadlines and traces, in and out.

#include <atomic>
#include <future>

#include "trace.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string sent_trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// Does not decide until it is allowed to.
struct stalling {
  static constexpr std::string_view entity_type = "stalling";
  struct wait {};
  using command = std::variant<wait>;
  struct waited {
    static constexpr std::string_view type_name = "waited";
    int n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  using event = std::variant<waited>;
  struct state {
    int n = 0;
    MSGPACK_DEFINE_MAP(n)
  };
  static inline std::shared_future<void> go;
  static inline std::atomic<int> deciding{0};
  static nexus::effect<stalling, int> decide(const state& s, const wait&) {
    ++deciding;
    go.wait();
    return nexus::reply(s.n);
  }
  static void apply(state&, const waited&) {}
};

struct Deadline : Web {};

TEST_F(Deadline, AStalledEntityIs504WhenTheRequestsTimeIsOver) {
  std::promise<void> go;
  stalling::go = go.get_future().share();
  nexus::entities<stalling> stalled{sys, *store};
  auto o = options();
  o.timeout = 60ms;
  make(o).use(stalled);
  web->get("/stalled/{id}", [](http::entity<stalling> one) { return one.ask(stalling::wait{}); });
  start();
  auto c = client();
  const auto begun = std::chrono::steady_clock::now();
  const auto r = c.get("/stalled/a", {{"X-Request-Timeout", "50ms"}});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 504);
  EXPECT_EQ(parsed(r)["title"], "timeout");
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 50ms);
  EXPECT_EQ(c.get("/stalled/a")->status, 504);  // the server's
  go.set_value();
  EXPECT_EQ(c.get("/stalled/a", {{"X-Request-Timeout", "20s"}})->body, "0");
}

TEST_F(Deadline, AnEntityWithAFullMailboxIs429) {
  std::promise<void> go;
  stalling::go = go.get_future().share();
  stalling::deciding = 0;
  nexus::entities<stalling> stalled{sys, *store, {.mailbox_max = 1}};
  make().use(stalled);
  web->get("/stalled/{id}", [](http::entity<stalling> one) { return one.ask(stalling::wait{}); });
  start();
  auto first = std::async(std::launch::async, [&] { return client().get("/stalled/a")->status; });
  ASSERT_TRUE(wait_until([] { return stalling::deciding == 1; }));
  const auto r = client().get("/stalled/a");
  EXPECT_EQ(r->status, 429);
  EXPECT_EQ(r->header("Retry-After"), "1");
  EXPECT_EQ(parsed(r)["title"], "overloaded");
  go.set_value();
  EXPECT_EQ(first.get(), 200);
}

TEST_F(Deadline, AnInvalidTimeIs400) {
  auto o = options();
  o.deadline_header = "Patience";
  make(o).get("/", [] { return 1; });
  start();
  auto c = client();
  for (const auto* wrong : {"5", "ms", "-1s", "1.5s", "1m", "99999999999999999999s", "s1"}) {
    const auto r = c.get("/", {{"Patience", wrong}});
    EXPECT_EQ(r->status, 400) << wrong;
    EXPECT_EQ(parsed(r)["detail"],
              "Patience: \"" + std::string{wrong} + "\" is not a time like \"250ms\" or \"2s\"");
  }
  EXPECT_EQ(c.get("/", {{"Patience", "250ms"}})->status, 200);
  EXPECT_EQ(c.get("/", {{"X-Request-Timeout", "nonsense"}})->status, 200);
}

struct Trace : Web {
  void serve() {
    make().post("/accounts/{name}",
                [](http::entity<account> one) { return one.ask(account::deposit{1}); });
    start();
  }
  event_metadata stored(const std::string& name) {
    event_metadata made;
    EXPECT_TRUE(
        (*store->open_session())
            ->replay(*persistence_id::make("account", name), 1, 1, 1, [&](const record_view& r) {
              made = decode_metadata(r.event.metadata).value();
              return true;
            }));
    return made;
  }
};

TEST_F(Trace, GoesOnToTheStoredEventAndComesBackUnderANewParent) {
  serve();
  const auto r = client().post("/accounts/alice", "", "text/plain",
                               {{"traceparent", sent_trace}, {"tracestate", "congo=t61rcWkgMzE"}});
  EXPECT_EQ(r->status, 200);
  EXPECT_EQ(stored("alice").traceparent, sent_trace);
  EXPECT_EQ(stored("alice").tracestate, "congo=t61rcWkgMzE");
  const auto back = r->header("traceparent");
  ASSERT_EQ(back.size(), sent_trace.size());
  EXPECT_EQ(back.substr(0, 36), sent_trace.substr(0, 36));
  EXPECT_NE(back.substr(36, 16), sent_trace.substr(36, 16));
  EXPECT_EQ(back.substr(52), "-01");
  EXPECT_EQ(r->header("tracestate"), "congo=t61rcWkgMzE");
}

TEST_F(Trace, AnInvalidOneBeginsANewTrace) {
  serve();
  const auto r = client().post("/accounts/bob", "", "text/plain",
                               {{"traceparent", "00-0-0-01"}, {"tracestate", "congo=t61rcWkgMzE"}});
  const auto back = r->header("traceparent");
  EXPECT_EQ(back.size(), sent_trace.size());
  EXPECT_EQ(stored("bob").traceparent.substr(0, 36), back.substr(0, 36));
  EXPECT_EQ(stored("bob").tracestate, "");
  EXPECT_EQ(r->header("tracestate"), "");
  EXPECT_NE(client().get("/nowhere")->header("traceparent"), "");
}

TEST(TraceContext, IsReadAsTheStandardSays) {
  std::uint64_t n = 0;
  const http::random_numbers count = [&] { return n++; };
  auto read = [&](const std::string& text) {
    return http::read_trace(text, {}, count).traceparent;
  };
  EXPECT_EQ(read(sent_trace), sent_trace);
  // A later version: fields that are unknown here are not passed on.
  EXPECT_EQ(read("cc" + sent_trace.substr(2) + "-what"), sent_trace);
  for (const std::string& wrong :
       {std::string{}, sent_trace + "-", "ff" + sent_trace.substr(2),
        "cc" + sent_trace.substr(2) + ".",
        std::string{"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"},
        std::string{"00-00000000000000000000000000000000-b7ad6b7169203331-01"},
        std::string{"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"},
        std::string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g"},
        std::string{"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}) {
    const auto got = read(wrong);
    EXPECT_EQ(got.size(), sent_trace.size()) << wrong;
    EXPECT_NE(got.substr(3, 32), sent_trace.substr(3, 32)) << wrong;
  }
  EXPECT_EQ(http::read_trace(sent_trace, "a=b\r\nX: y", count).tracestate, "");
  EXPECT_EQ(http::read_trace(sent_trace, std::string(513, 'a'), count).tracestate, "");
}

}  // namespace
