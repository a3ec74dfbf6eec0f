// Flushing deferred repositories: order, failures, transactions.
#include <nexus/deferred_read_models.hpp>

#include "fixture.hpp"

namespace nexus::test { namespace {

struct invoice {
  static constexpr std::string_view type_name = "invoice";
  std::string id;
  MSGPACK_DEFINE_MAP(id)
};

class Flush : public ReadModels {
 protected:
  texts stored() const { return ids_of(read_models{store}.of<order>("orders").find_all()); }
  [[nodiscard]] std::string table() const {
    return must(store.open_session())->documents()->table();
  }

  deferred_read_models rows{store};
  deferred_repository<order>& orders = rows.of<order>("orders");
};

TEST_P(Flush, WritesWhatIsStagedOnce) {
  EXPECT_TRUE(rows.flush()) << "nothing";
  for (int i = 0; i < 600; ++i) must(orders.save({std::to_string(i), "anna", i, {}}));
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(stored().size(), 600u);
  EXPECT_EQ(orders.pending(), pending_writes{});
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(storage->writes, 600);
  for (int i = 0; i < 599; ++i) must(orders.remove(std::to_string(i)));
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(stored(), texts{"599"});
}

TEST_P(Flush, AFactoryMakesOneRepositoryPerNameAndClass) {
  EXPECT_EQ(&rows.of<order>("orders"), &orders);
  EXPECT_NE(&rows.of<order>("others"), &orders);
  must(rows.of<invoice>("orders").save({"9"}));
  EXPECT_EQ(orders.pending(), pending_writes{});
  must(orders.save({"1", "anna", 1, {}}));
  must(rows.of<order>("others").save({"2", "bert", 1, {}}));
  rows.clear();
  must(orders.save({"1", "anna", 1, {}}));
  must(rows.of<order>("others").save({"2", "bert", 1, {}}));
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(stored(), texts{"1"});
  EXPECT_EQ(ids_of(models.of<order>("others").find_all()), texts{"2"});
}

TEST_P(Flush, StopsAtTheFirstFailureAndKeepsTheRest) {
  for (const char* id : {"5", "4", "3", "2"}) must(orders.save({id, "anna", 1, {}}));
  storage->fail({"3"});
  const auto failed = rows.flush("batch 12");
  ASSERT_FALSE(failed);
  const auto& why = failed.error();
  EXPECT_EQ(why.operation, "save");
  EXPECT_EQ(why.id, "3");
  EXPECT_EQ(why.table, table());
  EXPECT_EQ(why.repository, "orders");
  EXPECT_EQ(why.model, "order");
  EXPECT_EQ(why.context, "batch 12");
  EXPECT_EQ(why.cause, (error{errc::unavailable, "the test says no"}));
  const error whole = why;
  EXPECT_EQ(whole.code, errc::unavailable);
  EXPECT_EQ(whole.message, "cannot save order \"3\" of \"orders\" in " + table() +
                               " (batch 12): the test says no");
  EXPECT_EQ(orders.pending(), (pending_writes{{}, {"3", "2"}}));
  EXPECT_EQ(stored(), (texts{"4", "5"}));
  storage->fail({});
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(stored(), (texts{"2", "3", "4", "5"}));
}

TEST_P(Flush, RemovesBeforeItSaves) {
  for (const char* id : {"1", "2", "3"}) must(orders.save({id, "anna", 1, {}}));
  EXPECT_TRUE(rows.flush());
  must(orders.save({"4", "anna", 1, {}}));
  must(orders.remove("3"));
  must(orders.remove("1"));
  storage->fail({"1"});
  const auto failed = rows.flush();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().operation, "remove");
  EXPECT_EQ(failed.error().id, "1");
  EXPECT_EQ(orders.pending(), (pending_writes{{"1"}, {"4"}}));
  EXPECT_EQ(stored(), (texts{"1", "2"}));
  EXPECT_EQ(must(orders.find("3")), nullptr);
  storage->fail({});
  EXPECT_TRUE(rows.flush());
  EXPECT_EQ(stored(), (texts{"2", "4"}));
}

TEST_P(Flush, AStorageThatCannotBeReachedIsAFailureOfTheFirst) {
  must(orders.save({"1", "anna", 1, {}}));
  must(store.close(std::chrono::seconds{60}));
  const auto failed = rows.flush();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().id, "1");
  EXPECT_EQ(failed.error().table, "");
  EXPECT_EQ(failed.error().cause.code, errc::pool_closed);
  EXPECT_EQ(orders.pending(), (pending_writes{{}, {"1"}}));
}

TEST_P(Flush, ItsRoomIsBoundedInModels) {
  for (int i = 0; i < 100'000; ++i) must(orders.remove(std::to_string(i)));
  EXPECT_EQ(code_of(orders.remove("x")), "overloaded");
  EXPECT_EQ(code_of(orders.save({"x", "anna", 1, {}})), "overloaded");
  must(orders.save({"7", "anna", 1, {}}));
  rows.clear();
  must(orders.remove("x"));
}

TEST_P(Flush, ItsRoomIsBoundedInBytes) {
  if (kind() != "memory") GTEST_SKIP() << "the storage has no part in it";
  const std::string large(60 << 20, 'x');
  for (int i = 0; i < 4; ++i) must(orders.save({std::to_string(i), large, 1, {}}));
  EXPECT_EQ(code_of(orders.save({"4", large, 1, {}})), "overloaded");
  must(orders.save({"3", "small", 1, {}}));
  must(orders.save({"4", large, 1, {}}));
  must(orders.remove("1"));
  must(orders.save({"5", large, 1, {}}));
  EXPECT_EQ(code_of(orders.save({"6", large, 1, {}})), "overloaded");
}

TEST_P(Flush, OnASessionItIsAPartOfTheTransaction) {
  if (!has_sql()) GTEST_SKIP() << "no transactions";
  const auto session = must(store.open_session());
  deferred_read_models own{*session};
  auto& mine = own.of<order>("orders");
  const auto failed = transactional(*session, [&](nexus::session& s) -> result<void> {
    must(mine.save({"1", "anna", 1, {}}));
    if (auto done = own.flush(s, "batch"); !done) return fail(done.error());
    EXPECT_EQ(mine.pending(), pending_writes{});
    return fail(errc::rejected, "rolled back");
  });
  EXPECT_EQ(message_of(failed), "rolled back");
  EXPECT_TRUE(must(mine.find("1"))) << "the object of what was rolled back is still here";
  own.clear();
  EXPECT_EQ(must(mine.find("1")), nullptr);
  must(transactional(*session, [&](nexus::session& s) -> result<void> {
    must(mine.save({"1", "anna", 1, {}}));
    if (auto done = own.flush(s); !done) return fail(done.error());
    return {};
  }));
  EXPECT_EQ(stored(), texts{"1"});
}

TEST_P(Flush, MayBeBoundToASessionLater) {
  if (!has_sql()) GTEST_SKIP() << "no transactions";
  must(orders.save({"1", "anna", 1, {}}));
  const auto session = must(store.open_session());
  must(session->begin(isolation::read_committed, false));
  EXPECT_TRUE(rows.flush(*session));
  must(session->rollback());
  EXPECT_EQ(stored(), texts{});
}

TEST_P(Flush, AFailureWithinATransactionEndsIt) {
  if (!has_sql()) GTEST_SKIP() << "no transactions";
  const auto session = must(store.open_session());
  must(session->execute("CREATE TABLE rows_refused (id text PRIMARY KEY CHECK (length(id) < 3))"));
  deferred_read_models own{*session};
  auto& mine = own.of<order>("orders");
  const auto failed = transactional(*session, [&](nexus::session& s) -> result<void> {
    must(mine.save({"1", "anna", 1, {}}));
    EXPECT_FALSE(s.execute("INSERT INTO rows_refused VALUES ('long')"));
    auto done = own.flush(s);
    EXPECT_FALSE(done);
    return done ? result<void>{} : fail(done.error());
  });
  EXPECT_EQ(code_of(failed), "constraint_violated");
  EXPECT_EQ(mine.pending(), (pending_writes{{}, {"1"}}));
  EXPECT_EQ(stored(), texts{});
}

NEXUS_FOR_EVERY_STORE(Flush);

}  // namespace
}  // namespace nexus::test
