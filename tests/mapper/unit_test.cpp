// Units of work.
#include <nexus/nexus.hpp>
#include <nexus/unit_of_work.hpp>
#include <nexus/units.hpp>

#include "fixture.hpp"

namespace nexus::test { namespace {

struct parent {
  std::int64_t id = 0;
  std::string name{};
  MSGPACK_DEFINE_MAP(id, name)
};

struct child {
  std::int64_t id = 0;
  std::int64_t parent_id = 0;
  std::string name{};
  std::optional<parent> of{};
  MSGPACK_DEFINE_MAP(id, parent_id, name)
};

class Unit : public Mapped {
 protected:
  Unit() {
    create("parents ({id}, name text NOT NULL UNIQUE)");
    create(
        "children ({id}, parent_id bigint NOT NULL REFERENCES parents (id), name text NOT NULL)");
    parents.generated_key("id");
    children.generated_key("id").belongs_to("of", &child::of, parents, {"parent_id"});
    run("INSERT INTO parents (id, name) VALUES (101, 'ann'), (102, 'bob')");
    run("INSERT INTO children (id, parent_id, name) VALUES (101, 101, 'cy')");
    s.take();
  }
  std::string all() {
    return rows("SELECT name FROM parents ORDER BY name") + " / " +
           rows("SELECT name FROM children ORDER BY name");
  }

  mapping<parent> parents{"parents"};
  mapping<child> children{"children"};
  unit_of_work work{s};
};

TEST_P(Unit, ARowIsOneEntityHoweverOftenItIsFound) {
  auto* one = must(work.find(parents, 101));
  one->name = "changed";
  s.take();
  EXPECT_EQ(must(work.find(parents, 101)), one);
  EXPECT_TRUE(s.take().empty());
  const auto both = must(work.all(parents, row_filter{}.order("id")));
  EXPECT_EQ(both[0], one);
  EXPECT_EQ(one->name, "changed");
  EXPECT_EQ(must(work.find(parents, 999)), nullptr);
}

TEST_P(Unit, FlushWritesInOneTransactionInAnOrderThatForeignKeysAllow) {
  auto& dan = work.add(children, child{.name = "dan"});
  auto& zoe = work.add(parents, parent{.name = "zoe"});
  work.link(dan, "parent_id", zoe);
  ASSERT_EQ(message_of(work.flush()), "");
  EXPECT_EQ(dan.parent_id, zoe.id);
  EXPECT_EQ(all(), "ann; bob; zoe / cy; dan");
  const auto sent = s.take();
  EXPECT_EQ(sent.front(), "BEGIN");
  EXPECT_EQ(std::ranges::count(sent, "COMMIT"), 1);

  auto* ann = must(work.find(parents, 101));
  auto* cy = must(work.find(children, 101));
  ASSERT_TRUE(work.remove(*ann));
  ASSERT_TRUE(work.remove(*cy));
  ASSERT_EQ(message_of(work.flush()), "");
  EXPECT_EQ(all(), "bob; zoe / dan");
  EXPECT_EQ(work.size(), 2u);
}

TEST_P(Unit, WithoutAChangeFlushSendsNothing) {
  must(work.all(parents));
  s.take();
  ASSERT_TRUE(work.flush());
  EXPECT_TRUE(s.take().empty());
}

TEST_P(Unit, AFailedFlushWritesNothingAndCanBeRepeated) {
  auto* ann = must(work.find(parents, 101));
  ann->name = "anna";
  auto& twin = work.add(parents, parent{.name = "bob"});
  EXPECT_EQ(code_of(work.flush()), "constraint_violated");
  EXPECT_EQ(twin.id, 0);
  EXPECT_EQ(all(), "ann; bob / cy");
  twin.name = "bobby";
  ASSERT_EQ(message_of(work.flush()), "");
  EXPECT_EQ(rows("SELECT name FROM parents ORDER BY name"), "anna; bob; bobby");
}

TEST_P(Unit, ARollbackOfTheTransactionAroundItUndoesAFlush) {
  auto& zoe = work.add(parents, parent{.name = "zoe"});
  auto* cy = must(work.find(children, 101));
  ASSERT_TRUE(work.remove(*cy));
  ASSERT_FALSE(transactional(s, [&](session&) -> result<void> {
    EXPECT_TRUE(work.flush());
    EXPECT_GT(zoe.id, 0);
    return fail(errc::rejected, "as asked");
  }));
  EXPECT_EQ(zoe.id, 0);
  EXPECT_EQ(all(), "ann; bob / cy");
  ASSERT_EQ(message_of(work.flush()), "");
  EXPECT_EQ(rows("SELECT name FROM parents ORDER BY name"), "ann; bob; zoe");
  EXPECT_EQ(rows("SELECT count(*) FROM children"), "0");
}

TEST_P(Unit, AnEntityThatWasOnlyAddedIsDropped) {
  auto& zoe = work.add(parents, parent{.name = "zoe"});
  ASSERT_TRUE(work.remove(zoe));
  s.take();
  ASSERT_TRUE(work.flush());
  EXPECT_TRUE(s.take().empty());
  parent stranger;
  EXPECT_EQ(code_of(work.remove(stranger)), "invalid_argument");
}

TEST_P(Unit, ClearForgetsEverythingAlsoWhatAnOpenTransactionHasFlushed) {
  ASSERT_FALSE(transactional(s, [&](session&) -> result<void> {
    work.add(parents, parent{.name = "zoe"});
    EXPECT_TRUE(work.flush());
    work.clear();
    return fail(errc::rejected, "as asked");
  }));
  EXPECT_EQ(work.size(), 0u);
  ASSERT_TRUE(work.flush());
  EXPECT_EQ(all(), "ann; bob / cy");
}

TEST_P(Unit, AreClearedOnReturnAndMadeAgainAfterSomeUsesOrAnError) {
  auto store = must(nexus::open(uri_));
  units<journal_session> all_units{store.sessions(), {.uses_max = 2}};
  unit_of_work* first = nullptr;
  ASSERT_EQ(message_of(all_units.with([&](unit_of_work& w) -> result<void> {
              first = &w;
              must(w.find(parents, 101))->name = "anna";
              return {};
            })),
            "");
  EXPECT_EQ(rows("SELECT name FROM parents WHERE id = 101"), "anna");
  EXPECT_EQ(all_units.idle(), 1u);
  ASSERT_TRUE(all_units.with([&](unit_of_work& w) {
    EXPECT_EQ(&w, first);
    EXPECT_EQ(w.size(), 0u);
  }));
  EXPECT_EQ(all_units.idle(), 0u);
  ASSERT_FALSE(all_units.with(
      [](unit_of_work&) -> result<void> { return fail(errc::rejected, "as asked"); }));
  EXPECT_EQ(all_units.idle(), 0u);
}

NEXUS_ON_BOTH_DATABASES(Unit);

}  // namespace
}  // namespace nexus::test
