// Deferred repositories: one object per id, captured states, the staged view.
#include <nexus/deferred_read_models.hpp>

#include "fixture.hpp"

namespace nexus::test { namespace {

class Deferred : public ReadModels {
 protected:
  Deferred() {
    must(stored.save({"1", "anna", 100, {"tea"}}));
    must(stored.save({"2", "bert", 200, {}}));
    must(stored.save({"3", "anna", 300, {}}));
    storage->writes = 0;
  }

  std::string customer_in_storage(const std::string& id) const {
    const auto found = must(read_models{store}.of<order>("orders").find(id));
    return found ? found->customer : "none";
  }

  const repository<order> stored = models.of<order>("orders");
  deferred_read_models rows{store};
  deferred_repository<order>& orders = rows.of<order>("orders");
};

TEST_P(Deferred, AnIdHasOneObject) {
  const auto one = must(orders.find("1"));
  ASSERT_TRUE(one);
  EXPECT_EQ(must(orders.find("1")), one);
  EXPECT_EQ(must(orders.find_all()).at(0), one);
  EXPECT_EQ(must(orders.find_by({{"customer", "anna"}})).at(0), one);
  EXPECT_EQ(must(orders.find_by({{"id", {"3", "1"}}})).at(1), one);
  must(orders.save({"1", "carl", 1, {}}));
  EXPECT_EQ(must(orders.find("1")), one);
  EXPECT_EQ(one->customer, "carl") << "a saved copy is what the object is now";
  EXPECT_EQ(must(orders.find("x")), nullptr);
}

TEST_P(Deferred, ASavedObjectIsTheObjectOfItsId) {
  const auto made = std::make_shared<order>(order{"7", "dora", 7, {}});
  must(orders.save(made));
  EXPECT_EQ(must(orders.find("7")), made);
  const auto another = std::make_shared<order>(order{"7", "emil", 8, {}});
  must(orders.save(another));
  EXPECT_EQ(must(orders.find("7")), made);
  EXPECT_EQ(made->customer, "emil");
}

TEST_P(Deferred, SaveCapturesTheStateOfItsMoment) {
  const auto one = must(orders.find("1"));
  one->customer = "carl";
  must(orders.save(one));
  one->customer = "dora";
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "carl"}})), texts{"1"});
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "dora"}})), texts{});
  EXPECT_EQ(customer_in_storage("1"), "anna");
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(customer_in_storage("1"), "carl");
  EXPECT_EQ(one->customer, "dora");
}

TEST_P(Deferred, RepeatedSavesAreOneWrite) {
  for (int i = 0; i < 5; ++i) must(orders.save({"1", std::to_string(i), i, {}}));
  EXPECT_EQ(orders.pending(), (pending_writes{{}, {"1"}}));
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(storage->writes, 1);
  EXPECT_EQ(customer_in_storage("1"), "4");
}

TEST_P(Deferred, ARemovedIdIsHiddenUntilItIsSavedAgain) {
  const auto one = must(orders.find("1"));
  must(orders.remove("1"));
  EXPECT_EQ(must(orders.find("1")), nullptr);
  EXPECT_EQ(ids_of(orders.find_all()), (texts{"2", "3"}));
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "anna"}})), texts{"3"});
  EXPECT_EQ(ids_of(orders.find_by({{"id", {"3", "1"}}})), texts{"3"});
  EXPECT_EQ(orders.pending(), (pending_writes{{"1"}, {}}));
  must(orders.save({"1", "anna", 1, {}}));
  EXPECT_EQ(must(orders.find("1")), one);
  EXPECT_EQ(orders.pending(), (pending_writes{{}, {"1"}})) << "the removal is cancelled";
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(storage->removes, 0);
  EXPECT_EQ(customer_in_storage("1"), "anna");
}

TEST_P(Deferred, ARemovalCancelsWhatWasSaved) {
  must(orders.save({"7", "carl", 1, {}}));
  must(orders.remove("7"));
  EXPECT_EQ(orders.pending(), (pending_writes{{"7"}, {}}));
  must(orders.remove("1"));
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(storage->writes, 0);
  EXPECT_EQ(ids_of(orders.find_all()), (texts{"2", "3"}));
  EXPECT_EQ(must(orders.find("1")), nullptr);
}

TEST_P(Deferred, FindAllAndFindByShowWhatIsStaged) {
  must(orders.save({"2", "anna", 300, {}}));
  must(orders.save({"0", "anna", 50, {"jam"}}));
  must(orders.save({"3", "carl", 300, {}}));
  EXPECT_EQ(ids_of(orders.find_all()), (texts{"0", "1", "2", "3"}));
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "anna"}})), (texts{"0", "1", "2"}));
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "anna"}, {"cents", 300}})), texts{"2"});
  EXPECT_EQ(ids_of(orders.find_by({{"goods", "jam"}})), texts{"0"});
  EXPECT_EQ(ids_of(orders.find_by({{"id", {"3", "x", "0", "2"}}, {"customer", "anna"}})),
            (texts{"0", "2"}));
  EXPECT_EQ(ids_of(orders.find_by({})), texts{});
  EXPECT_EQ(code_of(orders.find_by({{"custmer", "anna"}})), "invalid_argument");
  EXPECT_EQ(code_of(orders.find_by({{"id", {""}}})), "invalid_id");
}

TEST_P(Deferred, AnIndexAndWhatIsStagedGoTogether) {
  deferred_read_models own{store};
  auto& indexed = own.of<order>("indexed", {.indexes = {"customer"}});
  must(indexed.save({"1", "anna", 1, {}}));
  must(indexed.save({"2", "anna", 2, {}}));
  EXPECT_TRUE(own.flush());
  must(indexed.save({"1", "bert", 1, {}}));
  must(indexed.save({"3", "anna", 3, {}}));
  storage->reads_of_all = 0;
  EXPECT_EQ(ids_of(indexed.find_by({{"customer", "anna"}})), (texts{"2", "3"}));
  EXPECT_EQ(ids_of(indexed.find_by({{"customer", "bert"}})), texts{"1"});
  EXPECT_EQ(storage->reads_of_all, 0);
}

TEST_P(Deferred, PendingListsIdsInTheOrderOfTheirStaging) {
  for (const char* id : {"9", "5", "7", "5"}) must(orders.save({id, "anna", 1, {}}));
  for (const char* id : {"3", "1", "3"}) must(orders.remove(id));
  EXPECT_EQ(orders.pending(), (pending_writes{{"3", "1"}, {"9", "5", "7"}}));
}

TEST_P(Deferred, ClearDiscardsLocalStateOnly) {
  const auto one = must(orders.find("1"));
  one->customer = "changed";
  must(orders.save({"2", "carl", 1, {}}));
  must(orders.remove("3"));
  rows.clear();
  EXPECT_EQ(orders.pending(), pending_writes{});
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(storage->writes + storage->removes, 0);
  EXPECT_EQ(ids_of(orders.find_all()), (texts{"1", "2", "3"}));
  EXPECT_NE(must(orders.find("1")), one);
  EXPECT_EQ(must(orders.find("1"))->customer, "anna");
}

TEST_P(Deferred, InvalidModelsAndBadRowsAreErrors) {
  EXPECT_EQ(code_of(orders.save({"", "anna", 1, {}})), "invalid_id");
  EXPECT_EQ(code_of(orders.remove(std::string(256, 'x'))), "invalid_id");
  EXPECT_EQ(code_of(orders.find("")), "invalid_id");
  put_row("orders", {.id = "4", .type = "invoice"});
  EXPECT_EQ(code_of(orders.find("4")), "unknown_type");
  EXPECT_EQ(code_of(orders.find_all()), "unknown_type");
  must(orders.remove("4"));
  EXPECT_EQ(ids_of(orders.find_all()), (texts{"1", "2", "3"}));
  EXPECT_EQ(code_of(rows.of<order>("").save({"1", "anna", 1, {}})), "invalid_argument");
}

NEXUS_FOR_EVERY_STORE(Deferred);

}  // namespace
}  // namespace nexus::test
