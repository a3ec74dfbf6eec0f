// Units of work in handlers.
#include <nexus/unit_of_work.hpp>

#include "temporary_folder.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct guest {
  std::int64_t id = 0;
  std::string name{};
  MSGPACK_DEFINE_MAP(id, name)
};

struct Units : Web {
  Units() {
    accounts.reset();
    store.emplace(*nexus::open("sqlite:" + folder.path("web.db")));
    accounts.emplace(sys, *store);
    guests.generated_key("id");
    auto session = store->open_session();
    EXPECT_TRUE(
        (*session)->execute("CREATE TABLE guests (id integer PRIMARY KEY, name text "
                            "NOT NULL UNIQUE)"));
  }
  std::int64_t count() {
    auto session = store->open_session();
    return (*session)->query<std::int64_t>("SELECT count(*) FROM guests")->front();
  }

  temporary_folder folder;
  mapping<guest> guests{"guests"};
};

TEST_F(Units, OfATransactionalHandlerIsFlushedBeforeTheCommit) {
  make().post("/guests/{name}",
              http::transactional([&](const http::request& r, unit_of_work& work) {
                work.add(guests, guest{.name = std::string{r.param("name")}});
              }));
  start();
  auto c = client();
  EXPECT_EQ(c.post("/guests/ann", "", "text/plain")->status, 204);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(c.post("/guests/ann", "", "text/plain")->status, 409);
  EXPECT_EQ(count(), 1);
}

TEST_F(Units, IsNotFlushedIfTheHandlerRefuses) {
  make().post("/guests", http::transactional([&](unit_of_work& work) -> http::response {
                work.add(guests, guest{.name = "ann"});
                return http::response::text("no", 422);
              }));
  start();
  EXPECT_EQ(client().post("/guests", "", "text/plain")->status, 422);
  EXPECT_EQ(count(), 0);
}

TEST_F(Units, IsOneOfTheRequestAndUsesItsSession) {
  make().get("/guests", [&](unit_of_work& first, session& db, unit_of_work& second) {
    return &first == &second && &first.on() == &db && first.size() == 0
               ? http::response::text("same")
               : http::response::text("other", 500);
  });
  start();
  auto c = client();
  EXPECT_EQ(c.get("/guests")->status, 200);
  EXPECT_EQ(c.get("/guests")->status, 200);
}

TEST_F(Units, WithoutATransactionTheHandlerFlushes) {
  make().post("/guests", [&](unit_of_work& work) -> result<void> {
    work.add(guests, guest{.name = "ann"});
    return work.flush();
  });
  start();
  EXPECT_EQ(client().post("/guests", "", "text/plain")->status, 204);
  EXPECT_EQ(count(), 1);
}

}  // namespace
