// The code of docs/readmodels.md, compiled and run.
#include <gtest/gtest.h>

#include <nexus/deferred_read_models.hpp>
#include <nexus/nexus.hpp>
#include <nexus/read_models.hpp>
#include <nexus/transaction.hpp>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace {

struct booking {
  static constexpr std::string_view type_name = "booking";
  std::string id;
  std::string customer;
  std::int64_t cents = 0;
  std::vector<std::string> seats;
  MSGPACK_DEFINE_MAP(id, customer, cents, seats)
};

// What a customer has booked, from the index.
nexus::result<std::int64_t> spent(const nexus::repository<booking>& bookings,
                                  const std::string& customer) {
  auto found = bookings.find_by({{"customer", customer}});
  if (!found) return nexus::fail(found.error());
  std::int64_t cents = 0;
  for (const booking& one : *found) cents += one.cents;
  return cents;
}

struct booked {
  std::string booking_id, customer, seat;
  std::int64_t cents = 0;
};

// Adds a batch of events to the bookings, within the transaction of the session.
nexus::result<void> add(nexus::session& session, const std::vector<booked>& batch) {
  nexus::deferred_read_models rows{session};
  auto& bookings = rows.of<booking>("bookings", {.indexes = {"customer"}});
  for (const booked& e : batch) {
    auto row = bookings.find(e.booking_id);  // the same object each time
    if (!row) return nexus::fail(row.error());
    booking now = *row ? **row : booking{e.booking_id, e.customer, 0, {}};
    now.cents += e.cents;
    now.seats.push_back(e.seat);
    if (auto done = bookings.save(now); !done) return done;
  }
  if (auto done = rows.flush("bookings"); !done) return nexus::fail(done.error());
  return {};
}

class ReadModelsPage : public testing::Test {
 protected:
  nexus::test::temporary_folder folder;
  nexus::result<nexus::store> store = nexus::open("sqlite:" + folder.path("seats.db"));
};

TEST_F(ReadModelsPage, SavesAndFinds) {
  nexus::read_models models{*store};
  auto bookings = models.of<booking>("bookings", {.indexes = {"customer"}});

  EXPECT_TRUE(bookings.save({"7", "anna", 2'500, {"A1", "A2"}}));
  EXPECT_TRUE(bookings.save({"8", "bert", 1'000, {"B4"}}));

  auto one = bookings.find("7");
  ASSERT_TRUE(one && *one);
  EXPECT_EQ((*one)->customer, "anna");

  auto with_a1 = bookings.find_by({{"seats", "A1"}, {"customer", "anna"}});
  EXPECT_EQ(with_a1->size(), 1u);
  auto in_order = bookings.find_by({{"id", {"8", "x", "7"}}});
  EXPECT_EQ(in_order->front().id, "8");

  EXPECT_EQ(spent(bookings, "anna"), 2'500);
  EXPECT_EQ(bookings.find_by({{"custmer", "anna"}}).error().message,
            "field \"custmer\" of booking is unknown");
  EXPECT_EQ(bookings.remove("8"), true);
}

TEST_F(ReadModelsPage, IndexesWhatIsThereAlready) {
  nexus::read_models models{*store};
  EXPECT_TRUE(models.of<booking>("bookings").save({"7", "anna", 2'500, {}}));

  auto bookings = models.of<booking>("bookings", {.indexes = {"customer"}});
  EXPECT_EQ(spent(bookings, "anna"), 2'500);  // reads the whole collection, with a warning
  EXPECT_EQ(bookings.reindex(), 1u);
  EXPECT_EQ(spent(bookings, "anna"), 2'500);  // reads one row
}

TEST_F(ReadModelsPage, WritesABatchInATransaction) {
  auto session = store->open_session();
  auto done = nexus::transactional(**session, [](nexus::session& s) {
    return add(s, {{"7", "anna", "A1", 1'000}, {"8", "bert", "B4", 900}, {"7", "anna", "A2", 500}});
  });
  ASSERT_TRUE(done);
  auto bookings = nexus::read_models{*store}.of<booking>("bookings");
  EXPECT_EQ(spent(bookings, "anna"), 1'500);
}

TEST_F(ReadModelsPage, StagesUntilAFlush) {
  nexus::deferred_read_models rows{*store};
  auto& bookings = rows.of<booking>("bookings");

  booking one{"7", "anna", 1'000, {}};
  EXPECT_TRUE(bookings.save(one));
  one.cents = 0;  // not saved
  EXPECT_TRUE(bookings.remove("8"));
  EXPECT_EQ(bookings.pending(), (nexus::pending_writes{.removes = {"8"}, .saves = {"7"}}));
  EXPECT_EQ(bookings.find_all()->front()->cents, 1'000);

  nexus::flush_result written = rows.flush("by hand");
  if (!written) std::cerr << written.error().message() << '\n';
  EXPECT_TRUE(written);
}

TEST_F(ReadModelsPage, MayBeMadeByHand) {
  auto session = store->open_session();
  nexus::repository<booking> bookings{*(*session)->documents(), "bookings"};
  EXPECT_TRUE(bookings.save({"7", "anna", 2'500, {}}));
  EXPECT_TRUE(bookings.find("7"));
}

}  // namespace
