// Streams of the latest durable states, on journals in memory and in SQLite.
#include <nexus/states.hpp>
#include <nexus/testkit/contract/terse_session.hpp>

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
  const std::string file = "sqlite:" + folder.path("test.db");
  nexus::system sys{{.threads = 2}};
  const store journal =
      must(nexus::open(std::string{GetParam()} == "memory" ? "memory:" : file + "?indexes=states"));
  entities<label> labels{sys, journal};
  const states<label> all{journal};

  void rename(std::string_view id, std::string name) {
    ASSERT_TRUE(labels.of(id).ask(label::rename{std::move(name)}).get(10s));
  }
  // As in "a 2:x, b 1 erased".
  static std::string read(stream<state_of<label>>& from, time_span within = {}) {
    std::string text;
    auto done = from.read(
        [&](const state_of<label>& s) {
          text += (text.empty() ? "" : ", ") + s.id + " " + std::to_string(s.version) +
                  (s.state ? ":" + s.state->name : " erased");
          return true;
        },
        within);
    return done ? text : std::string{to_string(done.error().code)};
  }
};

}  // namespace

TEST_P(States, AreTheLatestOfEachId) {
  rename("a", "x");
  rename("b", "y");
  rename("a", "z");
  auto from = must(all.current());
  EXPECT_EQ(read(from), "b 1:y, a 2:z");
  EXPECT_EQ(read(from), "");
  EXPECT_TRUE(from.ended());
  ASSERT_TRUE(labels.of("b").ask(label::forget{}).get(10s));
  auto later = must(all.after(from.at()).current());
  EXPECT_EQ(read(later), "b 2 erased");
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
  std::string text;
  while (!from.ended()) text += read(from) + ";";
  EXPECT_EQ(text, "a 1:x;b 1:y;;");
  auto one = must(all.of("b").current());
  EXPECT_EQ(read(one), "b 1:y");
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

INSTANTIATE_TEST_SUITE_P(Journals, States, journals(), journal_name);

TEST(StatesOfSqlite, NeedTheIndexOfStates) {
  const temporary_folder folder;
  const auto journal = must(nexus::open("sqlite:" + folder.path("test.db")));
  EXPECT_EQ(states<label>{journal}.live().error().code, errc::invalid_argument);
}
