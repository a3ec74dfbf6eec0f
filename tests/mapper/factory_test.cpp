// Factories of entities for tests.
#include <nexus/testkit/factory.hpp>

#include "orders.hpp"

namespace nexus::test { namespace {

class Factory : public Orders {
 protected:
  Factory() {
    by.validate("cents", [](const order& o) { return o.cents > 100 ? "is above 100" : ""; });
    made.define([](order& o, std::size_t n) { o.customer = "c" + std::to_string(n); });
    made.state("rich", [](order& o) { o.cents = 100; });
    made.state("noted", [](order& o) { o.note = "n"; });
  }
  testkit::factory<order> made{by};
};

TEST_P(Factory, CountsUpAndAppliesStatesThenTheLastChange) {
  EXPECT_EQ(made.make().customer, "c1");
  const auto two = made.with("rich").with("noted").make([](order& o) { ++o.cents; });
  EXPECT_EQ(two.customer, "c2");
  EXPECT_EQ(two.cents, 101);
  EXPECT_EQ(two.note, "n");
  EXPECT_EQ(made.make_many(2).back().customer, "c4");
  EXPECT_TRUE(statements().empty());
}

TEST_P(Factory, CreateStoresAllOrNone) {
  const auto three = must(made.create_many(s, 3));
  EXPECT_GT(three[2].id, 0);
  EXPECT_EQ(all(), "c1|0; c2|0; c3|0");
  int number = 0;
  EXPECT_EQ(code_of(made.create_many(s, 2, [&](order& o) { o.cents = 100 + number++; })),
            "rejected");
  EXPECT_EQ(rows("SELECT count(*) FROM orders"), "3");
}

TEST_P(Factory, WithoutValidationStoresWhatIsInvalid) {
  made.without_validation();
  EXPECT_EQ(must(made.create(s, [](order& o) { o.cents = 500; })).cents, 500);
  EXPECT_EQ(all(), "c1|500");
}

TEST_P(Factory, AfterCreateAndAnInsertOfTheProgram) {
  made.after_create([](session& on, order& o) -> result<void> {
    auto done = on.execute("UPDATE orders SET note = 'after' WHERE id = $1", o.id);
    if (!done) return fail(done.error());
    return {};
  });
  must(made.create(s));
  EXPECT_EQ(rows("SELECT note FROM orders"), "after");
  made.insert_by([](session& on, order& o) -> result<void> {
    o.id = 50;
    auto done = on.execute("INSERT INTO orders VALUES (50, 'own', 1, NULL)");
    if (!done) return fail(done.error());
    return {};
  });
  EXPECT_EQ(must(made.create(s)).id, 50);
  EXPECT_EQ(rows("SELECT customer, note FROM orders WHERE id = 50"), "own|after");
}

TEST_P(Factory, AnUnknownStateIsAnError) {
  EXPECT_EQ(code_of(made.with("poor").create(s)), "invalid_argument");
  EXPECT_THROW((void)made.with("poor").make(), std::invalid_argument);
}

NEXUS_ON_BOTH_DATABASES(Factory);

}  // namespace
}  // namespace nexus::test
