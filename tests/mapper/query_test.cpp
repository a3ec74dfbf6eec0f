// Which rows are found, in which order, in pages and pieces; scopes.
#include "orders.hpp"

namespace nexus::test { namespace {

class Query : public Orders {
 protected:
  Query() {
    std::vector<order> some{{.customer = "ann", .cents = 1, .note = "x"},
                            {.customer = "bob", .cents = 2},
                            {.customer = "Ann%", .cents = 3, .note = "y"},
                            {.customer = "ärger_", .cents = 4}};
    EXPECT_TRUE(orders.store(some));
    orders.forget();
    s.take();
  }

  static std::string names(const result<std::vector<order>>& found) {
    if (!found) return found.error().message;
    std::string all;
    for (const auto& one : *found) all += (all.empty() ? "" : " ") + one.customer;
    return all;
  }
  template <class... A>
  std::string where(std::string column, is how, const A&... with) {
    return names(orders.where(std::move(column), how, with...).order("id").get());
  }
};

TEST_P(Query, ComparesByName) {
  EXPECT_EQ(where("cents", is::equals, 2), "bob");
  EXPECT_EQ(where("cents", is::differs, 2), "ann Ann% ärger_");
  EXPECT_EQ(where("cents", is::less, 2), "ann");
  EXPECT_EQ(where("cents", is::at_most, 2), "ann bob");
  EXPECT_EQ(where("cents", is::greater, 3), "ärger_");
  EXPECT_EQ(where("cents", is::at_least, 3), "Ann% ärger_");
  EXPECT_EQ(where("cents", is::one_of, std::vector{1, 4, 9}), "ann ärger_");
  EXPECT_EQ(where("cents", is::none_of, std::vector{1, 4}), "bob Ann%");
  EXPECT_EQ(where("cents", is::one_of, std::vector<int>{}), "");
  EXPECT_EQ(where("cents", is::none_of, std::vector<int>{}), "ann bob Ann% ärger_");
}

TEST_P(Query, NullIsAValueLikeAnother) {
  const std::optional<std::string> none;
  EXPECT_EQ(where("note", is::null), "bob ärger_");
  EXPECT_EQ(where("note", is::not_null), "ann Ann%");
  EXPECT_EQ(where("note", is::equals, none), "bob ärger_");
  EXPECT_EQ(where("note", is::differs, none), "ann Ann%");
  EXPECT_EQ(where("note", is::differs, "x"), "bob Ann% ärger_");
  EXPECT_EQ(where("note", is::none_of, std::vector<std::string>{"x"}), "bob Ann% ärger_");
  EXPECT_EQ(where("note", is::one_of, std::vector<std::optional<std::string>>{"x", none}),
            "ann bob ärger_");
}

TEST_P(Query, PartsOfTextsAreComparedAsTheyAre) {
  EXPECT_EQ(where("customer", is::starts_with, "an"), "ann");
  EXPECT_EQ(where("customer", is::starts_with, "ä"), "ärger_");
  EXPECT_EQ(where("customer", is::contains, "%"), "Ann%");
  EXPECT_EQ(where("customer", is::ends_with, "_"), "ärger_");
  EXPECT_EQ(where("customer", is::ends_with, "nn"), "ann");
  EXPECT_EQ(where("customer", is::contains, ""), "ann bob Ann% ärger_");
}

TEST_P(Query, ListsOfTextsMayHoldAnything) {
  const std::vector<std::string> hostile{"bob", "'",   "\"",   "\\",    "{}",
                                         ",",   "a,b", "NULL", "ärger_"};
  EXPECT_EQ(where("customer", is::one_of, hostile), "bob ärger_");
  for (const auto& one : hostile) {
    order with{.customer = one, .cents = 50};
    ASSERT_TRUE(orders.store(with));
  }
  EXPECT_EQ(
      must(orders.where("cents", is::equals, 50).where("customer", is::one_of, hostile).count()),
      9);
}

TEST_P(Query, NeitherAValueNorANameInjectsSql) {
  EXPECT_EQ(where("customer", is::equals, "' OR '1' = '1"), "");
  const auto name = where("customer\" OR 1 = 1 --", is::equals, "x");
  EXPECT_NE(name.find("there is no field or column"), std::string::npos) << name;
  EXPECT_EQ(code_of(orders.all().order("id; DROP TABLE orders").get()), "invalid_argument");
  for (const auto& sent : statements()) EXPECT_EQ(sent.find("1 = 1"), std::string::npos) << sent;
}

TEST_P(Query, ConditionsAllHoldAndOfAGroupOne) {
  EXPECT_EQ(names(orders.where("cents", is::at_least, 2)
                      .where_any({{"customer", is::equals, "bob"}, {"note", is::equals, "y"}})
                      .order("cents", direction::descending)
                      .get()),
            "Ann% bob");
}

TEST_P(Query, LimitOffsetFirstAndCount) {
  EXPECT_EQ(names(orders.all().order("id").limit(2).offset(1).get()), "bob Ann%");
  EXPECT_EQ(names(orders.all().order("id").offset(3).get()), "ärger_");
  EXPECT_EQ(must(orders.all().order("id", direction::descending).first())->customer, "ärger_");
  EXPECT_EQ(must(orders.where("cents", is::less, 0).first()), std::nullopt);
  EXPECT_EQ(must(orders.where("cents", is::greater, 1).count()), 3);
  const auto none = orders.where("customer", is::equals, "zoe").first_or_error();
  EXPECT_EQ(code_of(none), "not_found");
  EXPECT_EQ(message_of(none), "table orders: there is no row with customer = \"zoe\"");
}

TEST_P(Query, APageKnowsTheNumberOfAll) {
  const auto second = must(orders.all().order("note").page(2, 3));
  EXPECT_EQ(second.total, 4);
  EXPECT_EQ(second.pages, 2);
  EXPECT_EQ(second.rows.size(), 1u);
  EXPECT_EQ(code_of(orders.all().page(0, 3)), "invalid_argument");
}

TEST_P(Query, FindManyLeavesMissingRowsOutAndIsOneStatement) {
  const auto all = must(orders.all().order("id").get());
  s.take();
  const auto found = must(orders.find_many(std::vector<std::int64_t>{all[0].id, 999, all[2].id}));
  EXPECT_EQ(found.size(), 2u);
  EXPECT_EQ(statements().size(), 1u);
}

TEST_P(Query, ChunksPassEveryRowOnceAlthoughRowsAreRemovedMeanwhile) {
  std::string seen{};
  std::size_t calls = 0;
  auto done = orders.all().chunk(2, [&](std::vector<order>& piece) {
    ++calls;
    for (auto& one : piece) {
      seen += one.customer + " ";
      EXPECT_TRUE(orders.remove(one));
    }
    return true;
  });
  EXPECT_EQ(message_of(done), "");
  EXPECT_EQ(seen, "ann bob Ann% ärger_ ");
  EXPECT_EQ(calls, 2u);
  EXPECT_EQ(all(), "");
}

TEST_P(Query, AChunkMayBeChangedAndIsForgottenAfterwards) {
  auto kept = must(orders.where("customer", is::equals, "ann").first_or_error());
  ASSERT_TRUE(orders.all().chunk(3, [&](std::vector<order>& piece) {
    for (auto& one : piece) one.cents += 10;
    EXPECT_TRUE(orders.store(piece));
    return true;
  }));
  EXPECT_EQ(all(), "ann|11; bob|12; Ann%|13; ärger_|14");
  EXPECT_EQ(orders.rows().memory().size(), 1u);
}

TEST_P(Query, AnUntrackedRowIsNotRemembered) {
  auto found = must(orders.all().untracked().get());
  EXPECT_EQ(orders.rows().memory().size(), 0u);
}

class Scopes : public Query {
 protected:
  Scopes() {
    by.scope("large", [](row_filter& f) { f.where("cents", is::at_least, 3); });
    by.global_scope("named", [](row_filter& f) { f.where("customer", is::differs, "bob"); });
  }
};

TEST_P(Scopes, ANamedOneAppliesWhereItIsNamedAGlobalOneEverywhereElse) {
  EXPECT_EQ(names(orders.all().order("id").get()), "ann Ann% ärger_");
  EXPECT_EQ(names(orders.all().scope("large").order("id").get()), "Ann% ärger_");
  EXPECT_EQ(names(orders.all().without_scope("named").order("id").get()), "ann bob Ann% ärger_");
  EXPECT_EQ(must(orders.all().count()), 3);
  EXPECT_EQ(code_of(orders.all().scope("huge").get()), "invalid_argument");
}

NEXUS_ON_BOTH_DATABASES(Query);
NEXUS_ON_BOTH_DATABASES(Scopes);

}  // namespace
}  // namespace nexus::test
