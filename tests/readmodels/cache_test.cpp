// The snapshot cache: what is left out, and that no change of another writer is.
#include "fixture.hpp"

namespace nexus::test { namespace {

// Another class, stored under the same names.
struct order_twin {
  static constexpr std::string_view type_name = "order";
  std::string id;
  std::string customer;
  std::int64_t cents = 0;
  std::vector<std::string> goods{};
  MSGPACK_DEFINE_MAP(id, customer, cents, goods)
};

class Cache : public ReadModels {
 protected:
  int writes_of(const repository<order>& in, const order& one) {
    const int before = storage->writes;
    must(in.save(one));
    return storage->writes - before;
  }

  const repository<order> orders = models.of<order>("orders");
  const order first{"1", "anna", 100, {}};
  const order other{"1", "anna", 200, {}};
};

TEST_P(Cache, ASaveThatChangesNothingIsNoWrite) {
  EXPECT_EQ(writes_of(orders, first), 1);
  EXPECT_EQ(writes_of(orders, first), 0);
  EXPECT_EQ(writes_of(models.of<order>("orders"), first), 0) << "of one factory";
  EXPECT_EQ(writes_of(orders, other), 1);
  EXPECT_EQ(writes_of(orders, first), 1);
  EXPECT_EQ(must(orders.find("1")), first);
}

TEST_P(Cache, EveryKindOfReadFeedsIt) {
  const auto elsewhere = read_models{store}.of<order>("orders");
  const auto fed_by = [&](auto read) {
    models.clear();
    EXPECT_EQ(writes_of(elsewhere, first) + writes_of(elsewhere, other), 2);
    read();
    return writes_of(orders, other) == 0;
  };
  EXPECT_TRUE(fed_by([&] { must(orders.find("1")); }));
  EXPECT_TRUE(fed_by([&] { must(orders.find_all()); }));
  EXPECT_TRUE(fed_by([&] { must(orders.find_by({{"customer", "anna"}})); }));
  EXPECT_TRUE(fed_by([&] { must(orders.find_by({{"id", {"1"}}})); }));
  EXPECT_FALSE(fed_by([] {}));
}

TEST_P(Cache, ARowThatAnotherWriterChangedIsWritten) {
  const auto elsewhere = read_models{store}.of<order>("orders");
  must(orders.save(first));
  must(elsewhere.save(other));
  EXPECT_EQ(writes_of(orders, first), 1) << "the row is not what this factory saw last";
  EXPECT_EQ(must(orders.find("1")), first);
  EXPECT_TRUE(must(elsewhere.remove("1")));
  EXPECT_EQ(writes_of(orders, first), 1) << "the row is gone";
}

TEST_P(Cache, AFailedWriteDoesNotFeedIt) {
  storage->fail({"1"});
  EXPECT_EQ(code_of(orders.save(first)), "unavailable");
  storage->fail({});
  const int looked_up = storage->looked_up;
  EXPECT_EQ(writes_of(orders, first), 1);
  EXPECT_EQ(storage->looked_up, looked_up) << "nothing was remembered";
}

TEST_P(Cache, ItForgetsOnRequestAndWhatIsGone) {
  const auto looks = [&](const order& one) {
    const int before = storage->looked_up;
    must(orders.save(one));
    return storage->looked_up - before;
  };
  EXPECT_EQ(looks(first), 0);
  EXPECT_EQ(looks(first), 1);
  models.clear();
  EXPECT_EQ(looks(first), 0);
  must(orders.remove("1"));
  EXPECT_EQ(looks(first), 0);

  const auto elsewhere = read_models{store}.of<order>("orders");
  for (const auto& read : std::vector<std::function<void()>>{
           [&] { must(orders.find("1")); }, [&] { must(orders.find_all()); },
           [&] {
             must(orders.find_by({{"id", {"1", "2"}}}));
           },
           [&] { must(orders.remove_all()); }}) {
    must(elsewhere.remove("1"));
    read();
    EXPECT_EQ(looks(first), 0);
    EXPECT_EQ(looks(first), 1);
  }
}

TEST_P(Cache, RepositoriesOfAnotherNameOrClassShareNothing) {
  must(orders.save(first));
  EXPECT_EQ(writes_of(models.of<order>("copies"), first), 1);
  const int looked_up = storage->looked_up;
  must(models.of<order_twin>("orders").save({"1", "anna", 100, {}}));
  EXPECT_EQ(storage->looked_up, looked_up);
}

TEST_P(Cache, ItCanBeSwitchedOff) {
  const read_models without{store, {.cached_max = 0}};
  const auto own = without.of<order>("orders");
  EXPECT_EQ(writes_of(own, first) + writes_of(own, first), 2);
  EXPECT_EQ(storage->looked_up, 0);
  without.clear();
}

TEST_P(Cache, ChunksThatWereReadBeforeAFailureStayInIt) {
  const auto elsewhere = read_models{store}.of<order>("orders");
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) {
    ids.push_back("o" + std::to_string(i));
    must(elsewhere.save({ids.back(), "anna", i, {}}));
  }
  ids.push_back(ids.front());
  storage->reads_fail_after = 1;
  EXPECT_EQ(code_of(orders.find_by({{"id", ids}})), "unavailable");
  storage->reads_fail_after = -1;
  EXPECT_EQ(writes_of(orders, {"o0", "anna", 0, {}}), 0);
  EXPECT_EQ(writes_of(orders, {"o299", "anna", 299, {}}), 1);
  EXPECT_EQ(must(orders.find_by({{"id", ids}})).size(), 300U) << "each once";
}

TEST_P(Cache, ItIsBounded) {
  const read_models small{store, {.cached_max = 2}};
  const auto own = small.of<order>("orders");
  for (int i = 0; i < 10; ++i) must(own.save({std::to_string(i), "anna", 1, {}}));
  EXPECT_EQ(writes_of(own, {"9", "anna", 1, {}}), 0);
  EXPECT_EQ(writes_of(own, {"0", "anna", 1, {}}), 1) << "forgotten, so it is written again";
}

NEXUS_FOR_EVERY_STORE(Cache);

}  // namespace
}  // namespace nexus::test
