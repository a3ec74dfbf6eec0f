// The code of docs/queries.md, compiled and run.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <chrono>
#include <future>
#include <map>
#include <nexus/event_store.hpp>
#include <nexus/events.hpp>
#include <nexus/nexus.hpp>
#include <nexus/states.hpp>
#include <string>
#include <thread>
#include <variant>

using namespace std::chrono_literals;

struct account {
  static constexpr std::string_view entity_type = "account";

  struct deposit {
    std::int64_t cents = 0;
  };
  struct withdraw {
    std::int64_t cents = 0;
  };
  using command = std::variant<deposit, withdraw>;

  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdrawn {
    static constexpr std::string_view type_name = "withdrawn";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited, withdrawn>;

  struct state {};

  static auto decide(const state&, const deposit& c) { return nexus::persist(deposited{c.cents}); }
  static auto decide(const state&, const withdraw& c) { return nexus::persist(withdrawn{c.cents}); }
  static void apply(state&, const deposited&) {}
  static void apply(state&, const withdrawn&) {}

  static std::vector<std::string> tags(const deposited& e) {
    return e.cents >= 1'000'00 ? std::vector<std::string>{"large"} : std::vector<std::string>{};
  }
};

namespace {

struct profile {
  static constexpr std::string_view entity_type = "profile";
  struct rename {
    std::string name;
  };
  using command = std::variant<rename>;
  struct state {
    std::string name;
    MSGPACK_DEFINE_MAP(name)
  };
  static auto decide(const state&, const rename& c) { return nexus::persist(state{c.name}); }
};

// The last page of withdrawals, newest first.
nexus::result<std::vector<std::string>> last_withdrawals(const nexus::store& store) {
  auto session = store.sessions().borrow();
  if (!session) return nexus::fail(session.error());
  std::vector<std::string> whose;
  auto page = (*session)->query({.event_type = "withdrawn", .entity_type = "account"},
                                {.order = nexus::reading_order::newest_first, .limit = 20},
                                [&](const nexus::persistence_id& of, const nexus::record_view&) {
                                  whose.emplace_back(of.id());
                                  return true;
                                });
  if (!page) return nexus::fail(page.error());
  return whose;
}

// All events, page by page: events that are appended meanwhile move nothing.
nexus::result<int> count_by_pages(nexus::journal_session& session) {
  int count = 0;
  nexus::event_page page{.limit = 2};
  for (;;) {
    auto done = session.query({}, page, [&](auto&, auto&) { return ++count, true; });
    if (!done) return nexus::fail(done.error());
    if (!done->has_next) return count;
    page.cursor = done->next;
  }
}

// The balance of an account as its events say.
nexus::result<std::int64_t> balance(const nexus::store& store, std::string_view id) {
  auto history = nexus::events<account>{store}.of(id).current();
  if (!history) return nexus::fail(history.error());
  std::int64_t cents = 0;
  while (!history->ended()) {
    auto next = history->next();
    if (!next) return nexus::fail(next.error());
    if (!*next) continue;
    const auto& event = (*next)->event;
    if (auto* in = std::get_if<account::deposited>(&event)) cents += in->cents;
    if (auto* out = std::get_if<account::withdrawn>(&event)) cents -= out->cents;
  }
  return cents;
}

// An actor that is fed with all events of accounts.
class auditor : public caf::event_based_actor {
 public:
  auditor(caf::actor_config& config, nexus::store store, std::promise<std::int64_t>& seen)
      : caf::event_based_actor{config}, store_{std::move(store)}, seen_{seen} {}

  caf::behavior make_behavior() override {
    auto events = nexus::events<account>{store_}.live();
    if (!events) {
      quit(caf::make_error(caf::sec::runtime_error, events.error().message));
      return {};
    }
    auto take = [this](nexus::result<std::optional<nexus::event_of<account>>> r) {
      if (!r) return quit(caf::make_error(caf::sec::runtime_error, r.error().message));
      const auto& event = (*r)->event;  // a live stream has no end
      if (auto* in = std::get_if<account::deposited>(&event)) sum_ += in->cents;
      if ((*r)->id == "carol") seen_.set_value(sum_);
    };
    feed_ = std::move(*events).to(this, take, {.credit = 16});
    return {[](int) {}};
  }

 private:
  nexus::store store_;
  std::promise<std::int64_t>& seen_;
  std::int64_t sum_ = 0;
  nexus::feed feed_;
};

// Works on any event store.
nexus::result<nexus::sequence_nr> send_invoice(nexus::event_store& events, std::string_view nr) {
  auto id = nexus::persistence_id::make("invoice", nr);
  if (!id) return nexus::fail(id.error());
  auto stored =
      events.append(*id, 0, nexus::new_event{.type = "sent", .data = "{}", .codec = "json"});
  if (!stored) return nexus::fail(stored.error());
  return stored->number;
}

// An event store of a program: here one that forgets.
class forgetful_store : public nexus::event_store {
 public:
  using nexus::event_store::append;
  using nexus::event_store::query;
  nexus::result<std::vector<nexus::stored_event>> append(
      const nexus::persistence_id& id, nexus::sequence_nr expected,
      std::span<const nexus::new_event> events) override {
    std::vector<nexus::stored_event> all;
    for (const auto& event : events) all.push_back({id, ++expected, {}, {}, event});
    return all;
  }
  nexus::result<nexus::found_events> query(const nexus::event_filter&,
                                           const nexus::event_page&) override {
    return nexus::found_events{};
  }
};

struct QueriesPage : testing::Test {
  nexus::system sys{{.threads = 2}};
  nexus::result<nexus::store> store = nexus::open("memory:");
  nexus::entities<account> accounts{sys, *store};

  void SetUp() override {
    ASSERT_TRUE(accounts.of("alice").ask(account::deposit{2'000'00}).get(10s));
    ASSERT_TRUE(accounts.of("bob").ask(account::deposit{100}).get(10s));
    ASSERT_TRUE(accounts.of("alice").ask(account::withdraw{500'00}).get(10s));
  }
};

}  // namespace

TEST_F(QueriesPage, Queries) {
  EXPECT_EQ(last_withdrawals(*store), (std::vector<std::string>{"alice"}));
  auto session = store->sessions().borrow();
  ASSERT_TRUE(session);
  EXPECT_EQ(count_by_pages(**session), 3);
  EXPECT_EQ((*session)->count({.entity_id = "alice"}), 2u);
  auto how = (*session)->explain({.event_type = "withdrawn"});
  ASSERT_TRUE(how);
  EXPECT_NE(how->find("scan"), std::string::npos);
}

TEST_F(QueriesPage, CurrentEvents) { EXPECT_EQ(balance(*store, "alice"), 1'500'00); }

TEST_F(QueriesPage, LiveEvents) {
  std::vector<nexus::position> kept;
  {
    auto before = nexus::events<account>{*store}.live();
    ASSERT_TRUE(before);
    EXPECT_EQ(before->read([](const auto&) { return true; }), 3u);
    kept = before->at();
  }
  auto large = nexus::events<account>{*store}.tagged("large").after(kept).live();
  ASSERT_TRUE(large);
  EXPECT_TRUE(accounts.of("bob").ask(account::deposit{3'000'00}).get(10s));
  auto next = large->next(10s);
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->id, "bob");
  EXPECT_EQ(std::get<account::deposited>((*next)->event).cents, 3'000'00);
}

TEST_F(QueriesPage, AnActorIsFed) {
  std::promise<std::int64_t> seen;
  auto sum = seen.get_future();
  auto a = sys.caf().spawn<auditor>(*store, seen);
  EXPECT_TRUE(accounts.of("carol").ask(account::deposit{1}).get(10s));
  ASSERT_EQ(sum.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(sum.get(), 2'001'01);
  caf::scoped_actor self{sys.caf()};
  self->send_exit(a, caf::exit_reason::user_shutdown);
  self->wait_for(a);
}

TEST_F(QueriesPage, ChangesOfStates) {
  nexus::entities<profile> profiles{sys, *store};
  EXPECT_TRUE(profiles.of("p").ask(profile::rename{"Ann"}).get(10s));
  EXPECT_TRUE(profiles.of("p").ask(profile::rename{"Anna"}).get(10s));
  auto changes = nexus::states<profile>{*store}.live();
  ASSERT_TRUE(changes);
  auto next = changes->next(10s);
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->state->name, "Anna");
}

TEST_F(QueriesPage, APlainEventStore) {
  nexus::journal_event_store events{*store};
  EXPECT_EQ(send_invoice(events, "4711"), 1u);
  auto found = events.query({.event_type = "sent", .entity_type = "invoice"}, {.limit = 20});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->events.at(0).of.id(), "4711");
  EXPECT_EQ(found->events.at(0).event.data, "{}");
  forgetful_store own;
  EXPECT_EQ(send_invoice(own, "4711"), 1u);
}
