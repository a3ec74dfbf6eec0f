// Indexed fields: bounded where complete, and right in any case.
#include "fixture.hpp"

namespace nexus::test { namespace {

class Index : public ReadModels {
 protected:
  /// The ids found, and "(all)" if the whole collection was read.
  texts found(const repository<order>& in, const criteria& wanted) {
    const int before = storage->reads_of_all;
    auto ids = ids_of(in.find_by(wanted));
    if (storage->reads_of_all != before) ids.emplace_back("(all)");
    return ids;
  }

  const repository<order> plain = models.of<order>("orders");
  const repository<order> by_customer = models.of<order>("orders", {.indexes = {"customer"}});
  const repository<order> by_both = models.of<order>("orders", {.indexes = {"customer", "goods"}});
};

TEST_P(Index, FindByAnIndexedFieldReadsNoOtherRows) {
  for (int i = 0; i < 300; ++i) {
    must(by_both.save({std::to_string(i), i % 100 == 7 ? "anna" : "bert", i, {"tea", "jam"}}));
  }
  const int looked_up = storage->looked_up;
  EXPECT_EQ(found(by_both, {{"customer", "anna"}}), (texts{"107", "207", "7"}));
  EXPECT_EQ(found(by_both, {{"customer", "anna"}, {"cents", 207}}), texts{"207"});
  EXPECT_EQ(found(by_both, {{"customer", "anna"}, {"goods", "tea"}}), (texts{"107", "207", "7"}));
  EXPECT_EQ(found(by_both, {{"goods", "milk"}}), texts{});
  EXPECT_EQ(storage->looked_up - looked_up, 9);
  EXPECT_EQ(found(by_both, {{"goods", "jam"}}).size(), 300u);
  EXPECT_EQ(found(by_both, {{"cents", 7}}), (texts{"7", "(all)"})) << "not indexed";
}

TEST_P(Index, ItFollowsChangesAndRemovals) {
  must(by_customer.save({"1", "anna", 1, {}}));
  must(by_customer.save({"2", "anna", 1, {}}));
  must(by_customer.save({"1", "bert", 1, {}}));
  EXPECT_EQ(found(by_customer, {{"customer", "anna"}}), texts{"2"});
  must(by_customer.remove("2"));
  EXPECT_EQ(found(by_customer, {{"customer", "anna"}}), texts{});
  EXPECT_EQ(found(by_customer, {{"customer", "bert"}}), texts{"1"});
}

TEST_P(Index, RowsFromBeforeItWasChosenAreFound) {
  must(plain.save({"1", "anna", 1, {}}));
  must(by_customer.save({"2", "anna", 1, {}}));
  EXPECT_EQ(found(by_customer, {{"customer", "anna"}}), (texts{"1", "2", "(all)"}));
  EXPECT_EQ(must(by_customer.reindex()), 2u);
  EXPECT_EQ(found(by_customer, {{"customer", "anna"}}), (texts{"1", "2"}));
}

TEST_P(Index, AWriterThatLeavesItOutIsNoticed) {
  must(by_both.save({"1", "anna", 1, {"tea"}}));
  must(by_customer.save({"1", "anna", 1, {"jam"}}));
  EXPECT_EQ(found(by_both, {{"goods", "jam"}}), (texts{"1", "(all)"}));
  EXPECT_EQ(found(by_both, {{"goods", "tea"}}), texts{"(all)"});
  EXPECT_EQ(found(by_both, {{"customer", "anna"}}), texts{"1"});
  must(by_both.reindex());
  EXPECT_EQ(found(by_both, {{"goods", "jam"}}), texts{"1"});
  must(plain.save({"1", "bert", 1, {"jam"}}));
  EXPECT_EQ(found(by_both, {{"customer", "bert"}}), (texts{"1", "(all)"}));
  EXPECT_EQ(found(by_both, {{"customer", "anna"}}), texts{"(all)"});
}

TEST_P(Index, ValuesThatFitNoIndexAreFound) {
  const std::string long_one(100'000, 'x');
  const std::string other_long_one = std::string(99'999, 'x') + "y";
  const std::string with_nul{"a\0b", 3};
  const std::string broken = "\xff\xfe";
  must(by_customer.save({"1", long_one, 1, {}}));
  must(by_customer.save({"2", other_long_one, 1, {}}));
  must(by_customer.save({"3", with_nul, 1, {}}));
  must(by_customer.save({"4", broken, 1, {}}));
  must(by_customer.save({"5", "", 1, {}}));
  EXPECT_EQ(found(by_customer, {{"customer", long_one}}), texts{"1"});
  EXPECT_EQ(found(by_customer, {{"customer", other_long_one}}), texts{"2"});
  EXPECT_EQ(found(by_customer, {{"customer", with_nul}}), texts{"3"});
  EXPECT_EQ(found(by_customer, {{"customer", broken}}), texts{"4"});
  EXPECT_EQ(found(by_customer, {{"customer", ""}}), texts{"5"});
}

TEST_P(Index, NumbersAreFoundWhateverTheirType) {
  const auto by_cents = models.of<order>("orders", {.indexes = {"cents"}});
  must(by_cents.save({"1", "anna", 5, {}}));
  EXPECT_EQ(found(by_cents, {{"cents", 5}}), texts{"1"});
  EXPECT_EQ(found(by_cents, {{"cents", 5.0}}), texts{"1"});
  EXPECT_EQ(found(by_cents, {{"cents", std::uint64_t{5}}}), texts{"1"});
  EXPECT_EQ(found(by_cents, {{"cents", std::numeric_limits<double>::quiet_NaN()}}), texts{});
}

TEST_P(Index, AListWithoutValuesIsIndexedToo) {
  must(by_both.save({"1", "anna", 1, {}}));
  EXPECT_EQ(found(by_both, {{"goods", "tea"}}), texts{});
  must(by_both.save({"1", "anna", 1, {"tea", "tea"}}));
  EXPECT_EQ(found(by_both, {{"goods", "tea"}}), texts{"1"});
}

NEXUS_FOR_EVERY_STORE(Index);

}  // namespace
}  // namespace nexus::test
