// Listeners and validation.
#include "orders.hpp"

namespace nexus::test { namespace {

class Lifecycle : public Orders {
 protected:
  // Each listener adds its name.
  void note_everything() {
    const auto note = [this](const char* name) {
      return [this, name](const order&) { heard += std::string{name} + " "; };
    };
    by.storing("a", note("storing"))
        .creating("b", note("creating"))
        .updating("c", note("updating"));
    by.removing("d", note("removing")).stored("e", note("stored")).created("f", note("created"));
    by.updated("g", note("updated")).removed("h", note("removed"));
  }
  std::string take_heard() { return std::exchange(heard, {}); }

  std::string heard{};
};

TEST_P(Lifecycle, ListenersRunInOrderAroundTheWrite) {
  note_everything();
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  EXPECT_EQ(take_heard(), "storing creating created stored ");
  one.cents = 1;
  ASSERT_TRUE(orders.store(one));
  EXPECT_EQ(take_heard(), "storing updating updated stored ");
  ASSERT_TRUE(orders.store(one));
  EXPECT_EQ(take_heard(), "storing ");
  ASSERT_TRUE(orders.remove(one));
  EXPECT_EQ(take_heard(), "removing removed ");
}

TEST_P(Lifecycle, TheRowIsThereForTheListenersBehindTheWrite) {
  by.created("look", [&](const order& o) {
    EXPECT_GT(o.id, 0);
    EXPECT_EQ(rows("SELECT customer FROM orders"), "ann");
  });
  order one{.customer = "ann"};
  EXPECT_TRUE(orders.store(one));
}

TEST_P(Lifecycle, AListenerMayChangeTheEntity) {
  by.storing("trim", [](order& o) { o.customer += "!"; });
  by.updating("count", [](order& o) { ++o.cents; });
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  EXPECT_EQ(all(), "ann!|0");
  ASSERT_EQ(orders.store(one).what, stored_as::updated);
  EXPECT_EQ(all(), "ann!!|1");
}

TEST_P(Lifecycle, AListenerThatChangesTheKeyOfAKnownRowFailsTheEntity) {
  by.updating("renumbers", [](order& o) { o.id += 1; });
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  one.cents = 5;
  EXPECT_EQ(code_of(orders.store(one)), "rejected");
  EXPECT_EQ(all(), "ann|0");
}

TEST_P(Lifecycle, AListenerThatReturnsFalseCancelsAndIsNamed) {
  by.creating("no bobs", [](order& o) { return o.customer != "bob"; });
  by.removing("never", [](order&) { return false; });
  std::vector<order> some{{.customer = "ann"}, {.customer = "bob"}};
  const auto done = orders.store(some);
  ASSERT_TRUE(done);
  EXPECT_EQ(done.items[0].what, stored_as::inserted);
  EXPECT_EQ(done.items[1].what, stored_as::cancelled);
  EXPECT_EQ(done.items[1].cancelled_by, "no bobs");
  EXPECT_EQ(some[1].id, 0);
  EXPECT_EQ(orders.remove(some[0]).cancelled_by, "never");
  EXPECT_EQ(all(), "ann|0");
}

TEST_P(Lifecycle, ACancelledStoreSendsNothing) {
  by.storing("no", [](order&) { return false; });
  order one{.customer = "ann"};
  EXPECT_EQ(orders.store(one).what, stored_as::cancelled);
  EXPECT_TRUE(statements().empty());
}

TEST_P(Lifecycle, AListenerThatThrowsBeforeTheWriteFailsTheEntity) {
  by.storing("fragile", [](order&) { throw std::runtime_error{"oh"}; });
  order one{.customer = "ann"};
  const auto done = orders.store(one);
  EXPECT_EQ(message_of(done), "table orders: the listener \"fragile\" threw: oh");
  EXPECT_EQ(all(), "");
}

TEST_P(Lifecycle, WhatAListenerThrowsBehindTheWriteIsReportedOnly) {
  by.created("fragile", [](const order&) { throw std::runtime_error{"oh"}; });
  order one{.customer = "ann"};
  const auto done = orders.store(one);
  EXPECT_EQ(done.what, stored_as::inserted);
  EXPECT_EQ(done.thrown, std::vector<std::string>{"the listener \"fragile\": oh"});
  EXPECT_EQ(all(), "ann|0");
}

class Validation : public Orders {
 protected:
  Validation() {
    by.validate("customer", [](const order& o) { return o.customer.empty() ? "is empty" : ""; });
    by.validate([](const order& o, std::vector<violation>& to) {
      if (o.cents > 100) to.push_back({"cents", "is above 100"});
    });
    by.unique("customer");
  }
};

TEST_P(Validation, AllViolationsAreToldByFieldAndNothingIsWritten) {
  order one{.cents = 101};
  const auto done = orders.store(one);
  EXPECT_EQ(code_of(done), "rejected");
  EXPECT_EQ(done.violations,
            (std::vector<violation>{{"customer", "is empty"}, {"cents", "is above 100"}}));
  EXPECT_EQ(message_of(done), "table orders: invalid: customer is empty; cents is above 100");
  EXPECT_EQ(all(), "");
}

TEST_P(Validation, AValueThatAnotherRowHasIsTakenAndTheEntityItselfIsExcluded) {
  order one{.customer = "ann"}, same{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  EXPECT_EQ(orders.store(same).violations, (std::vector<violation>{{"customer", "is taken"}}));
  one.cents = 1;
  EXPECT_TRUE(orders.store(one));
  EXPECT_TRUE(must(orders.exists("customer", "ann")));
  EXPECT_FALSE(must(orders.exists("customer", "ann", &one)));
}

TEST_P(Validation, AnUnchangedUniqueColumnIsNotLookedUp) {
  order one{.customer = "ann"};
  ASSERT_TRUE(orders.store(one));
  statements();
  one.cents = 1;
  ASSERT_TRUE(orders.store(one));
  EXPECT_EQ(statements().size(), 1u);
}

NEXUS_ON_BOTH_DATABASES(Lifecycle);
NEXUS_ON_BOTH_DATABASES(Validation);

}  // namespace
}  // namespace nexus::test
