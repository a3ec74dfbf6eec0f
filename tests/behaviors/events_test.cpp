// Streams of decoded events, on journals in memory, in SQLite, and of three strands.
#include <nexus/detail/may_wait.hpp>
#include <nexus/events.hpp>
#include <nexus/testkit/contract/terse_session.hpp>

#include "contract/forwarding_journal.hpp"
#include "store_fixture.hpp"
#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::must;
using testkit::operation;

namespace {

/// Its event has been stored as version 1, without `currency`.
struct purse {
  static constexpr std::string_view entity_type = "purse";
  struct put {};
  using command = std::variant<put>;
  struct coined {
    static constexpr std::string_view type_name = "coined";
    static constexpr std::uint32_t schema_version = 2;
    std::int64_t n = 0;
    std::string currency;
    MSGPACK_DEFINE_MAP(n, currency)
    static void upcast(from_version<1>, document& d) { d.set("currency", "EUR"); }
  };
  using event = std::variant<coined>;
  struct state {};
  static auto decide(const state&, const put&) { return nexus::persist(coined{1, "USD"}); }
  static auto tags(const coined& e) { return std::vector<std::string>{e.currency}; }
  static void apply(state&, const coined&) {}
};
struct coined_v1 {
  std::int64_t n = 0;
  MSGPACK_DEFINE_MAP(n)
};

struct Events : store_fixture {
  entities<tally> tallies{sys, *journal};
  entities<purse> purses{sys, *journal};
  const events<tally> all{*journal};

  void add(std::string_view id, std::int64_t n) {
    ASSERT_TRUE(tallies.of(id).ask(tally::add{n}).get(10s));
  }
  void write_down(std::string_view id, std::string text) {
    ASSERT_TRUE(tallies.of(id).ask(tally::write_down{std::move(text)}).get(10s));
  }
  static persistence_id id_of(std::string_view id) {
    return must(persistence_id::make(tally::entity_type, id));
  }
  void erase_to(std::string_view id, sequence_nr to) { must(session()->erase_to(id_of(id), to)); }

  // As in "a 1:+5", "a 2:hello".
  static std::string told(const event_of<tally>& e) {
    auto text = e.id + " " + std::to_string(e.number) + ":";
    if (const auto* added = std::get_if<tally::added>(&e.event)) {
      return text + "+" + std::to_string(added->n);
    }
    return text + std::get<tally::written>(e.event).text;
  }
  static std::string read(stream<event_of<tally>>& from, time_span within = {}) {
    std::string text;
    auto done = from.read(
        [&](const event_of<tally>& e) {
          text += (text.empty() ? "" : ", ") + told(e);
          return true;
        },
        within);
    return done ? text : std::string{to_string(done.error().code)};
  }
  static std::string current(const events<tally>& of) {
    auto from = of.current();
    if (!from) return std::string{to_string(from.error().code)};
    std::string text;
    while (!from->ended()) {
      const auto some = read(*from);
      text += (text.empty() || some.empty() ? "" : ", ") + some;
      if (some == "history_erased") break;
    }
    return text;
  }
};

}  // namespace

TEST_P(Events, AreReadAsTheirTypesInOrder) {
  add("a", 5);
  write_down("b", "hello");
  add("a", 7);
  EXPECT_EQ(current(all), "a 1:+5, b 1:hello, a 2:+7");
}

TEST_P(Events, HaveAllThatIsStored) {
  const auto asked = purses.of("p").ask(purse::put{});
  ASSERT_TRUE(eventually([&] { return asked.is_answered(); }));
  auto from = must(events<purse>{*journal}.current());
  auto first = must(from.next());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id, "p");
  EXPECT_EQ(first->number, 1u);
  EXPECT_FALSE(first->at.is_start());
  EXPECT_NE(first->time, timestamp{});
  EXPECT_EQ(first->writer, sys.writer_id());
  EXPECT_EQ(first->tags, (std::vector<std::string>{"USD"}));
  EXPECT_EQ(first->metadata.command_id, asked.command_id());
  EXPECT_EQ(std::get<purse::coined>(first->event).n, 1);
  EXPECT_FALSE(must(from.next()));
  EXPECT_TRUE(from.ended());
}

TEST_P(Events, OfAnOlderVersionAreUpcast) {
  std::string data;
  encode(coined_v1{3}, data);
  testkit::terse_session raw{session()};
  ASSERT_EQ(raw.append(must(persistence_id::make("purse", "p")), 0,
                       {std::vector{event_view{.type = "coined", .data = data}}}),
            "stored");
  auto from = must(events<purse>{*journal}.current());
  const auto coined = std::get<purse::coined>(must(from.next())->event);
  EXPECT_EQ(coined.n, 3);
  EXPECT_EQ(coined.currency, "EUR");
}

TEST_P(Events, OfCurrentEndAtWhatWasStored) {
  add("a", 1);
  auto from = must(all.current());
  add("a", 2);
  EXPECT_EQ(read(from), "a 1:+1");
  EXPECT_EQ(read(from, 1min), "");
  EXPECT_TRUE(from.ended());
  EXPECT_EQ(current(all.after(from.at())), "a 2:+2");
}

TEST_P(Events, OfLiveComeWhenTheyAreStored) {
  add("a", 1);
  auto from = must(events<tally>{*journal, {.poll_every = 1min}}.live());
  EXPECT_EQ(read(from), "a 1:+1");
  EXPECT_FALSE(must(from.next()));
  const auto begin = std::chrono::steady_clock::now();
  std::jthread adds{[&] { add("a", 2); }};
  EXPECT_EQ(read(from, 1min), "a 2:+2");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_FALSE(from.ended());
}

TEST_P(Events, AreChosenByIdTagAndSlice) {
  add("a", 1);
  add("b", 2);
  ASSERT_TRUE(purses.of("p").ask(purse::put{}).get(10s));
  EXPECT_EQ(current(all.of("b")), "b 1:+2");
  EXPECT_EQ(current(all.of("nobody")), "");
  EXPECT_EQ(current(all.tagged("USD")), "") << "another type's";
  auto coins = must(events<purse>{*journal}.tagged("USD").current());
  EXPECT_TRUE(must(coins.next()));
  const auto slice = id_of("a").slice();
  EXPECT_EQ(current(all.in({slice, slice})), "a 1:+1");
}

TEST_P(Events, OfAnInvalidSelectionAreRefused) {
  EXPECT_EQ(all.of("").live().error().code, errc::invalid_argument);
  EXPECT_EQ(all.tagged("").live().error().message,
            "query: tag is empty; leave it out to match all");
  EXPECT_EQ(all.in({7, 3}).current().error().code, errc::invalid_argument);
  EXPECT_EQ(all.after(position{.strand = 99}).live().error().code, errc::invalid_argument);
}

TEST_P(Events, AreReadInBatchesOfAnySize) {
  add("a", 1);
  add("a", 2);
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, SIZE_MAX}) {
    EXPECT_EQ(current(events<tally>{*journal, {.batch_max = size}}), "a 1:+1, a 2:+2");
  }
}

TEST_P(Events, GoOnAfterStoredPositions) {
  add("a", 1);
  add("b", 2);
  auto first = must(all.live());
  EXPECT_EQ(told(*must(first.next())), "a 1:+1");
  const auto at = must(position::parse(to_string(first.at().at(0))));
  EXPECT_EQ(current(all.after(at)), "b 1:+2");
}

TEST_P(Events, OneWhoseSinkThrewComesAgain) {
  add("a", 1);
  auto from = must(all.live());
  auto throws = [](const event_of<tally>&) -> bool { throw std::runtime_error{"oops"}; };
  EXPECT_THROW((void)from.read(throws), std::runtime_error);
  EXPECT_EQ(read(from), "a 1:+1");
}

TEST_P(Events, ASinkThatHasEnoughKeepsWhatItWasGiven) {
  add("a", 1);
  add("a", 2);
  auto from = must(all.current());
  EXPECT_EQ(must(from.read([](const event_of<tally>&) { return false; })), 1u);
  EXPECT_EQ(read(from), "a 2:+2");
}

TEST_P(Events, OneThatDoesNotDecodeIsNamedAndNotSkipped) {
  add("a", 1);
  testkit::terse_session raw{session()};
  ASSERT_EQ(raw.append(id_of("a"), 1, {std::vector{event_view{.type = "lost", .data = "\x80"}}}),
            "stored");
  auto from = must(all.live());
  EXPECT_EQ(read(from), "a 1:+1");
  for (int i = 0; i < 2; ++i) {
    const auto wrong = from.next();
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, errc::unknown_type);
    EXPECT_EQ(wrong.error().message,
              "event 2 of tally|a: event type \"lost\" is not one of behavior \"tally\"; add it to "
              "its event variant, to old_event with an adapt, or to removed_events");
  }
  EXPECT_EQ(read(from), "unknown_type");
}

TEST_P(Events, ThatWereErasedAreNotSkippedInSilence) {
  add("a", 1);
  add("b", 2);
  add("a", 3);
  erase_to("a", 1);
  EXPECT_EQ(current(all), "history_erased");
  EXPECT_EQ(current(all.from_kept()), "b 1:+2, a 2:+3");
}

TEST_P(Events, OfOneIdMissOnlyItsOwn) {
  add("a", 1);
  add("b", 2);
  add("a", 3);
  auto first = must(all.of("a").live());
  ASSERT_TRUE(must(first.next()));
  erase_to("a", 1);
  EXPECT_EQ(current(all.of("b")), "b 1:+2");
  EXPECT_EQ(current(all.of("a")), "history_erased");
  EXPECT_EQ(current(all.of("a").from_kept()), "a 2:+3");
  EXPECT_EQ(current(all.of("a").after(first.at())), "a 2:+3") << "read before it was erased";
  erase_to("a", 2);
  EXPECT_EQ(current(all.of("a")), "history_erased") << "all of them";
  EXPECT_EQ(current(all.of("a").after(first.at())), "history_erased");
  EXPECT_EQ(current(all.of("a").from_kept()), "");
}

TEST_P(Events, OfOneIdThatDoNotMatchMayBeErasedBehindTheReader) {
  ASSERT_TRUE(purses.of("p").ask(purse::put{}).get(10s));
  testkit::terse_session raw{session()};
  const auto p = must(persistence_id::make("purse", "p"));
  std::string data;
  encode(coined_v1{3}, data);
  const std::vector<event_view> untagged(2, event_view{.type = "coined", .data = data});
  ASSERT_EQ(raw.append(p, 1, {untagged}), "stored");
  auto from = must(events<purse>{*journal}.of("p").tagged("USD").live());
  EXPECT_TRUE(must(from.next()));
  EXPECT_FALSE(must(from.next()));
  const auto at = from.at().at(0);
  must(session()->erase_to(p, 3));
  EXPECT_EQ(raw.append(p, 3, {untagged}), "stored");
  EXPECT_FALSE(must(from.next()));
  auto again = must(events<purse>{*journal}.of("p").tagged("USD").after(at).live());
  EXPECT_FALSE(must(again.next()));
}

TEST_P(Events, OfOtherTypesMayBeErasedBehindTheReader) {
  add("a", 1);
  auto from = must(all.live());
  EXPECT_EQ(read(from), "a 1:+1");
  ASSERT_TRUE(purses.of("p").ask(purse::put{}).get(10s));
  EXPECT_EQ(read(from), "");
  must(session()->erase_to(must(persistence_id::make("purse", "p")), 1));
  add("a", 2);
  EXPECT_EQ(read(from), "a 2:+2");
}

TEST_P(Events, AreReadAgainAfterAFailure) {
  add("a", 1);
  auto from = must(all.live());
  faults->inject(fault::fail, operation::read, 1);
  EXPECT_EQ(read(from), "unavailable");
  EXPECT_EQ(read(from), "a 1:+1");
}

TEST_P(Events, StopEndsAWaitingNext) {
  auto from = must(events<tally>{*journal, {.poll_every = 1h}}.live());
  std::jthread stops{[&] {
    EXPECT_TRUE(faults->wait_for(operation::watch, 1));
    from.stop();
  }};
  EXPECT_EQ(from.next(1h).error(),
            (error{errc::stopped, journal->name() + ": the event stream was stopped"}));
}

TEST_P(Events, OnAThreadThatMustNotWaitAreWhatIsThere) {
  add("a", 1);
  auto from = must(all.live());
  const detail::no_waiting here{"a callback"};
  EXPECT_TRUE(must(from.next(1h)));
  EXPECT_EQ(from.next(1h).error().code, errc::would_block);
  EXPECT_FALSE(must(from.next()));
}

namespace {

// Erases within a query, as others may between the parts in which a journal reads a page.
class erasing_session final : public forwarding_session {
 public:
  erasing_session(std::unique_ptr<journal_session> inner, std::shared_ptr<int> /*shared*/)
      : forwarding_session{std::move(inner)} {}
  result<page_info> query(const event_filter& filter, const event_page& page,
                          const journal_sink& sink) override {
    auto first = page;
    first.limit = 2;
    auto info = inner().query(filter, first, sink);
    if (!info || !info->has_next || page.limit <= 2) return info;
    auto id = persistence_id::make(*filter.entity_type, *filter.entity_id);
    must(inner().erase_to(*id, 4, nexus::erasing::forced));
    first.cursor = info->next;
    first.limit = page.limit - 2;
    return inner().query(filter, first, sink);
  }
};

}  // namespace

TEST(EventsOfOneId, ThatAreErasedWhileABatchIsReadAreNotSkippedInSilence) {
  const auto erases = wrapped<erasing_session, int>(memory_backend());
  const auto journal = must(nexus::open("memory:", {erases}));
  nexus::system sys{{.threads = 2}};
  entities<tally> tallies{sys, journal};
  ASSERT_TRUE(tallies.of("a").ask(tally::add_each{{1, 2, 3, 4, 5, 6}}).get(10s));
  auto from = must(events<tally>{journal}.of("a").current());
  EXPECT_EQ(from.next().error().code, errc::history_erased);
}

INSTANTIATE_TEST_SUITE_P(Journals, Events, journals_and_strands(), journal_name);
