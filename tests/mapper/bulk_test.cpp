// Many rows with few statements.
#include "fixture.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

struct item {
  std::int64_t id = 0;
  std::string sku{};
  std::int64_t stock = 0;
  std::int64_t version = 0;
  timestamp created_at{};
  timestamp updated_at{};
  MSGPACK_DEFINE_MAP(id, sku, stock, version, created_at, updated_at)
};

class Bulk : public Mapped {
 protected:
  Bulk() {
    create(
        "items ({id}, sku text NOT NULL UNIQUE, stock bigint NOT NULL, version bigint NOT NULL, "
        "created_at bigint NOT NULL, updated_at bigint NOT NULL)");
    by.generated_key("id").version("version").timestamps().clock(clock);
    by.format("created_at", time_format::seconds).format("updated_at", time_format::seconds);
    by.creating("no x", [](item& i) { return i.sku != "x"; });
    by.updating("count", [this](item&) { ++updating; });
    by.validate("stock", [](const item& i) { return i.stock < 0 ? "is negative" : ""; });
    s.take();
  }
  std::string all() { return rows("SELECT sku, stock, version FROM items ORDER BY sku"); }

  std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>(timestamp{1000s});
  int updating = 0;
  mapping<item> by{"items"};
  mapper<item> items{s, by};
};

TEST_P(Bulk, InsertIsOneStatementWithTimesAndVersionsAndNoListeners) {
  std::vector<item> some{{.sku = "a", .stock = 1}, {.sku = "x", .stock = -2}};
  EXPECT_EQ(must(items.bulk_insert(some)), 2);
  EXPECT_EQ(s.take().size(), 3u);  // with BEGIN and COMMIT
  EXPECT_EQ(all(), "a|1|1; x|-2|1");
  EXPECT_EQ(some[0].created_at, timestamp{1000s});
  EXPECT_EQ(some[0].version, 1);
  EXPECT_EQ(rows("SELECT DISTINCT created_at, updated_at FROM items"), "1000|1000");
}

TEST_P(Bulk, InsertRunsListenersAndValidationIfAsked) {
  std::vector<item> some{{.sku = "a"}, {.sku = "x"}};
  EXPECT_EQ(must(items.bulk_insert(some, {.listeners = true})), 1);
  EXPECT_EQ(all(), "a|0|1");
  std::vector<item> wrong{{.sku = "b", .stock = -1}};
  EXPECT_EQ(code_of(items.bulk_insert(wrong, {.listeners = true})), "rejected");
}

TEST_P(Bulk, InsertOfMoreRowsThanAStatementTakesIsAllOrNothing) {
  std::vector<item> many(20'000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i].sku = "s" + std::to_string(i);
  many.back().sku = "s0";
  EXPECT_EQ(code_of(items.bulk_insert(many)), "constraint_violated");
  EXPECT_EQ(rows("SELECT count(*) FROM items"), "0");
  EXPECT_EQ(many[0].version, 0);
  many.back().sku = "last";
  EXPECT_EQ(must(items.bulk_insert(many)), 20'000);
  EXPECT_EQ(rows("SELECT count(*) FROM items"), "20000");
}

TEST_P(Bulk, OfNothingIsNoStatement) {
  EXPECT_EQ(must(items.bulk_insert({})), 0);
  EXPECT_TRUE(s.take().empty());
}

TEST_P(Bulk, UpdateIsOneStatementAndRaisesTheVersion) {
  std::vector<item> some{{.sku = "a", .stock = 1}, {.sku = "b", .stock = 5}};
  must(items.bulk_insert(some));
  s.take();
  clock->advance(5s);
  EXPECT_EQ(must(items.where("stock", is::less, 3).bulk_update({{"stock", 7}})), 1);
  EXPECT_EQ(s.take().size(), 1u);
  EXPECT_EQ(all(), "a|7|2; b|5|1");
  EXPECT_EQ(rows("SELECT updated_at FROM items WHERE sku = 'a'"), "1005");
  EXPECT_EQ(updating, 0);
}

TEST_P(Bulk, UpdateRunsListenersIfAsked) {
  std::vector<item> some{{.sku = "a"}, {.sku = "b"}, {.sku = "c", .stock = 7}};
  must(items.bulk_insert(some));
  EXPECT_EQ(must(items.all().bulk_update({{"stock", 7}}, {.listeners = true})), 2);
  EXPECT_EQ(updating, 2);
  EXPECT_EQ(all(), "a|7|2; b|7|2; c|7|1");
  EXPECT_EQ(code_of(items.all().bulk_update({{"stock", -1}}, {.listeners = true})), "rejected");
}

TEST_P(Bulk, UpdateRefusesKeysAndUnknownColumns) {
  EXPECT_EQ(code_of(items.all().bulk_update({{"id", 1}})), "invalid_argument");
  EXPECT_EQ(code_of(items.all().bulk_update({{"stock\" = 1 --", 1}})), "invalid_argument");
  EXPECT_EQ(code_of(items.all().bulk_update({})), "invalid_argument");
  EXPECT_EQ(code_of(items.all().limit(1).bulk_update({{"stock", 1}})), "invalid_argument");
  EXPECT_TRUE(s.take().empty());
}

TEST_P(Bulk, UpsertUpdatesTheChosenColumnsOfRowsThatAreThere) {
  std::vector<item> first{{.sku = "a", .stock = 1}};
  must(items.bulk_insert(first));
  clock->advance(5s);
  std::vector<item> next{{.sku = "a", .stock = 9}, {.sku = "b", .stock = 2}};
  EXPECT_EQ(message_of(items.upsert(next, {"sku"}, {"stock"})), "");
  EXPECT_EQ(all(), "a|9|2; b|2|1");
  EXPECT_EQ(rows("SELECT created_at, updated_at FROM items ORDER BY sku"), "1000|1005; 1005|1005");
}

TEST_P(Bulk, UpsertWithoutColumnsLeavesRowsAsTheyAre) {
  std::vector<item> some{{.sku = "a", .stock = 1}};
  must(items.bulk_insert(some));
  std::vector<item> next{{.sku = "a", .stock = 9}, {.sku = "b"}};
  EXPECT_EQ(message_of(items.upsert(next, {"sku"}, {})), "");
  EXPECT_EQ(all(), "a|1|1; b|0|1");
}

TEST_P(Bulk, UpsertRefusesTwoEntitiesOfOneRow) {
  std::vector<item> twice{{.sku = "a"}, {.sku = "a"}};
  EXPECT_EQ(message_of(items.upsert(twice, {"sku"}, {"stock"})),
            "items: two of the entities are the same row");
}

NEXUS_ON_BOTH_DATABASES(Bulk);

}  // namespace
}  // namespace nexus::test
