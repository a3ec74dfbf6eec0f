// Saving, finding, removing: by id, by fields, as a whole.
#include <nexus/detail/may_wait.hpp>

#include "fixture.hpp"

namespace nexus::test { namespace {

enum class colour : std::uint8_t { red, green };

struct everything {
  static constexpr std::string_view type_name = "everything";
  std::string id;
  bool paid = false;
  std::int64_t cents = 0;
  std::uint64_t large = 0;
  double share = 0;
  float rough = 0;
  colour shade = colour::red;
  std::chrono::seconds age{0};
  std::string name{};
  std::optional<std::string> note{};
  std::optional<int> rank{};
  std::vector<std::string> goods{};
  std::set<int> sizes{};
  std::vector<bool> flags{};
  std::map<std::string, int> counts{};
  std::vector<unsigned char> bytes{};
  MSGPACK_DEFINE_MAP(id, paid, cents, large, share, rough, shade, age, name, note, rank, goods,
                     sizes, flags, counts, bytes)
};

class Repository : public ReadModels {
 protected:
  void save_some() const {
    for (const auto& one : some) must(orders.save(one));
  }

  const repository<order> orders = models.of<order>("orders");
  const std::vector<order> some{{"3", "anna", 300, {"tea"}},
                                {"1", "bert", 100, {"tea", "jam"}},
                                {"2", "anna", 200, {}},
                                {"10", "anna", 300, {"jam"}}};
};

TEST_P(Repository, WhatIsSavedIsFoundById) {
  EXPECT_EQ(must(orders.find("1")), std::nullopt);
  save_some();
  EXPECT_EQ(must(orders.find("1")), some[1]);
  must(orders.save({"1", "carl", 7, {}}));
  EXPECT_EQ(must(orders.find("1", consistency::eventual)), (order{"1", "carl", 7, {}}));
  EXPECT_EQ(must(models.of<order>("others").find("1")), std::nullopt);
}

TEST_P(Repository, AllComeInTheOrderOfTheirIds) {
  EXPECT_EQ(ids_of(orders.find_all()), texts{});
  save_some();
  EXPECT_EQ(must(orders.find_all()), (std::vector<order>{some[1], some[3], some[2], some[0]}));
  texts seen;
  must(orders.for_each([&](order&& one) {
    seen.push_back(one.id);
    return seen.size() < 2;
  }));
  EXPECT_EQ(seen, (texts{"1", "10"}));
}

TEST_P(Repository, WhatIsRemovedIsGone) {
  save_some();
  EXPECT_TRUE(must(orders.remove("1")));
  EXPECT_FALSE(must(orders.remove("1")));
  EXPECT_EQ(ids_of(orders.find_all()), (texts{"10", "2", "3"}));
  EXPECT_EQ(must(orders.remove_all()), 3u);
  EXPECT_EQ(ids_of(orders.find_all()), texts{});
}

TEST_P(Repository, AllCriteriaMustMatch) {
  save_some();
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "anna"}})), (texts{"10", "2", "3"}));
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "anna"}, {"cents", 300}})), (texts{"10", "3"}));
  EXPECT_EQ(ids_of(orders.find_by({{"goods", "tea"}})), (texts{"1", "3"})) << "a list has it";
  EXPECT_EQ(ids_of(orders.find_by({{"goods", "tea"}, {"goods", "jam"}})), texts{"1"});
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "anna"}, {"customer", "bert"}})), texts{});
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "ann"}})), texts{});
}

TEST_P(Repository, NoCriteriaFindNothing) {
  save_some();
  EXPECT_EQ(ids_of(orders.find_by({})), texts{});
  EXPECT_EQ(storage->reads_of_all, 0);
}

TEST_P(Repository, IdsAreFetchedInTheRequestedOrder) {
  save_some();
  EXPECT_EQ(ids_of(orders.find_by({{"id", {"3", "x", "10", "3", "1"}}})), (texts{"3", "10", "1"}));
  EXPECT_EQ(ids_of(orders.find_by({{"id", "2"}})), texts{"2"});
  EXPECT_EQ(ids_of(orders.find_by({{"id", field_value::ids{}}})), texts{});
  EXPECT_EQ(ids_of(orders.find_by({{"id", {"3", "1", "10"}}, {"customer", "anna"}})),
            (texts{"3", "10"}));
  EXPECT_EQ(ids_of(orders.find_by({{"id", {"3", "1"}}, {"id", {"10", "1"}}})), texts{"1"});
  EXPECT_EQ(storage->reads_of_all, 0);
}

TEST_P(Repository, AMalformedListOfIdsIsRefusedBeforeAnythingIsRead) {
  save_some();
  for (const auto& bad :
       {std::string{}, std::string(256, 'x'), std::string{"a\0b", 3}, std::string{"\xff"}}) {
    EXPECT_EQ(code_of(orders.find_by({{"id", {"1", bad}}})), "invalid_id") << bad;
    EXPECT_EQ(code_of(orders.find_by({{"id", bad}})), "invalid_id") << bad;
    EXPECT_EQ(code_of(orders.find(bad)), "invalid_id") << bad;
    EXPECT_EQ(code_of(orders.remove(bad)), "invalid_id") << bad;
    EXPECT_EQ(code_of(orders.save({bad, "anna", 1, {}})), "invalid_id") << bad;
  }
  EXPECT_EQ(code_of(orders.find_by({{"id", 7}})), "invalid_argument");
  EXPECT_EQ(code_of(orders.find_by({{"id", "1"}, {"id", true}})), "invalid_argument");
  EXPECT_EQ(storage->reads_of_all, 0);
  EXPECT_EQ(ids_of(orders.find_all()), (texts{"1", "10", "2", "3"}));
}

TEST_P(Repository, AnUnknownFieldIsNamedAlsoWithoutRows) {
  const auto found = orders.find_by({{"customer", "anna"}, {"custmer", "anna"}});
  EXPECT_EQ(code_of(found), "invalid_argument");
  EXPECT_EQ(message_of(found), "field \"custmer\" of order is unknown");
  EXPECT_EQ(message_of(orders.find_by({{"id", "1"}, {"custmer", "anna"}})),
            "field \"custmer\" of order is unknown");
  EXPECT_EQ(storage->reads_of_all, 0);
}

TEST_P(Repository, EveryKindOfFieldIsCompared) {
  const auto all = models.of<everything>("everything");
  must(all.save({.id = "1",
                 .paid = true,
                 .cents = -5,
                 .large = 18'446'744'073'709'551'615u,
                 .share = 0.25,
                 .rough = 2,
                 .shade = colour::green,
                 .age = std::chrono::seconds{90},
                 .name = "größe\n'\"",
                 .note = "n",
                 .rank = 0,
                 .goods = {"a", ""},
                 .sizes = {1, 2},
                 .flags = {false, true},
                 .counts = {},
                 .bytes = {}}));
  must(all.save({.id = "2", .share = std::numeric_limits<double>::quiet_NaN()}));
  const auto finds = [&](const std::string& field, const field_value& value) {
    return ids_of(all.find_by({{field, value}}));
  };
  const texts first{"1"};
  const texts second{"2"};
  EXPECT_EQ(finds("paid", true), first);
  EXPECT_EQ(finds("paid", false), second);
  EXPECT_EQ(finds("cents", -5), first);
  EXPECT_EQ(finds("cents", -5.0), first);
  EXPECT_EQ(finds("cents", -5.5), texts{});
  EXPECT_EQ(finds("cents", -0.0), second);
  EXPECT_EQ(finds("large", 18'446'744'073'709'551'615u), first);
  EXPECT_EQ(finds("large", 18'446'744'073'709'551'615.0), texts{}) << "that is 2^64";
  EXPECT_EQ(finds("large", -1), texts{});
  EXPECT_EQ(finds("share", 0.25), first);
  EXPECT_EQ(finds("share", std::numeric_limits<double>::quiet_NaN()), texts{});
  EXPECT_EQ(finds("rough", 2), first);
  EXPECT_EQ(finds("shade", colour::green), first);
  EXPECT_EQ(finds("age", 90), first);
  EXPECT_EQ(finds("name", "größe\n'\""), first);
  EXPECT_EQ(finds("name", ""), second);
  EXPECT_EQ(finds("note", "n"), first);
  EXPECT_EQ(finds("note", ""), texts{}) << "an empty optional has no value";
  EXPECT_EQ(finds("rank", 0), first);
  EXPECT_EQ(finds("goods", ""), first);
  EXPECT_EQ(finds("sizes", 2), first);
  EXPECT_EQ(finds("flags", true), first);
  EXPECT_EQ(message_of(all.find_by({{"counts", 1}})),
            "field \"counts\" of everything cannot be compared");
  EXPECT_EQ(message_of(all.find_by({{"bytes", "x"}})),
            "field \"bytes\" of everything cannot be compared");
  EXPECT_EQ(message_of(all.find_by({{"cents", "5"}})),
            "field \"cents\" of everything is a number, and is compared with a text");
  EXPECT_EQ(message_of(all.find_by({{"name", {"a", "b"}}})),
            "field \"name\" of everything is compared with a list: only the field id can be");
}

/// Ignores case, and knows one field.
struct careless final : matcher<order> {
  result<void> check(const criteria& wanted) const override {
    for (const auto& one : wanted) {
      if (one.field != "who") return fail(errc::invalid_argument, "only who is known");
    }
    return {};
  }
  bool matches(const order& one, const criteria& wanted) const override {
    const auto who = std::get<std::string>(wanted.at(0).value.get());
    return std::ranges::equal(one.customer, who, {}, ::tolower, ::tolower);
  }
};

TEST_P(Repository, CanBeMadeByHandOfAStorageAndAMatcher) {
  const auto session = must(store.open_session());
  const repository<order> own{
      *session->documents(), "orders", {.indexes = {"customer"}}, std::make_shared<careless>()};
  must(own.save({"1", "ANNA", 1, {}}));
  EXPECT_EQ(ids_of(own.find_by({{"who", "anna"}})), texts{"1"});
  EXPECT_EQ(ids_of(own.find_by({{"id", "1"}, {"who", "Anna"}})), texts{"1"});
  EXPECT_EQ(message_of(own.find_by({{"customer", "ANNA"}})), "only who is known");
  EXPECT_EQ(ids_of(orders.find_by({{"customer", "ANNA"}})), texts{"1"});
}

struct nameless {
  static constexpr std::string_view type_name = "nameless";
  std::string id;
  int n = 0;
  MSGPACK_DEFINE_MAP(n)
};

TEST_P(Repository, AnInvalidRepositoryRefusesEveryCall) {
  const auto refuses = [](const auto& r, const std::string& why) {
    EXPECT_EQ(message_of(r.save({})), why);
    EXPECT_EQ(message_of(r.find("1")), why);
    EXPECT_EQ(message_of(r.find_all()), why);
    EXPECT_EQ(message_of(r.find_by({})), why);
    EXPECT_EQ(message_of(r.remove("1")), why);
    EXPECT_EQ(message_of(r.remove_all()), why);
    EXPECT_EQ(message_of(r.reindex()), why);
  };
  refuses(models.of<order>(""), "the name of a collection \"\" is empty");
  refuses(models.of<order>("orders", {.indexes = {"customr"}}),
          "field \"customr\" of nexus::test::order cannot be indexed: it is unknown");
  refuses(models.of<order>("orders", {.indexes = {"id"}}),
          "field \"id\" of nexus::test::order cannot be indexed: rows are found by it anyway");
  const auto without_id = models.of<nameless>("nameless").find("1");
  EXPECT_NE(message_of(without_id).find("does not name id"), std::string::npos);
}

TEST_P(Repository, OnASessionItIsAPartOfTheTransaction) {
  if (!has_sql()) GTEST_SKIP() << "no transactions";
  const auto session = must(store.open_session());
  const auto own = read_models{*session}.of<order>("orders");
  const auto failed = transactional(*session, [&](nexus::session&) -> result<void> {
    must(own.save(some[0]));
    EXPECT_EQ(ids_of(own.find_all()), texts{"3"});
    return fail(errc::rejected, "no");
  });
  EXPECT_EQ(message_of(failed), "no");
  EXPECT_EQ(ids_of(orders.find_all()), texts{});
  must(transactional(*session, [&](nexus::session&) { return own.save(some[0]); }));
  EXPECT_EQ(ids_of(orders.find_all()), texts{"3"});
}

TEST_P(Repository, ManyThreadsMayUseOneRepositoryOfAStore) {
  constexpr int count = 20;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < count; ++i) {
        must(orders.save({std::to_string(i), std::to_string(t), i, {}}));
        EXPECT_TRUE(must(orders.find(std::to_string(i))));
      }
    });
  }
  for (auto& one : threads) one.join();
  EXPECT_EQ(must(orders.find_all()).size(), static_cast<std::size_t>(count));
}

TEST_P(Repository, AThreadThatMustNotWaitIsRefused) {
  const detail::no_waiting here{"a test"};
  EXPECT_EQ(code_of(orders.find("1")), "would_block");
  EXPECT_EQ(code_of(orders.save(some[0])), "would_block");
}

NEXUS_FOR_EVERY_STORE(Repository);

TEST(RepositoryOfOther, ADatabaseWithoutDocumentsIsNamed) {
  struct plain final : session {
    bool broken() const noexcept override { return false; }
    void interrupt() noexcept override {}
  } without;
  const auto found = read_models{without}.of<order>("orders").find("1");
  EXPECT_EQ(code_of(found), "unavailable");
  EXPECT_EQ(message_of(found), "the database of this session keeps no read models");
}

}  // namespace
}  // namespace nexus::test
