// Stored events whose types are no longer made: each becomes none, one or several current events,
// wherever events are read.
#include <nexus/events.hpp>
#include <nexus/testkit/fingerprint.hpp>
#include <nexus/testkit/projecting.hpp>
#include <nexus/testkit/scenario.hpp>
#include <stdexcept>

#include "json_serializer.hpp"
#include "store_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::must;

namespace {

/// The program as first released.
template <class Serializer = msgpack_serializer>
struct first_ledger {
  static constexpr std::string_view entity_type = "ledger";
  using serializer = Serializer;
  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t euros = 0;
    MSGPACK_DEFINE_MAP(euros)
  };
  struct moved {
    static constexpr std::string_view type_name = "moved";
    std::int64_t cents = 0;
    std::string to;
    MSGPACK_DEFINE_MAP(cents, to)
  };
  struct audited {
    static constexpr std::string_view type_name = "audited";
  };
  using event = std::variant<deposited, moved, audited>;
  struct put {
    event what;
  };
  using command = std::variant<put>;
  struct state {};
  static auto decide(const state&, const put& c) {
    return nexus::persist(std::vector<event>{c.what});
  }
  static void apply(state&, const deposited&) {}
  static void apply(state&, const moved&) {}
  static void apply(state&, const audited&) {}
};
using before = first_ledger<>;

/// The program now: deposits in cents, a move is a withdrawal and a note, and no audits.
template <class Serializer = msgpack_serializer>
struct second_ledger {
  static constexpr std::string_view entity_type = "ledger";
  using serializer = Serializer;
  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    static constexpr std::uint32_t schema_version = 2;
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdrawn {
    static constexpr std::string_view type_name = "withdrawn";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct noted {
    static constexpr std::string_view type_name = "noted";
    std::string text;
    MSGPACK_DEFINE_MAP(text)
  };
  using event = std::variant<deposited, withdrawn, noted>;

  struct deposited_in_euros {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t euros = 0;
    MSGPACK_DEFINE_MAP(euros)
  };
  struct moved {
    static constexpr std::string_view type_name = "moved";
    std::int64_t cents = 0;
    std::string to;
    MSGPACK_DEFINE_MAP(cents, to)
  };
  using old_event = std::variant<deposited_in_euros, moved>;
  static constexpr std::array<std::string_view, 1> removed_events{"audited"};

  static deposited adapt(const deposited_in_euros& e) { return {e.euros * 100}; }
  static std::vector<event> adapt(const moved& e) {
    if (e.to == "nobody") throw std::runtime_error{"to nobody"};
    if (e.to == "nowhere") return {};
    if (e.to == "everybody") return std::vector<event>(1'001, withdrawn{1});
    return {withdrawn{e.cents}, noted{"to " + e.to}};
  }

  struct state {
    std::int64_t cents = 0;
    std::string notes;
    MSGPACK_DEFINE_MAP(cents, notes)
  };
  struct deposit {
    std::int64_t cents = 0;
  };
  struct show {};
  using command = std::variant<deposit, show>;
  static std::string text(const state& s) { return std::to_string(s.cents) + s.notes; }
  static auto decide(const state&, const deposit& c) { return persist(deposited{c.cents}); }
  static auto decide(const state& s, const show&) { return reply(text(s)); }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
  static void apply(state& s, const withdrawn& e) { s.cents -= e.cents; }
  static void apply(state& s, const noted& e) { s.notes += ", " + e.text; }
};
using ledger = second_ledger<>;
using deposit = ledger::deposit;
using show = ledger::show;

struct Adapting : store_fixture {
  template <class B = before, class E>
  void put(std::string_view id, E event) {
    entities<B> all{sys, *journal};
    ASSERT_TRUE(all.of(id).ask(typename B::put{std::move(event)}).get(10s));
  }
  template <class B = ledger, class C>
  auto ask(std::string_view id, C command) {
    entities<B> all{sys, *journal};
    return all.of(id).ask(std::move(command)).get(10s);
  }
  // 1: a deposit in euros, 2: a move, 3: an audit, 4: a deposit in cents.
  void fill(std::string_view id) {
    put(id, before::deposited{5});
    put(id, before::moved{30, "bob"});
    put(id, before::audited{});
    ASSERT_TRUE(ask(id, deposit{1}));
  }

  // As in "2.1:to bob": number, part, event.
  static std::string told(const event_of<ledger>& e) {
    auto text = std::to_string(e.number) + "." + std::to_string(e.part) + ":";
    if (const auto* in = std::get_if<ledger::deposited>(&e.event)) {
      return text + "+" + std::to_string(in->cents);
    }
    if (const auto* out = std::get_if<ledger::withdrawn>(&e.event)) {
      return text + "-" + std::to_string(out->cents);
    }
    return text + std::get<ledger::noted>(e.event).text;
  }
  static std::string next(stream<event_of<ledger>>& from, time_span within = {}) {
    auto got = from.next(within);
    if (!got) return std::string{to_string(got.error().code)} + ": " + got.error().message;
    return *got ? told(**got) : "none";
  }
  stream<event_of<ledger>> current(std::vector<position> after = {}) const {
    return must(events<ledger>{*journal}.after(std::move(after)).current());
  }
};

}  // namespace

TEST_P(Adapting, RecoveryAppliesWhatOldEventsBecome) {
  fill("a");
  EXPECT_EQ(ask("a", show{}), "471, to bob");
  put("b", before::audited{});
  EXPECT_EQ(ask("b", show{}), "0") << "its only event is nothing";
  ASSERT_TRUE(ask("b", deposit{2}));
  EXPECT_EQ(session()->highest(must(persistence_id::make("ledger", "b"))), 2u);
}

TEST_P(Adapting, OldEventsAreReadByTheSerializerThatWroteThem) {
  using json_before = first_ledger<json_serializer>;
  using json_ledger = second_ledger<json_serializer>;
  put("a", before::moved{30, "bob"});
  put<json_before>("a", json_before::deposited{5});
  put<json_before>("a", json_before::audited{});
  EXPECT_EQ(ask<json_ledger>("a", json_ledger::show{}), "470, to bob");
}

TEST_P(Adapting, AStreamHasThePartsOfAnEventInOrder) {
  fill("a");
  auto all = current();
  for (const auto* wanted : {"1.0:+500", "2.0:-30", "2.1:to bob", "4.0:+1", "none"}) {
    EXPECT_EQ(next(all), wanted);
  }
  EXPECT_TRUE(all.ended());
}

TEST_P(Adapting, AStreamEndsThoughTheLastEventsAreNothing) {
  for (int i = 0; i < 20; ++i) put("a", before::audited{});
  auto all = current();
  EXPECT_EQ(next(all), "none");
  EXPECT_TRUE(all.ended());
  ASSERT_FALSE(all.at().empty());
  for (const auto& at : all.at()) EXPECT_EQ(at, session()->last(at.strand));
}

TEST_P(Adapting, AStreamStandsBeforeAnEventUntilItsLastPartIsRead) {
  fill("a");
  auto all = current();
  EXPECT_EQ(next(all), "1.0:+500");
  const auto before_move = all.at();
  EXPECT_EQ(next(all), "2.0:-30");
  EXPECT_EQ(all.at(), before_move);
  auto resumed = current(all.at());
  EXPECT_EQ(next(resumed), "2.0:-30") << "its first part comes again";
  EXPECT_EQ(next(all), "2.1:to bob");
  auto after = current(all.at());
  EXPECT_EQ(next(after), "4.0:+1");
}

TEST_P(Adapting, ASinkMayEndOrThrowBetweenTheParts) {
  fill("a");
  auto all = current();
  std::string seen;
  auto take = [&](int count) {
    return all.read([&, left = count](event_of<ledger> e) mutable {
      if (left-- == 0) throw std::runtime_error{"enough"};
      seen += told(e) + " ";
      return true;
    });
  };
  EXPECT_THROW((void)take(2), std::runtime_error);
  EXPECT_EQ(std::exchange(seen, ""), "1.0:+500 2.0:-30 ");
  EXPECT_THROW((void)take(0), std::runtime_error);
  EXPECT_EQ(take(99), 2u);
  EXPECT_EQ(seen, "2.1:to bob 4.0:+1 ");
  auto once = current();
  std::size_t calls = 0;
  auto stop_at_once = [&](const event_of<ledger>&) { return ++calls, false; };
  for (std::size_t i = 1; i <= 4; ++i) {
    EXPECT_EQ(once.read(stop_at_once), 1u);
    EXPECT_EQ(calls, i);
  }
}

TEST_P(Adapting, ALiveStreamWaitsPastEventsThatAreNothing) {
  auto live = must(events<ledger>{*journal}.live());
  put("a", before::audited{});
  EXPECT_EQ(next(live, 20ms), "none");
  put("a", before::moved{30, "nowhere"});
  ASSERT_TRUE(ask("a", deposit{1}));
  EXPECT_EQ(next(live, 10s), "3.0:+1");
  live.stop();
  EXPECT_EQ(next(live, 10s).substr(0, 7), "stopped");
}

TEST_P(Adapting, AnAdapterThatThrowsIsNamedByIdNumberAndType) {
  put("a", before::audited{});
  put("a", before::moved{30, "nobody"});
  const std::string why = "event 2: event type \"moved\" version 1: adapt threw: to nobody";
  const auto recovered = ask("a", show{});
  EXPECT_EQ(recovered.error().code, errc::corrupt);
  EXPECT_EQ(recovered.error().message, "ledger|a: " + why);
  auto all = current();
  const auto read = next(all);
  for (const auto* part :
       {"corrupt: ", "ledger|a", "event type \"moved\" version 1: adapt threw"}) {
    EXPECT_NE(read.find(part), std::string::npos) << read;
  }
  EXPECT_EQ(next(all), read) << "the stream stays there";
}

TEST_P(Adapting, TooManyEventsOfOneAreRefused) {
  put("a", before::moved{30, "everybody"});
  const auto recovered = ask("a", show{});
  EXPECT_EQ(recovered.error().code, errc::too_large);
  EXPECT_EQ(recovered.error().message,
            "ledger|a: event 1: event type \"moved\" version 1: adapt made 1001 events of it, at "
            "most 1000 (adapted_events_max)");
}

TEST_P(Adapting, ATypeThatIsNeitherOldNorRemovedIsStillUnknown) {
  event_view event{.type = "closed", .data = "\x80"};
  const append_request request{must(persistence_id::make("ledger", "a")), 0, {}, {&event, 1}};
  ASSERT_TRUE(std::holds_alternative<stored>(session()->append({&request, 1})[0]));
  EXPECT_EQ(ask("a", show{}).error().code, errc::unknown_type);
}

INSTANTIATE_TEST_SUITE_P(Journals, Adapting, journals_and_strands(), journal_name);

namespace {

template <class E>
result<std::vector<ledger::event>> decoded(const E& event) {
  const auto data = encode(event);
  return decode_events<ledger>({.type = E::type_name,
                                .schema_version = detail::schema_version_of<E>(),
                                .codec = "msgpack",
                                .data = data});
}

}  // namespace

TEST(DecodeEvents, ReadsNoneOneOrSeveral) {
  EXPECT_EQ(decoded(before::audited{})->size(), 0u);
  EXPECT_EQ(decoded(ledger::withdrawn{3})->size(), 1u);
  const auto move = decoded(before::moved{30, "bob"});
  ASSERT_EQ(move->size(), 2u);
  EXPECT_EQ(std::get<ledger::withdrawn>(move->at(0)).cents, 30);
  EXPECT_EQ(std::get<ledger::noted>(move->at(1)).text, "to bob");
  const auto in_euros = decoded(before::deposited{5});
  EXPECT_EQ(std::get<ledger::deposited>(in_euros->at(0)).cents, 500);
}

TEST(DecodeEvents, AVersionBetweenTwoIsReadByTheLaterOne) {
  using namespace std::string_view_literals;
  const auto read = decode_events<ledger>(
      {.type = "deposited", .schema_version = 3, .codec = "msgpack", .data = "\x80"});
  EXPECT_EQ(read.error().code, errc::unsupported_version);
  EXPECT_NE(read.error().message.find("the known version is 2"), std::string::npos);
}

TEST(AdaptingInAScenario, PastEventsMayBeOld) {
  using namespace nexus::testkit;
  given<ledger>(ledger::deposited_in_euros{5}, ledger::moved{30, "bob"})
      .when(show{})
      .then(replies(std::string{"470, to bob"}))
      .when(deposit{1})
      .then(ledger::deposited{1});
}

TEST(AdaptingInAProjectionsTest, AHandlerGetsThePartsOfAnEvent) {
  std::string seen;
  testkit::projecting<ledger> told{[&](const projected<ledger>& e) {
    seen += std::to_string(e.number) + "." + std::to_string(e.part) + " ";
  }};
  told.given("a", ledger::moved{30, "nowhere"})
      .given("a", ledger::moved{30, "bob"})
      .given("a", ledger::deposited{1});
  EXPECT_TRUE(told.handled());
  EXPECT_TRUE(told.delivered_again());
  EXPECT_EQ(seen, "2.0 2.1 3.0 2.0 2.1 3.0 ");
}

TEST(AdaptingInAFingerprint, OldEventsStayInIt) {
  EXPECT_EQ(testkit::fingerprint<ledger>(),
            "serializer msgpack\n"
            "event \"deposited\" version 2\n  cents: int64\n"
            "event \"withdrawn\" version 1\n  cents: int64\n"
            "event \"noted\" version 1\n  text: string\n"
            "old event \"deposited\" 1 version 1\n  euros: int64\n"
            "event \"moved\" version 1\n  cents: int64\n  to: string\n"
            "removed event \"audited\" version 1\n"
            "state \"ledger\" version 1\n  cents: int64\n  notes: string\n");
}

TEST(AdaptingInAFingerprint, TypesThatBecomeOldOrRemovedBreakNothing) {
  const auto was = testkit::detail::print_of<before>();
  const auto is = testkit::detail::print_of<ledger>();
  auto events_of = [](testkit::detail::print p) {  // the state is another one here
    p.shapes.pop_back();
    return p;
  };
  EXPECT_EQ(testkit::detail::compare(events_of(was), events_of(is)).breaking,
            std::vector<std::string>{});
  auto forgotten = is;
  std::erase_if(forgotten.shapes, [](const auto& s) {
    return s.name == "event \"moved\"" || s.removed || s.name == "old event \"deposited\" 1";
  });
  EXPECT_EQ(
      testkit::detail::compare(events_of(is), events_of(forgotten)).breaking,
      (std::vector<std::string>{"old event \"deposited\" 1 is gone", "event \"moved\" is gone",
                                "removed event \"audited\" is gone"}));
}
