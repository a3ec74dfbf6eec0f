// Values that cannot be stored, or not be read again, are refused before anything is stored.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <nexus/nexus.hpp>
#include <nexus/testkit/faulty.hpp>
#include <string>
#include <vector>

#include "tally.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

struct leaf {
  std::vector<leaf> below;
  MSGPACK_DEFINE_MAP(below)
};

/// Two levels each.
leaf nested(std::size_t leaves) {
  leaf made;
  for (; leaves > 1; --leaves) {
    leaf above;
    above.below.push_back(std::move(made));
    made = std::move(above);
  }
  return made;
}
std::size_t leaves_of(const leaf& top) {
  return top.below.empty() ? 1 : 1 + leaves_of(top.below[0]);
}

/// Grows by a leaf at a time, or at once.
struct plant {
  static constexpr std::string_view entity_type = "plant";
  struct grow {
    std::size_t leaves = 1;
  };
  struct climb {};
  struct measure {};
  using command = std::variant<grow, climb, measure>;
  struct grown {
    static constexpr std::string_view type_name = "grown";
    leaf top;
    MSGPACK_DEFINE_MAP(top)
  };
  struct climbed {
    static constexpr std::string_view type_name = "climbed";
  };
  using event = std::variant<grown, climbed>;
  struct state {
    leaf top;
    MSGPACK_DEFINE_MAP(top)
  };
  static auto decide(const state&, const grow& c) {
    return nexus::persist(grown{nested(c.leaves)}).then_reply(&leaves);
  }
  static auto decide(const state&, const climb&) {
    return nexus::persist(climbed{}).then_reply(&leaves);
  }
  static auto decide(const state& s, const measure&) { return nexus::reply(leaves(s)); }
  static void apply(state& s, const grown& e) { s.top = e.top; }
  static void apply(state& s, const climbed&) {
    leaf above;
    above.below.push_back(std::move(s.top));
    s.top = std::move(above);
  }
  static std::size_t leaves(const state& s) { return leaves_of(s.top); }
};

/// The same as a durable state.
struct pot {
  static constexpr std::string_view entity_type = "pot";
  struct put {
    std::size_t leaves = 1;
  };
  struct measure {};
  using command = std::variant<put, measure>;
  struct state {
    leaf top;
    MSGPACK_DEFINE_MAP(top)
  };
  static auto decide(const state&, const put& c) { return nexus::persist(state{nested(c.leaves)}); }
  static auto decide(const state& s, const measure&) { return nexus::reply(leaves_of(s.top)); }
};

class CommandLimits : public testing::Test {
 protected:
  template <class B, class C>
  static auto ask(const entities<B>& of, C command) {
    return of.of("a").ask(std::move(command)).get(30s);
  }
  std::size_t stored(std::string_view type) {
    auto session = *journal.open_session();
    return *session->highest(*persistence_id::make(type, "a"));
  }

  std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
  nexus::system sys{{.threads = 2}};
  store journal = *nexus::open("memory:", {testkit::faulty(memory_backend(), faults)});
};

constexpr std::size_t deepest = nesting_max / 2 - 1;  // within an event's or state's own map

tally::add_each ones(std::size_t count) { return {std::vector<std::int64_t>(count, 1)}; }

}  // namespace

// -- nesting --------------------------------------------------------------------------------------

TEST_F(CommandLimits, AnEventThatNestsTooDeepIsRefusedBeforeItIsStored) {
  {
    entities<plant> plants{sys, journal};
    EXPECT_EQ(ask(plants, plant::grow{deepest}), deepest);
    EXPECT_EQ(
        ask(plants, plant::grow{deepest + 1}).error(),
        (error{errc::too_large,
               "plant|a: an event \"grown\" cannot be stored by \"msgpack\": nests more than 64 "
               "maps and arrays in one another"}));
    EXPECT_EQ(ask(plants, plant::measure{}), deepest);
    EXPECT_EQ(stored("plant"), 1u);
  }
  nexus::system fresh{{.threads = 1}};
  entities<plant> plants{fresh, journal};
  EXPECT_EQ(ask(plants, plant::measure{}), deepest);
}

TEST_F(CommandLimits, ADurableStateThatNestsTooDeepIsRefusedBeforeItIsStored) {
  {
    entities<pot> pots{sys, journal};
    EXPECT_TRUE(ask(pots, pot::put{deepest}));
    EXPECT_EQ(
        ask(pots, pot::put{deepest + 1}).error(),
        (error{errc::too_large,
               "pot|a: the state \"pot\" cannot be stored by \"msgpack\": nests more than 64 maps "
               "and arrays in one another"}));
    EXPECT_EQ(ask(pots, pot::measure{}), deepest);
  }
  nexus::system fresh{{.threads = 1}};
  entities<pot> pots{fresh, journal};
  EXPECT_EQ(ask(pots, pot::measure{}), deepest);
}

TEST_F(CommandLimits, ASnapshotOfAStateThatNestsTooDeepIsNotSavedAndTheEntityGoesOn) {
  std::atomic<int> failed{0};
  errc code{};
  {
    entity_options options{.snapshot_every = 1};
    options.on_signal = [&](const entity_signal& s) {
      if (s.what != entity_signal::kind::snapshot_failed) return;
      code = s.why.code;
      ++failed;
    };
    entities<plant> plants{sys, journal, options};
    ASSERT_EQ(ask(plants, plant::grow{deepest}), deepest);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(ask(plants, plant::climb{}), deepest + 1) << "the state is never stored as an event";
    EXPECT_EQ(ask(plants, plant::climb{}), deepest + 2);
  }
  EXPECT_GE(failed, 1);
  EXPECT_EQ(code, errc::too_large);
  nexus::system fresh{{.threads = 1}};
  entities<plant> plants{fresh, journal, {.snapshot_every = 1}};
  EXPECT_EQ(ask(plants, plant::measure{}), deepest + 2);
}

// -- events of one command ------------------------------------------------------------------------

TEST_F(CommandLimits, ACommandMayPersistTenThousandEventsAndOneMoreIsRefusedByName) {
  entities<tally> tallies{sys, journal};
  EXPECT_EQ(ask(tallies, ones(10'000)), 10'000);
  EXPECT_EQ(
      ask(tallies, ones(10'001)).error(),
      (error{errc::too_large,
             "tally|a: one command persists 10001 events, at most 10000 are allowed: raise "
             "entity_options::events_per_command_max, or persist them with several commands"}));
  EXPECT_EQ(ask(tallies, tally::read{}), 10'000);
  EXPECT_EQ(stored("tally"), 10'000u);
}

TEST_F(CommandLimits, HowManyCommandsAreUndurableDoesNotBoundTheEventsOfOne) {
  entities<tally> tallies{sys, journal, {.undurable_max = 60'000}};
  EXPECT_EQ(ask(tallies, ones(10'000)), 10'000);
}

TEST_F(CommandLimits, TheBoundIsAnOptionWithinWhatTheJournalTakes) {
  const auto most = journal.limits().request_events_max;
  {
    entities<tally> tallies{sys, journal, {.events_per_command_max = 3}};
    EXPECT_TRUE(ask(tallies, ones(3)));
    EXPECT_EQ(ask(tallies, ones(4)).error().code, errc::too_large);
  }
  entities<tally> tallies{sys, journal, {.events_per_command_max = most * 2}};
  EXPECT_TRUE(ask(tallies, ones(most)));
  const auto refused = ask(tallies, ones(most + 1)).error();
  EXPECT_EQ(refused.code, errc::too_large);
  EXPECT_NE(refused.message.find("the journal's limit for one append"), std::string::npos)
      << refused.message;
}

TEST_F(CommandLimits, NoEventsAtAllIsNoBound) {
  entities<tally> tallies{sys, journal, {.events_per_command_max = 0}};
  EXPECT_EQ(tallies.status().error(),
            (error{errc::invalid_argument,
                   "entities \"tally\": events_per_command_max must be at least 1"}));
}

namespace {

/// Persists so many events at once, and counts its decisions.
struct burst {
  static constexpr std::string_view entity_type = "burst";
  struct make {
    std::size_t count = 0;
  };
  using command = std::variant<make>;
  struct made {
    static constexpr std::string_view type_name = "made";
  };
  using event = std::variant<made>;
  struct state {
    std::size_t count = 0;
    MSGPACK_DEFINE_MAP(count)
  };
  static inline std::atomic<int> decided{0};
  static auto decide(const state&, const make& c) {
    ++decided;
    decided.notify_all();
    return nexus::persist(std::vector<made>(c.count)).then_reply(&state::count);
  }
  static void apply(state& s, const made&) { ++s.count; }
};

}  // namespace

// One append is in flight, the next takes 100,000 events, and the command after them waits for a
// third.
TEST_F(CommandLimits, CommandsThatMergeStillFitTheJournalsRequests) {
  using testkit::operation;
  const auto most = journal.limits().request_events_max;
  const entities<burst> bursts{
      sys, journal, {.undurable_max = 60'000, .undurable_bytes_max = std::size_t{1} << 30}};
  ASSERT_TRUE(ask(bursts, burst::make{0}));
  faults->hold(operation::append);
  std::deque<asked<std::size_t>> answers;
  answers.push_back(bursts.of("a").ask(burst::make{1}));
  ASSERT_TRUE(faults->wait_for(operation::append, 1));
  burst::decided = 0;
  for (std::size_t i = 0; i < 13; ++i) {
    answers.push_back(bursts.of("a").ask(burst::make{most / 10}));
  }
  for (int so_far = 0; so_far < 11; so_far = burst::decided) burst::decided.wait(so_far);
  faults->release(operation::append);
  std::size_t sum = 1;
  EXPECT_EQ(answers.front().get(60s), sum);
  answers.pop_front();
  for (auto& one : answers) EXPECT_EQ(one.get(60s), sum += most / 10);
  EXPECT_EQ(stored("burst"), sum);
}

// -- metadata -------------------------------------------------------------------------------------

namespace {

struct note {
  static constexpr std::string_view entity_type = "note";
  struct take {};
  using command = std::variant<take>;
  struct taken {
    static constexpr std::string_view type_name = "taken";
  };
  using event = std::variant<taken>;
  struct state {};
  static auto decide(const state&, const take&) {
    return nexus::persist(taken{})
        .with_metadata("by", "first")
        .with_metadata("at", "noon")
        .with_metadata("by", "last");
  }
  static void apply(state&, const taken&) {}
};

}  // namespace

TEST_F(CommandLimits, OfAMetadataFieldThatIsGivenTwiceTheLastValueIsStored) {
  entities<note> notes{sys, journal};
  ASSERT_TRUE(ask(notes, note::take{}));
  auto session = *journal.open_session();
  std::map<std::string, std::string> fields;
  ASSERT_TRUE(session->replay(*persistence_id::make("note", "a"), 1, 1, 1, [&](const auto& r) {
    fields = decode_metadata(r.event.metadata)->fields;
    return true;
  }));
  EXPECT_EQ(fields, (std::map<std::string, std::string>{{"at", "noon"}, {"by", "last"}}));
}

TEST_F(CommandLimits, MetadataOfAnOlderVersionWithAFieldTwiceIsRead) {
  const std::string stored{
      "\x81\xa6"
      "fields\x82\xa2"
      "by\xa5"
      "first\xa2"
      "by\xa4"
      "last"};
  EXPECT_EQ(decode_metadata(stored)->fields.at("by"), "last");
}
