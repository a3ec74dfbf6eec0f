// The version column, times of creation and change, and rows that are marked as removed.
#include <nexus/clock.hpp>

#include "fixture.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

struct ticket {
  std::int64_t id = 0;
  std::string title{};
  std::int64_t version = 0;
  timestamp created_at{};
  std::optional<timestamp> deleted_at{};
  MSGPACK_DEFINE_MAP(id, title, version, created_at, deleted_at)
  timestamp changed{};  // not a column: set by the hook
};

class Stamps : public Mapped {
 protected:
  Stamps() {
    create(is_sqlite() ? "tickets ({id}, title text NOT NULL, version bigint NOT NULL, "
                         "created_at text NOT NULL, updated_at bigint, deleted_at text)"
                       : "tickets ({id}, title text NOT NULL, version bigint NOT NULL, "
                         "created_at timestamptz NOT NULL, updated_at bigint, "
                         "deleted_at timestamptz)");
    by.generated_key("id").version("version").soft_deletes().clock(clock);
    by.timestamps({.format = time_format::seconds});
    by.stamps([](ticket& t, timestamp now, bool) { t.changed = now; });
    s.take();
  }

  ticket stored(std::string title) {
    ticket one{.title = std::move(title)};
    EXPECT_EQ(message_of(tickets.store(one)), "");
    s.take();
    return one;
  }

  std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>(timestamp{1000s});
  mapping<ticket> by{"tickets"};
  mapper<ticket> tickets{s, by};
};

TEST_P(Stamps, ANewRowHasVersionOneAndBothTimesAndSoHasTheEntity) {
  ASSERT_EQ(message_of(by.check(s)), "");
  const auto one = stored("a");
  EXPECT_EQ(one.version, 1);
  EXPECT_EQ(one.created_at, timestamp{1000s});
  EXPECT_EQ(one.changed, timestamp{1000s});
  EXPECT_EQ(rows("SELECT version, updated_at FROM tickets"), "1|1000");
}

TEST_P(Stamps, AChangeRaisesTheVersionAndNeverRewritesTheTimeOfCreation) {
  auto one = stored("a");
  clock->advance(5s);
  one.title = "b";
  one.created_at = {};
  ASSERT_EQ(tickets.store(one).what, stored_as::updated);
  EXPECT_EQ(one.version, 2);
  EXPECT_EQ(one.changed, timestamp{1005s});
  EXPECT_EQ(rows("SELECT version, updated_at FROM tickets"), "2|1005");
  EXPECT_EQ(must(mapper(s, by).find_or_error(one.id)).created_at, timestamp{1000s});
}

TEST_P(Stamps, OnlyATimeOfCreationThatDiffersIsNoChange) {
  auto one = stored("a");
  one.created_at = {};
  EXPECT_EQ(tickets.store(one).what, stored_as::unchanged);
  EXPECT_TRUE(s.take().empty());
}

TEST_P(Stamps, ALostRaceIsAConflictWithBothVersions) {
  auto mine = stored("a");
  mapper<ticket> other{s, by};
  auto theirs = must(other.find_or_error(mine.id));
  theirs.title = "theirs";
  ASSERT_TRUE(other.store(theirs));
  mine.title = "mine";
  const auto done = tickets.store(mine);
  EXPECT_EQ(code_of(done), "conflict");
  EXPECT_EQ(done.conflict, (version_conflict{1, 2}));
  EXPECT_EQ(message_of(done), "tickets " + std::to_string(mine.id) +
                                  ": another writer was first: the version is 2 and not 1");
  EXPECT_EQ(mine.version, 1);
  EXPECT_EQ(rows("SELECT title FROM tickets"), "theirs");
}

TEST_P(Stamps, ARemovalThatLostARaceIsAConflictToo) {
  auto mine = stored("a");
  run("UPDATE tickets SET version = 9");
  const auto done = tickets.remove(mine);
  EXPECT_EQ(done.conflict, (version_conflict{1, 9}));
  run("DELETE FROM tickets");
  EXPECT_EQ(tickets.force_remove(mine).conflict, (version_conflict{1, std::nullopt}));
}

TEST_P(Stamps, AnOldCopyOfAnEntityIsAConflict) {
  auto one = stored("a");
  auto copy = one;
  one.title = "b";
  ASSERT_TRUE(tickets.store(one));
  copy.title = "c";
  EXPECT_EQ(code_of(tickets.store(copy)), "conflict");
}

TEST_P(Stamps, ARolledBackVersionDoesNotCount) {
  auto one = stored("a");
  ASSERT_FALSE(transactional(s, [&](session&) -> result<void> {
    one.title = "b";
    EXPECT_TRUE(tickets.store(one));
    return fail(errc::rejected, "as asked");
  }));
  EXPECT_EQ(tickets.store(one).what, stored_as::updated);
  EXPECT_EQ(one.version, 2);
  EXPECT_EQ(rows("SELECT title, version FROM tickets"), "b|2");
}

TEST_P(Stamps, RemoveMarksTheRowAndReadingLeavesItOut) {
  auto one = stored("a");
  auto two = stored("b");
  clock->advance(1s);
  ASSERT_EQ(tickets.remove(one).what, stored_as::removed);
  EXPECT_EQ(one.deleted_at, timestamp{1001s});
  EXPECT_EQ(must(tickets.find(one.id)), std::nullopt);
  EXPECT_EQ(must(tickets.all().count()), 1);
  EXPECT_EQ(must(tickets.all().with_trashed().count()), 2);
  EXPECT_EQ(must(tickets.all().only_trashed().get()).front().title, "a");
}

TEST_P(Stamps, AMarkedRowIsStoredOnlyAfterItIsRestored) {
  auto one = stored("a");
  ASSERT_TRUE(tickets.remove(one));
  one.title = "b";
  EXPECT_EQ(code_of(tickets.store(one)), "conflict");
  ASSERT_EQ(tickets.restore(one).what, stored_as::restored);
  EXPECT_EQ(one.deleted_at, std::nullopt);
  EXPECT_EQ(tickets.store(one).what, stored_as::updated);
  EXPECT_EQ(must(tickets.find_or_error(one.id)).title, "b");
}

struct plain {
  std::int64_t id = 0;
  std::string title{};
  MSGPACK_DEFINE_MAP(id, title)
};

TEST_P(Stamps, ARowThatAnotherOneHasMarkedIsAConflict) {
  create("plain ({id}, title text NOT NULL, deleted_at bigint)");
  mapping<plain> unversioned{"plain"};
  unversioned.generated_key("id").timestamps({"", "", time_format::seconds}).soft_deletes();
  mapper<plain> all{s, unversioned};
  plain one{.title = "a"};
  ASSERT_EQ(message_of(all.store(one)), "");
  run("UPDATE plain SET deleted_at = 1");
  one.title = "b";
  const auto done = all.store(one);
  EXPECT_EQ(message_of(done),
            "plain " + std::to_string(one.id) + ": the row is marked as removed: restore it first");
}

TEST_P(Stamps, ForceRemoveDeletes) {
  auto one = stored("a");
  ASSERT_EQ(tickets.force_remove(one).what, stored_as::removed);
  EXPECT_EQ(rows("SELECT count(*) FROM tickets"), "0");
}

NEXUS_ON_BOTH_DATABASES(Stamps);

}  // namespace
}  // namespace nexus::test
