// What a unit of work does with links, replaced rows and rollbacks.
#include <nexus/unit_of_work.hpp>

#include "orders.hpp"

namespace nexus::test { namespace {

struct person {
  std::int64_t id = 0;
  std::string name{};
  std::optional<std::int64_t> boss{};
  MSGPACK_DEFINE_MAP(id, name, boss)
};

class UnitLinks : public Mapped {
 protected:
  UnitLinks() {
    create("people ({id}, name text NOT NULL, boss bigint REFERENCES people (id))");
    by.generated_key("id");
  }
  std::string all() {
    return rows(
        "SELECT p.name, b.name FROM people p LEFT JOIN people b ON b.id = p.boss ORDER BY p.name");
  }
  /// Runs `f` in a transaction that is rolled back.
  template <class F>
  void rolled_back(F f) {
    EXPECT_FALSE(transactional(s, [&](session&) -> result<void> {
      f();
      return fail(errc::rejected, "rolled back");
    }));
  }

  mapping<person> by{"people"};
  unit_of_work work{s};
};

TEST_P(UnitLinks, AParentIsWrittenFirstAlsoInOneTableAndIfItWasAddedLater) {
  auto& worker = work.add(by, person{.name = "worker"});
  auto& boss = work.add(by, person{.name = "boss"});
  auto& owner = work.add(by, person{.name = "owner"});
  work.link(worker, "boss", boss);
  work.link(boss, "boss", owner);
  must(work.flush());
  EXPECT_EQ(all(), "boss|owner; owner|-; worker|boss");
  s.take();
  must(work.flush());
  EXPECT_TRUE(s.take().empty());
}

TEST_P(UnitLinks, InACircleAreAnErrorAndNothingIsWritten) {
  auto& one = work.add(by, person{.name = "a"});
  auto& two = work.add(by, person{.name = "b"});
  work.link(one, "boss", two);
  work.link(two, "boss", one);
  EXPECT_EQ(code_of(work.flush()), "invalid_argument");
  EXPECT_EQ(all(), "");
}

TEST_P(UnitLinks, ToAParentThatAListenerCancelledIsAnError) {
  by.creating("no bosses", [](person& p) { return p.name != "boss"; });
  auto& worker = work.add(by, person{.name = "worker"});
  auto& boss = work.add(by, person{.name = "boss"});
  work.link(worker, "boss", boss);
  EXPECT_EQ(code_of(work.flush()), "rejected");
  EXPECT_EQ(all(), "");
  boss.name = "chief";
  must(work.flush());
  EXPECT_EQ(all(), "chief|-; worker|chief");
}

TEST_P(UnitLinks, OfAChildThatAListenerCancelledAreKeptForTheNextFlush) {
  bool allowed = false;
  by.creating("later", [&](person& p) { return allowed || p.name != "worker"; });
  auto& worker = work.add(by, person{.name = "worker"});
  auto& boss = work.add(by, person{.name = "boss"});
  work.link(worker, "boss", boss);
  must(work.flush());
  EXPECT_EQ(all(), "boss|-");
  allowed = true;
  worker.boss.reset();
  must(work.flush());
  EXPECT_EQ(all(), "boss|-; worker|boss");
}

TEST_P(UnitLinks, AFailedFlushTakesTheForeignKeyBack) {
  auto& boss = work.add(by, person{.name = "boss"});
  auto& worker = work.add(by, person{.name = "worker"});
  work.link(worker, "boss", boss);
  auto& wrong = work.add(by, person{.name = "wrong", .boss = 77});
  EXPECT_EQ(code_of(work.flush()), "constraint_violated");
  EXPECT_EQ(worker.boss, std::nullopt);
  EXPECT_EQ(boss.id, 0);
  must(work.remove(wrong));
  must(work.flush());
  EXPECT_EQ(all(), "boss|-; worker|boss");
}

TEST_P(UnitLinks, ARowThatIsRemovedMayBeReplacedByOneWithItsKey) {
  auto& one = work.add(by, person{.name = "old"});
  must(work.flush());
  const auto id = one.id;
  must(work.remove(one));
  work.add(by, person{.id = id, .name = "new"});
  must(work.flush());
  EXPECT_EQ(all(), "new|-");
}

TEST_P(UnitLinks, TwoEntitiesOfOneRowAreAnError) {
  auto& one = work.add(by, person{.name = "one"});
  must(work.flush());
  work.add(by, person{.id = one.id, .name = "other"});
  EXPECT_EQ(message_of(work.flush()),
            "two entities of the unit of work are people " + std::to_string(one.id));
  EXPECT_EQ(all(), "one|-");
}

TEST_P(UnitLinks, AnEntityThatWasAddedAndRemovedInARolledBackTransactionIsGone) {
  rolled_back([&] {
    auto& one = work.add(by, person{.name = "short-lived"});
    must(work.flush());
    must(work.remove(one));
    must(work.flush());
  });
  work.add(by, person{.name = "next"});
  must(work.flush());
  EXPECT_EQ(all(), "next|-");
}

TEST_P(UnitLinks, ARowThatWasFoundInARolledBackTransactionIsWrittenAgain) {
  auto& one = work.add(by, person{.name = "old"});
  must(work.flush());
  unit_of_work other{s};
  person* found = nullptr;
  rolled_back([&] {
    run("UPDATE people SET name = 'new'");
    found = must(other.find(by, one.id));
  });
  ASSERT_EQ(found->name, "new");
  must(other.flush());
  EXPECT_EQ(all(), "new|-");
}

NEXUS_ON_BOTH_DATABASES(UnitLinks);

class RolledBack : public Orders {
 protected:
  template <class F>
  void rolled_back(F f) {
    EXPECT_FALSE(transactional(s, [&](session&) -> result<void> {
      f();
      return fail(errc::rejected, "rolled back");
    }));
  }
};

TEST_P(RolledBack, ARowThatWasLoadedInItIsWrittenAgain) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  order seen{};
  rolled_back([&] {
    run("UPDATE orders SET customer = 'new'");
    seen = must(orders.find_or_error(one.id));
  });
  EXPECT_EQ(orders.store(seen).what, stored_as::updated);
  EXPECT_EQ(all(), "new|0");
}

TEST_P(RolledBack, ARowThatWasLoadedBeforeItsFirstWriteIsOnlyWrittenAgain) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  rolled_back([&] { one = must(orders.find_or_error(one.id)); });
  EXPECT_EQ(orders.store(one).what, stored_as::updated);
  EXPECT_EQ(orders.store(one).what, stored_as::unchanged);
}

TEST_P(RolledBack, AnEntityNeverOverwritesOrRemovesTheRowThatGotItsKey) {
  order undone{.customer = "ann"};
  rolled_back([&] { EXPECT_TRUE(orders.store(undone)); });
  run("INSERT INTO orders (id, customer, cents) VALUES (" + std::to_string(undone.id) +
      ", 'stranger', 7)");
  EXPECT_EQ(code_of(orders.remove(undone)), "conflict");
  must(orders.all().get());
  EXPECT_EQ(code_of(orders.remove(undone)), "conflict");
  run(is_sqlite() ? "SELECT 1" : "SELECT setval(pg_get_serial_sequence('orders', 'id'), 100)");
  EXPECT_EQ(orders.store(undone).what, stored_as::inserted);
  EXPECT_EQ(all(), "stranger|7; ann|0");
}

NEXUS_ON_BOTH_DATABASES(RolledBack);

struct note {
  std::int64_t id = 0;
  std::string text{};
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(id, text, version)
};

class RolledBackVersion : public Mapped {
 protected:
  RolledBackVersion() {
    create("notes ({id}, text text NOT NULL, version bigint NOT NULL)");
    by.generated_key("id").version("version");
  }
  mapping<note> by{"notes"};
  mapper<note> notes{s, by};
};

TEST_P(RolledBackVersion, ALostRaceIsSeenAlthoughTheRowWasLoadedSince) {
  note mine{.text = "a"};
  ASSERT_TRUE(notes.store(mine));
  EXPECT_FALSE(transactional(s, [&](session&) -> result<void> {
    for (const auto* text : {"b", "c"}) {
      mine.text = text;
      EXPECT_TRUE(notes.store(mine));
    }
    return fail(errc::rejected, "rolled back");
  }));
  ASSERT_EQ(mine.version, 3);
  run("UPDATE notes SET text = 'theirs', version = 3");
  must(notes.find(mine.id));
  EXPECT_EQ(code_of(notes.store(mine)), "conflict");
  EXPECT_EQ(rows("SELECT text FROM notes"), "theirs");
  run("UPDATE notes SET version = 1");
  EXPECT_EQ(notes.store(mine).what, stored_as::updated);
  EXPECT_EQ(rows("SELECT text, version FROM notes"), "c|2");
}

NEXUS_ON_BOTH_DATABASES(RolledBackVersion);

}  // namespace
}  // namespace nexus::test
