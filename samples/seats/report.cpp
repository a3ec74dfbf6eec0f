#include "report.hpp"

#include <nexus/deferred_read_models.hpp>
#include <nexus/projection_storage.hpp>

namespace seats {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;  // longer than the lease, after which a killed process is replaced
constexpr const char* shows_name = "shows";
constexpr const char* bookings_name = "bookings";

nexus::result<void> run(nexus::result<nexus::sql_rows> done) {
  if (!done) return nexus::fail(std::move(done.error()));
  return {};
}

nexus::result<void> make_table(nexus::session& db) {
  auto made =
      run(db.execute("CREATE TABLE IF NOT EXISTS bookings ("
                     "customer text NOT NULL, id text NOT NULL, show text NOT NULL, "
                     "title text NOT NULL, seats bigint NOT NULL, cents bigint NOT NULL, "
                     "PRIMARY KEY (id, show))"));
  if (!made) return made;
  return run(
      db.execute("CREATE INDEX IF NOT EXISTS bookings_of_customer ON bookings (customer, id)"));
}

// A booking where there is no SQL.
struct booking_model {
  static constexpr std::string_view type_name = "booking";
  std::string id;  // of the booking and the show
  std::string customer{};
  booking_row row{};
  MSGPACK_DEFINE_MAP(id, customer, row)

  static std::string id_of(const std::string& booking, const std::string& show) {
    return booking + " " + show;
  }
};

// Where the events of a batch are counted.
struct lists {
  nexus::session& db;
  nexus::deferred_read_models models{db};

  nexus::result<void> add(const std::string& customer, const booking_row& one) {
    if (db.has_sql()) {
      return run(
          db.execute("INSERT INTO bookings (customer, id, show, title, seats, cents) "
                     "VALUES ($1, $2, $3, $4, $5, $6)",
                     customer, one.id, one.show, one.title, one.seats, one.cents));
    }
    return bookings().save(booking_model{booking_model::id_of(one.id, one.show), customer, one});
  }
  nexus::result<void> remove(const std::string& booking, const std::string& show) {
    if (!db.has_sql()) return bookings().remove(booking_model::id_of(booking, show));
    return run(db.execute("DELETE FROM bookings WHERE id = $1 AND show = $2", booking, show));
  }

 private:
  nexus::deferred_repository<booking_model>& bookings() {
    return models.of<booking_model>(bookings_name, {.indexes = {"customer"}});
  }
};

// One event: changes the show's row, and the bookings.
nexus::result<void> add(lists&, takings& row, const show::opened& e) {
  row.title = e.title;
  row.seats = e.seats;
  return {};
}

// The report counts what is paid.
nexus::result<void> add(lists&, takings&, const show::held&) { return {}; }
nexus::result<void> add(lists&, takings&, const show::released&) { return {}; }

nexus::result<void> add(lists& to, takings& row, const show::booked& e) {
  const auto count = static_cast<std::int64_t>(e.seats.size());
  row.sold += count;
  row.cents += e.cents;
  return to.add(e.customer, {e.booking, row.id, row.title, count, e.cents});
}

nexus::result<void> add(lists& to, takings& row, const show::cancelled& e) {
  row.sold -= e.seats;
  row.cents -= e.cents;
  return to.remove(e.booking, row.id);
}

nexus::result<void> add_all(nexus::session& db, std::span<const nexus::projected<show>> events) {
  lists to{db};
  auto& shows = to.models.of<takings>(shows_name);
  for (const auto& e : events) {
    auto row = shows.find(e.id);
    if (!row) return nexus::fail(std::move(row.error()));
    if (!*row) *row = std::make_shared<takings>(takings{.id = e.id});
    auto added = std::visit([&](const auto& one) { return add(to, **row, one); }, e.event);
    if (!added) return added;
    if (auto kept = shows.save(*row); !kept) return kept;
  }
  if (auto written = to.models.flush("the report"); !written) return nexus::fail(written.error());
  return {};
}

nexus::result<void> remove_all(nexus::session& db) {
  auto removed = nexus::read_models{db}.of<takings>(shows_name).remove_all();
  if (!removed) return nexus::fail(std::move(removed.error()));
  if (db.has_sql()) return run(db.execute("DELETE FROM bookings"));
  auto others = nexus::read_models{db}.of<booking_model>(bookings_name).remove_all();
  if (!others) return nexus::fail(std::move(others.error()));
  return {};
}

// Nothing for a database without SQL; one that keeps no documents is refused.
nexus::result<void> prepare(nexus::session& db) {
  if (db.has_sql()) return make_table(db);
  auto* const offsets = db.projections();
  if (db.documents() != nullptr && offsets != nullptr && offsets->together_max() > 0) return {};
  return nexus::fail(nexus::errc::invalid_argument,
                     "it does not store lists together with how far they are");
}

}  // namespace

report::report(nexus::system& sys, const nexus::store& journal, bool with_sql)
    : journal_{journal},
      with_sql_{with_sql},
      projection_{
          sys, journal, "report", add_all, {.version = 1, .lease = 3s, .on_rebuild = remove_all}} {}

nexus::result<std::unique_ptr<report>> report::start(nexus::system& sys,
                                                     const nexus::store& journal) {
  if (auto made = journal.sessions().with(prepare); !made) return nexus::fail(made.error());
  auto lent = journal.sessions().borrow();
  if (!lent) return nexus::fail(std::move(lent.error()));
  return std::unique_ptr<report>{new report{sys, journal, (*lent)->has_sql()}};
}

nexus::result<void> report::wait() const {
  if (auto done = projection_.caught_up(patience); !done) {
    return nexus::fail(nexus::errc::unavailable, done.error().message);
  }
  return {};
}

nexus::result<std::vector<takings>> report::shows() const {
  if (auto done = wait(); !done) return nexus::fail(std::move(done.error()));
  return nexus::read_models{journal_}.of<takings>(shows_name).find_all();
}

nexus::result<std::vector<booking_row>> report::bookings(const std::string& customer,
                                                         const std::string& after,
                                                         std::int64_t max) const {
  if (auto done = wait(); !done) return nexus::fail(std::move(done.error()));
  if (!with_sql_) return bookings_without_sql(customer, after, max);
  auto rows = journal_.sessions().with([&](nexus::session& db) {
    return db.query<std::string, std::string, std::string, std::int64_t, std::int64_t>(
        "SELECT id, show, title, seats, cents FROM bookings WHERE customer = $1 AND id > $2 "
        "ORDER BY id LIMIT $3",
        customer, after, max);
  });
  if (!rows) return nexus::fail(std::move(rows.error()));
  std::vector<booking_row> found;
  for (auto& [id, show, title, seats, cents] : *rows) {
    found.push_back({std::move(id), std::move(show), std::move(title), seats, cents});
  }
  return found;
}

nexus::result<std::vector<booking_row>> report::bookings_without_sql(const std::string& customer,
                                                                     const std::string& after,
                                                                     std::int64_t max) const {
  auto all = nexus::read_models{journal_}
                 .of<booking_model>(bookings_name, {.indexes = {"customer"}})
                 .find_by({{"customer", customer}});
  if (!all) return nexus::fail(std::move(all.error()));
  std::vector<booking_row> found;
  for (auto& one : *all) {  // in the order of their ids
    if (one.row.id <= after) continue;
    if (static_cast<std::int64_t>(found.size()) == max) break;
    found.push_back(std::move(one.row));
  }
  return found;
}

}  // namespace seats
