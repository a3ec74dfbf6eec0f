// The code of docs/mapper.md, compiled and run.
#include <gtest/gtest.h>

#include <nexus/mapper.hpp>
#include <nexus/nexus.hpp>
#include <nexus/unit_of_work.hpp>
#include <optional>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace {

enum class order_status { open, paid };

struct order_line {
  std::int64_t id = 0;
  std::int64_t order_id = 0;
  std::string sku{};
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(id, order_id, sku, cents)
};

struct order {
  std::int64_t id = 0;
  std::string customer{};
  order_status status = order_status::open;
  std::optional<std::string> note{};
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(id, customer, status, note, version)

  std::vector<order_line> lines{};  // no column: see Relations
  std::int64_t line_count = 0;
};

nexus::mapping<order_line> line_mapping() {
  nexus::mapping<order_line> lines{"order_lines"};
  lines.generated_key("id");
  return lines;
}

nexus::mapping<order> order_mapping(const nexus::mapping<order_line>& lines) {
  nexus::mapping<order> orders{"orders"};
  orders.generated_key("id").column("customer", "customer_name").version("version").timestamps();
  orders.has_many("lines", &order::lines, lines, {"order_id"}, &order::line_count);
  orders.scope("open", [](nexus::row_filter& f) {
    f.where("status", nexus::is::equals, order_status::open);
  });
  orders.validate("customer", [](const order& o) { return o.customer.empty() ? "is empty" : ""; });
  orders.updating("no second payment", [](order& o) { return o.note != "closed"; });
  return orders;
}

TEST(MapperPage, FromMappingToUnitOfWork) {
  nexus::test::temporary_folder folder;
  nexus::store store = nexus::open("sqlite:" + folder.path("shop.db")).value();
  auto session = store.open_session().value();
  nexus::session& s = *session;
  ASSERT_TRUE(
      s.execute("CREATE TABLE orders (id integer PRIMARY KEY, customer_name text NOT NULL, "
                "status integer NOT NULL, note text, version integer NOT NULL, created_at text, "
                "updated_at text)"));
  ASSERT_TRUE(
      s.execute("CREATE TABLE order_lines (id integer PRIMARY KEY, order_id integer NOT NULL "
                "REFERENCES orders (id), sku text NOT NULL, cents integer NOT NULL)"));
  const auto lines = line_mapping();
  const auto orders = order_mapping(lines);

  auto fits = orders.check(s);
  EXPECT_TRUE(fits) << fits.error().message;

  nexus::mapper<order> all{s, orders};
  order one{.customer = "ann"};
  EXPECT_EQ(all.store(one).what, nexus::stored_as::inserted);  // one.id is set
  one.note = "gift";
  EXPECT_EQ(all.store(one).what, nexus::stored_as::updated);    // SET note, version and updated_at
  EXPECT_EQ(all.store(one).what, nexus::stored_as::unchanged);  // no statement

  std::vector<order> some{{.customer = "bob"}, {.customer = ""}};
  nexus::store_report done = all.store(some);
  EXPECT_EQ(done.items[0].what, nexus::stored_as::undone);
  EXPECT_EQ(done.items[1].what, nexus::stored_as::failed);
  EXPECT_EQ(done.items[1].violations, (std::vector<nexus::violation>{{"customer", "is empty"}}));
  EXPECT_EQ(some[0].id, 0);

  nexus::mapper<order> other{s, orders};
  auto theirs = other.find_or_error(one.id).value();
  theirs.note = "theirs";
  EXPECT_TRUE(other.store(theirs));
  one.note = "mine";
  auto lost = all.store(one);
  EXPECT_EQ(lost.error().code, nexus::errc::conflict);
  EXPECT_EQ(lost.conflict, (nexus::version_conflict{2, 3}));

  auto found = all.where("status", nexus::is::equals, order_status::open)
                   .where("customer", nexus::is::starts_with, "a")
                   .order("id", nexus::direction::descending)
                   .limit(10)
                   .get();
  EXPECT_EQ(found->size(), 1u);
  EXPECT_EQ(all.find(one.id).value()->customer, "ann");
  EXPECT_EQ(all.find_or_error(77).error().code, nexus::errc::not_found);
  EXPECT_EQ(all.all().scope("open").page(1, 20)->total, 1);

  nexus::mapper<order_line> all_lines{s, lines};
  order_line line{.order_id = one.id, .sku = "tea", .cents = 300};
  EXPECT_TRUE(all_lines.store(line));
  auto loaded = all.all().with("lines").with_count("lines").get().value();
  EXPECT_EQ(loaded.front().lines.front().sku, "tea");
  EXPECT_EQ(loaded.front().line_count, 1);

  std::vector<order> imported{{.customer = "cy"}, {.customer = "dan"}};
  EXPECT_EQ(all.bulk_insert(imported).value(), 2);
  EXPECT_EQ(all.where("customer", nexus::is::equals, "cy")
                .bulk_update({{"status", order_status::paid}})
                .value(),
            1);

  nexus::unit_of_work work{s};
  auto* paid = work.find(orders, one.id).value();
  paid->status = order_status::paid;
  auto& added = work.add(orders, order{.customer = "eve"});
  auto& first = work.add(lines, order_line{.sku = "cup"});
  work.link(first, "order_id", added);  // the key is still to come
  auto flushed = work.flush();
  EXPECT_TRUE(flushed) << flushed.error().message;
  EXPECT_EQ(first.order_id, added.id);
}

}  // namespace
