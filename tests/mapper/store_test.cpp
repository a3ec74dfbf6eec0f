// Inserts, updates and removals; keys; what a rollback takes back.
#include "orders.hpp"

namespace nexus::test { namespace {

using Store = Orders;

TEST_P(Store, AnEntityWithoutAKeyIsInsertedAndGetsItsKey) {
  order one{.customer = "ann", .cents = 5};
  const auto done = orders.store(one);
  EXPECT_EQ(message_of(done), "");
  EXPECT_EQ(done.what, stored_as::inserted);
  EXPECT_GT(one.id, 0);
  EXPECT_EQ(statements().size(), 1u);
  EXPECT_EQ(must(mapper(s, by).find_or_error(one.id)).customer, "ann");
}

TEST_P(Store, AKnownRowIsUpdatedByItsChangedColumnsOnly) {
  order one{.customer = "ann", .cents = 5};
  ASSERT_TRUE(orders.store(one));
  run("UPDATE orders SET customer = 'other'");
  statements();
  one.cents = 6;
  EXPECT_EQ(orders.store(one).what, stored_as::updated);
  EXPECT_EQ(statements(),
            std::vector<std::string>{R"(UPDATE "orders" SET "cents" = $1 WHERE "id" = $2)"});
  EXPECT_EQ(all(), "other|6");
}

TEST_P(Store, WithoutAChangeThereIsNoStatement) {
  std::vector<order> some{{.customer = "ann"}, {.customer = "bob"}};
  ASSERT_TRUE(orders.store(some));
  statements();
  EXPECT_EQ(orders.store(some[0]).what, stored_as::unchanged);
  const auto all_again = orders.store(some);
  EXPECT_TRUE(all_again);
  EXPECT_EQ(all_again.items[1].what, stored_as::unchanged);
  EXPECT_TRUE(statements().empty());
}

TEST_P(Store, AnUnknownRowWithAKeyIsInserted) {
  order one{.id = 70, .customer = "ann"};
  EXPECT_EQ(orders.store(one).what, stored_as::inserted);
  EXPECT_EQ(rows("SELECT id FROM orders"), "70");
  order same{.id = 70, .customer = "bob"};
  EXPECT_EQ(code_of(mapper(s, by).store(same)), "constraint_violated");
}

TEST_P(Store, AnUpdateOfARowThatIsGoneIsAConflict) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  run("DELETE FROM orders");
  one.cents = 1;
  const auto done = orders.store(one);
  EXPECT_EQ(code_of(done), "conflict");
  EXPECT_EQ(message_of(done), "orders " + std::to_string(one.id) + ": the row is gone");
}

TEST_P(Store, RemoveDeletesAndNeedsOnlyTheKey) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  order key_only{.id = one.id};
  EXPECT_EQ(mapper(s, by).remove(key_only).what, stored_as::removed);
  EXPECT_EQ(all(), "");
  EXPECT_EQ(code_of(orders.remove(one)), "conflict");
  order keyless;
  EXPECT_EQ(code_of(orders.remove(keyless)), "invalid_argument");
}

TEST_P(Store, ARemovedEntityThatIsStoredAgainIsInserted) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  ASSERT_TRUE(orders.remove(one));
  EXPECT_EQ(orders.store(one).what, stored_as::inserted);
  EXPECT_EQ(all(), "ann|0");
}

TEST_P(Store, ManyAreStoredInOneTransaction) {
  std::vector<order> some{{.customer = "ann"}, {.customer = "bob"}};
  const auto done = orders.store(some);
  ASSERT_TRUE(done);
  EXPECT_EQ(done.items[0].what, stored_as::inserted);
  const auto sent = statements();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent.front(), "BEGIN");
  EXPECT_EQ(sent.back(), "COMMIT");
}

TEST_P(Store, OfManyNoneIsKeptIfOneFailsAndKeysAreTakenBack) {
  std::vector<order> some{
      {.customer = "ann"}, {.customer = "bob", .cents = -1}, {.customer = "cy"}};
  const auto done = orders.store(some);
  EXPECT_EQ(code_of(done), "constraint_violated");
  EXPECT_EQ(done.items[0].what, stored_as::undone);
  EXPECT_EQ(done.items[1].what, stored_as::failed);
  EXPECT_EQ(done.items[2].what, stored_as::undone);
  EXPECT_EQ(some[0].id, 0);
  EXPECT_EQ(all(), "");
  some[1].cents = 1;
  EXPECT_TRUE(orders.store(some));
  EXPECT_EQ(all(), "ann|0; bob|1; cy|0");
}

TEST_P(Store, AFailedUpdateAmongManyIsStoredByTheNextCall) {
  std::vector<order> some{{.customer = "ann"}, {.customer = "bob"}};
  ASSERT_TRUE(orders.store(some));
  some[0].cents = 3;
  some[1].cents = -1;
  ASSERT_FALSE(orders.store(some));
  EXPECT_EQ(all(), "ann|0; bob|0");
  EXPECT_EQ(orders.store(some[0]).what, stored_as::updated);
  EXPECT_EQ(all(), "ann|3; bob|0");
}

TEST_P(Store, ManyAreRemovedAllOrNone) {
  std::vector<order> some{{.customer = "ann"}, {.customer = "bob"}};
  ASSERT_TRUE(orders.store(some));
  std::vector<order> wrong{some[0], {.id = 999}};
  EXPECT_EQ(code_of(orders.remove(wrong)), "conflict");
  EXPECT_EQ(all(), "ann|0; bob|0");
  EXPECT_TRUE(orders.remove(some));
  EXPECT_EQ(all(), "");
}

using Rollback = Orders;

result<void> failing(session& on, const std::function<void()>& work) {
  return transactional(on, [&](session&) -> result<void> {
    work();
    return fail(errc::rejected, "as asked");
  });
}

TEST_P(Rollback, OfAnOuterTransactionMakesAnInsertUnknownAgain) {
  order one{.customer = "ann"};
  ASSERT_FALSE(failing(s, [&] { EXPECT_TRUE(orders.store(one)); }));
  EXPECT_EQ(all(), "");
  EXPECT_EQ(orders.store(one).what, stored_as::inserted);
  EXPECT_EQ(rows("SELECT count(*) FROM orders WHERE id = " + std::to_string(one.id)), "1");
}

TEST_P(Rollback, OfAnOuterTransactionMakesAnUpdateDirtyAgain) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  one.cents = 7;
  ASSERT_FALSE(failing(s, [&] { EXPECT_TRUE(orders.store(one)); }));
  EXPECT_EQ(orders.store(one).what, stored_as::updated);
  EXPECT_EQ(all(), "ann|7");
}

TEST_P(Rollback, OfAnOuterTransactionMakesARemovedRowKnownAgain) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  ASSERT_FALSE(failing(s, [&] { EXPECT_TRUE(orders.remove(one)); }));
  one.cents = 2;
  EXPECT_EQ(orders.store(one).what, stored_as::updated);
  EXPECT_EQ(all(), "ann|2");
}

TEST_P(Rollback, OfASavepointUndoesOnlyWhatCameAfterIt) {
  order first{.customer = "ann"}, second{.customer = "bob"};
  ASSERT_TRUE(transactional(s, [&](session&) -> result<void> {
    EXPECT_TRUE(orders.store(first));
    EXPECT_FALSE(failing(s, [&] { EXPECT_TRUE(orders.store(second)); }));
    return {};
  }));
  EXPECT_EQ(orders.store(first).what, stored_as::unchanged);
  EXPECT_EQ(orders.store(second).what, stored_as::inserted);
  EXPECT_EQ(all(), "ann|0; bob|0");
}

TEST_P(Rollback, OfATransactionBegunByHandCountsToo) {
  order one{.customer = "ann"};
  must(s.begin(isolation::read_committed, false));
  ASSERT_TRUE(orders.store(one));
  must(s.rollback());
  EXPECT_EQ(orders.store(one).what, stored_as::inserted);
  must(s.execute("BEGIN"));
  one.cents = 4;
  ASSERT_TRUE(orders.store(one));
  must(s.execute("ROLLBACK"));
  EXPECT_EQ(orders.store(one).what, stored_as::updated);
  EXPECT_EQ(all(), "ann|4");
}

TEST_P(Rollback, PutsTheKeyBackOnASharedEntityThatStillExists) {
  const auto one = std::make_shared<order>(order{.customer = "ann"});
  ASSERT_FALSE(failing(s, [&] {
    EXPECT_TRUE(orders.store(one));
    EXPECT_GT(one->id, 0);
    EXPECT_TRUE(orders.store(std::make_shared<order>(order{.customer = "short-lived"})));
  }));
  EXPECT_EQ(one->id, 0);
  EXPECT_EQ(orders.store(one).what, stored_as::inserted);
  EXPECT_EQ(all(), "ann|0");
}

// SQLite gives a key that was rolled back to the next row.
TEST_P(Rollback, AnUndoneEntityDoesNotOverwriteTheRowThatGotItsKey) {
  order undone{.customer = "ann"}, next{.customer = "bob"};
  ASSERT_FALSE(failing(s, [&] { EXPECT_TRUE(orders.store(undone)); }));
  ASSERT_TRUE(orders.store(next));
  EXPECT_EQ(orders.store(undone).what, stored_as::inserted);
  EXPECT_NE(undone.id, next.id);
  EXPECT_EQ(all(), "bob|0; ann|0");
}

TEST_P(Rollback, AfterTheMapperIsGoneIsHarmless) {
  ASSERT_FALSE(failing(s, [&] {
    mapper<order> short_lived{s, by};
    order one{.customer = "ann"};
    EXPECT_TRUE(short_lived.store(one));
  }));
  EXPECT_EQ(all(), "");
}

struct seat {
  std::string hall{};
  std::int64_t number = 0;
  std::string guest{};
  MSGPACK_DEFINE_MAP(hall, number, guest)
};

class CompositeKey : public Mapped {
 protected:
  CompositeKey() {
    create(
        "seats (hall text NOT NULL, nr bigint NOT NULL, guest text NOT NULL, "
        "PRIMARY KEY (hall, nr))");
    by.key({"hall", "number"}).column("number", "nr");
  }
  mapping<seat> by{"seats"};
  mapper<seat> seats{s, by};
};

TEST_P(CompositeKey, EveryStatementComparesAllItsColumns) {
  ASSERT_EQ(message_of(by.check(s)), "");
  std::vector<seat> some{{"a", 1, "ann"}, {"a", 2, "bob"}, {"b", 1, "cy"}};
  ASSERT_TRUE(seats.store(some));
  some[1].guest = "dan";
  EXPECT_EQ(seats.store(some[1]).what, stored_as::updated);
  EXPECT_TRUE(seats.remove(some[2]));
  EXPECT_EQ(rows("SELECT hall, nr, guest FROM seats ORDER BY hall, nr"), "a|1|ann; a|2|dan");
  EXPECT_EQ(must(seats.find_or_error("a", 2)).guest, "dan");
  EXPECT_EQ(code_of(seats.find("a")), "invalid_argument");
  EXPECT_EQ(message_of(seats.find_or_error("b", 1)),
            "table seats: there is no row with hall = \"b\", nr = 1");
}

TEST_P(CompositeKey, SeveralAreFoundWithOneStatement) {
  std::vector<seat> some{{"a", 1, "ann"}, {"a", 2, "bob"}, {"b", 1, "cy"}};
  ASSERT_TRUE(seats.store(some));
  s.take();
  using key = std::tuple<std::string, int>;
  const auto found = must(seats.find_many(std::vector<key>{{"a", 2}, {"b", 1}, {"b", 2}}));
  EXPECT_EQ(found.size(), 2u);
  EXPECT_EQ(s.take().size(), 1u);
  EXPECT_TRUE(must(seats.find_many(std::vector<key>{})).empty());
  EXPECT_EQ(code_of(seats.find_many(std::vector<int>{1})), "invalid_argument");
}

TEST_P(CompositeKey, KeysThatLookAlikeWhenJoinedAreDifferentRows) {
  std::vector<seat> some{{"a1", 1, "ann"}, {"a", 11, "bob"}, {"a:1", 1, "cy"}};
  ASSERT_TRUE(seats.store(some));
  for (auto& one : some) one.guest += "!";
  ASSERT_TRUE(seats.store(some));
  EXPECT_EQ(rows("SELECT guest FROM seats ORDER BY guest"), "ann!; bob!; cy!");
}

NEXUS_ON_BOTH_DATABASES(Store);
NEXUS_ON_BOTH_DATABASES(Rollback);
NEXUS_ON_BOTH_DATABASES(CompositeKey);

}  // namespace
}  // namespace nexus::test
