// A projection of a behavior that adapts stored events: one may be none or several events.
#include "suite.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct older {
  static constexpr std::string_view entity_type = "basket";
  struct put {
    int count = 0;
  };
  using command = std::variant<put>;
  struct filled {
    static constexpr std::string_view type_name = "filled";
    int count = 0;
    MSGPACK_DEFINE_MAP(count)
  };
  using event = std::variant<filled>;
  struct state {};
  static auto decide(const state&, const put& c) { return persist(filled{c.count}); }
  static void apply(state&, const filled&) {}
};

// Whether a `filled` of fewer than none is nothing; else its adapter throws.
std::atomic<bool> forgives{false};

/// `filled` becomes as many `added` as it says.
struct basket {
  static constexpr std::string_view entity_type = "basket";
  struct add {};
  using command = std::variant<add>;
  struct added {
    static constexpr std::string_view type_name = "added";
  };
  using event = std::variant<added>;
  using old_event = std::variant<older::filled>;
  static std::vector<event> adapt(const older::filled& e) {
    if (e.count < 0 && !forgives) throw std::runtime_error{"fewer than none"};
    if (e.count < 0) return {};
    return std::vector<event>(static_cast<std::size_t>(e.count));
  }
  struct state {};
  static auto decide(const state&, const add&) { return persist(added{}); }
  static void apply(state&, const added&) {}
};

struct Adapted : testing::TestWithParam<bool> {
  const temporary_folder folder;
  const store opened = must(nexus::open(GetParam() ? "sqlite:" + folder.path("t.db") : "memory:"));
  nexus::system sys{{.threads = 2}};
  std::mutex lock;
  std::string in_memory;

  void SetUp() override {
    if (!GetParam()) return;
    must(must(opened.sessions().borrow())
             ->execute("CREATE TABLE seen (id text, number integer, part integer, "
                       "PRIMARY KEY (id, number, part))"));
  }
  void fill(int count) {
    entities<older> all{sys, opened};
    must(all.of("a").ask(older::put{count}).get(patience));
  }

  // A part that comes twice violates the key.
  result<void> note(session& on, const projected<basket>& e) {
    if (GetParam()) {
      return on
          .execute("INSERT INTO seen VALUES ($1, $2, $3)", e.id,
                   static_cast<std::int64_t>(e.number), static_cast<std::int64_t>(e.part))
          .map([](const auto&) {});
    }
    std::lock_guard guard{lock};
    in_memory += std::to_string(e.number) + "." + std::to_string(e.part) + " ";
    return {};
  }
  std::string seen() {
    if (!GetParam()) {
      std::lock_guard guard{lock};
      return in_memory;
    }
    std::string text;
    for (const auto& [number, part] :
         must(must(opened.sessions().borrow())
                  ->query<std::int64_t, std::int64_t>("SELECT number, part FROM seen ORDER BY id, "
                                                      "number, part"))) {
      text += std::to_string(number) + "." + std::to_string(part) + " ";
    }
    return text;
  }
};

}  // namespace

TEST_P(Adapted, EveryPartIsHandledOnceAndInOrder) {
  for (int count : {2, 0, 3}) fill(count);
  projection<basket> one{sys, opened, "one",
                         [&](session& on, const projected<basket>& e) { return note(on, e); }};
  ASSERT_TRUE(one.caught_up(patience));
  EXPECT_EQ(seen(), "1.0 1.1 3.0 3.1 3.2 ");
  EXPECT_EQ(one.status().handled, 2u) << "stored events that are some";
  EXPECT_EQ(one.status().behind, 0u);
}

TEST_P(Adapted, ABatchHasAllPartsOfItsEvents) {
  for (int count : {2, 3}) fill(count);
  std::atomic<bool> torn{false};
  projection<basket> some{sys,
                          opened,
                          "some",
                          [&](session& on, std::span<const projected<basket>> all) -> result<void> {
                            torn = torn || all.front().part != 0 ||
                                   all.back().part != (all.back().number == 1 ? 1 : 2);
                            for (const auto& e : all) {
                              if (auto done = note(on, e); !done) return done;
                            }
                            return {};
                          },
                          {.batch_max = 1}};
  ASSERT_TRUE(some.caught_up(patience));
  EXPECT_FALSE(torn);
  EXPECT_EQ(seen(), "1.0 1.1 2.0 2.1 2.2 ");
}

TEST_P(Adapted, OffsetsMoveOverEventsThatAreNothing) {
  fill(0);
  fill(0);
  {
    projection<basket> none{sys, opened, "none",
                            [](const projected<basket>&) { ADD_FAILURE() << "there are none"; }};
    ASSERT_TRUE(none.caught_up(patience));
    EXPECT_EQ(none.status().behind, 0u);
  }
  auto session = must(opened.open_session());
  for (const auto& one : must(session->projections()->cells({"none", 1}))) {
    EXPECT_EQ(one.at, must(session->last(0))) << one.cell;
  }
}

TEST_P(Adapted, APartThatFailsSkipsItsStoredEventWhichIsRetriedAsAWhole) {
  fill(2);
  fill(3);
  std::atomic<bool> fails{true};
  projection<basket> one{
      sys,
      opened,
      "one",
      [&](session& on, const projected<basket>& e) -> result<void> {
        if (fails && e.number == 2 && e.part == 1) {
          return fail(errc::rejected, "not this one");
        }
        return note(on, e);
      },
      {.retries = 1, .retry_pause = 1ms, .on_failure = projection_options::failing::skip}};
  ASSERT_TRUE(one.caught_up(patience));
  if (GetParam()) {
    EXPECT_EQ(seen(), "1.0 1.1 ") << "the first part was rolled back";
  }
  const auto failures = must(one.failures());
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].number, 2u);
  EXPECT_EQ(failures[0].event_type, "filled");
  fails = false;
  {
    std::lock_guard guard{lock};
    in_memory = "1.0 1.1 ";
  }
  EXPECT_TRUE(one.retry(failures[0]));
  EXPECT_EQ(seen(), "1.0 1.1 2.0 2.1 2.2 ");
  EXPECT_EQ(must(one.failures()).size(), 0u);
}

TEST_P(Adapted, AnEventWhoseAdapterThrowsIsAFailureByNumberAndType) {
  fill(-1);
  fill(1);
  projection<basket> one{sys,
                         opened,
                         "one",
                         [&](session& on, const projected<basket>& e) { return note(on, e); },
                         {.on_failure = projection_options::failing::skip}};
  ASSERT_TRUE(one.caught_up(patience));
  EXPECT_EQ(seen(), "2.0 ");
  const auto failures = must(one.failures());
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].number, 1u);
  EXPECT_EQ(failures[0].event_type, "filled");
  EXPECT_NE(failures[0].error.find("adapt threw: fewer than none"), std::string::npos);
  EXPECT_FALSE(one.retry(failures[0]));
  forgives = true;  // as in a later release
  EXPECT_TRUE(one.retry(failures[0]));
  forgives = false;
  EXPECT_EQ(seen(), "2.0 ");
  EXPECT_EQ(must(one.failures()).size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Journals, Adapted, testing::Values(false, true),
                         [](const auto& one) { return one.param ? "sqlite" : "memory"; });
