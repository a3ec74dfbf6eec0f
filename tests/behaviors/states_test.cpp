// Streams of the latest durable states, on journals in memory, in SQLite, and of three strands.
#include <nexus/states.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <set>

#include "store_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using testkit::must;

namespace {

struct label {
  static constexpr std::string_view entity_type = "label";
  struct rename {
    std::string name;
  };
  struct forget {};
  using command = std::variant<rename, forget>;
  struct state {
    std::string name;
    MSGPACK_DEFINE_MAP(name)
  };
  static auto decide(const state&, const rename& c) { return nexus::persist(state{c.name}); }
  static auto decide(const state&, const forget&) { return nexus::erase(); }
};

struct States : testing::TestWithParam<const char*> {
  const temporary_folder folder;
  const std::string scheme = GetParam();
  nexus::system sys{{.threads = 2}};
  const store journal = must(nexus::open(
      scheme + ":" + (scheme == "sqlite" ? folder.path("test.db") + "?indexes=states" : ""),
      {memory_backend(), sqlite_backend(), strands_backend(3)}));
  entities<label> labels{sys, journal};
  const states<label> all{journal};

  void rename(std::string_view id, std::string name) {
    ASSERT_TRUE(labels.of(id).ask(label::rename{std::move(name)}).get(10s));
  }
  // As in "a 2:x" or "b 1 erased".
  static std::string told(const state_of<label>& s) {
    return s.id + " " + std::to_string(s.version) + (s.state ? ":" + s.state->name : " erased");
  }
  static std::string read(stream<state_of<label>>& from, time_span within = {}) {
    std::string text;
    auto done = from.read(
        [&](const state_of<label>& s) {
          text += (text.empty() ? "" : ", ") + told(s);
          return true;
        },
        within);
    return done ? text : std::string{to_string(done.error().code)};
  }
  // All that is stored now. Without order: strands come one after another.
  static std::multiset<std::string> all_of(stream<state_of<label>>& current) {
    std::multiset<std::string> items;
    while (!current.ended()) {
      must(current.read([&](const state_of<label>& s) { return items.insert(told(s)), true; }));
    }
    return items;
  }
  using items = std::multiset<std::string>;
};

}  // namespace

TEST_P(States, AreTheLatestOfEachId) {
  rename("a", "x");
  rename("b", "y");
  rename("a", "z");
  auto from = must(all.current());
  EXPECT_EQ(all_of(from), (items{"a 2:z", "b 1:y"}));
  ASSERT_TRUE(labels.of("b").ask(label::forget{}).get(10s));
  auto later = must(all.after(from.at()).current());
  EXPECT_EQ(all_of(later), (items{"b 2 erased"}));
}

TEST_P(States, OfCurrentEndAlsoWhileStatesChange) {
  for (const char* id : {"a", "b", "c"}) rename(id, "x");
  auto from = must(states<label>{journal, {.batch_max = 100}}.current());
  items seen;
  for (int reads = 0; reads < 20 && !from.ended(); ++reads) {
    rename("a", "changed");
    must(from.read([&](const state_of<label>& s) { return seen.insert(s.id), true; }));
  }
  EXPECT_TRUE(from.ended());
  EXPECT_GE(seen.count("a") * seen.count("b") * seen.count("c"), 1u);
}

TEST_P(States, OfLiveComeWhenTheyChange) {
  auto from = must(states<label>{journal, {.poll_every = 1min}}.live());
  EXPECT_EQ(read(from), "");
  const auto begin = std::chrono::steady_clock::now();
  std::jthread renames{[&] { rename("a", "x"); }};
  EXPECT_EQ(read(from, 1min), "a 1:x");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_P(States, AreChosenByTypeAndId) {
  testkit::terse_session raw{must(journal.open_session())};
  for (int i = 0; i < 5; ++i) {
    const auto other = must(persistence_id::make("other", std::to_string(i)));
    ASSERT_EQ(raw.upsert(other, 0, 1, "?"), "stored");
  }
  rename("a", "x");
  rename("b", "y");
  auto from = must(states<label>{journal, {.batch_max = 2}}.current());
  EXPECT_EQ(all_of(from), (items{"a 1:x", "b 1:y"}));
  auto one = must(all.of("b").current());
  EXPECT_EQ(all_of(one), (items{"b 1:y"}));
}

TEST_P(States, OneThatDoesNotDecodeIsNamedAndNotSkipped) {
  testkit::terse_session raw{must(journal.open_session())};
  ASSERT_EQ(raw.upsert(must(persistence_id::make("label", "a")), 0, 1, "?"), "stored");
  auto from = must(all.live());
  EXPECT_EQ(from.next().error(), from.next().error());
  EXPECT_EQ(from.next().error(),
            (error{errc::unknown_type,
                   "version 1 of label|a: state type \"balance\" is not that of behavior "
                   "\"label\""}));
}

INSTANTIATE_TEST_SUITE_P(Journals, States, journals_and_strands(), journal_name);

TEST(StatesOfSqlite, NeedTheIndexOfStates) {
  const temporary_folder folder;
  const auto journal = must(nexus::open("sqlite:" + folder.path("test.db")));
  EXPECT_EQ(states<label>{journal}.live().error().code, errc::invalid_argument);
}
