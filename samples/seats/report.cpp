#include "report.hpp"

#include <nexus/deferred_read_models.hpp>

namespace seats {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;  // longer than the lease, after which a killed process is replaced
constexpr const char* shows_name = "shows";

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

// One event: changes the show's row, and the table.
nexus::result<void> add(nexus::session&, takings& row, const show::opened& e) {
  row.title = e.title;
  row.seats = e.seats;
  return {};
}

// The report counts what is paid.
nexus::result<void> add(nexus::session&, takings&, const show::held&) { return {}; }
nexus::result<void> add(nexus::session&, takings&, const show::released&) { return {}; }

nexus::result<void> add(nexus::session& db, takings& row, const show::booked& e) {
  const auto count = static_cast<std::int64_t>(e.seats.size());
  row.sold += count;
  row.cents += e.cents;
  return run(
      db.execute("INSERT INTO bookings (customer, id, show, title, seats, cents) "
                 "VALUES ($1, $2, $3, $4, $5, $6)",
                 e.customer, e.booking, row.id, row.title, count, e.cents));
}

nexus::result<void> add(nexus::session& db, takings& row, const show::cancelled& e) {
  row.sold -= e.seats;
  row.cents -= e.cents;
  return run(db.execute("DELETE FROM bookings WHERE id = $1 AND show = $2", e.booking, row.id));
}

nexus::result<void> add_all(nexus::session& db, std::span<const nexus::projected<show>> events) {
  nexus::deferred_read_models models{db};
  auto& shows = models.of<takings>(shows_name);
  for (const auto& e : events) {
    auto row = shows.find(e.id);
    if (!row) return nexus::fail(std::move(row.error()));
    if (!*row) *row = std::make_shared<takings>(takings{.id = e.id});
    auto added = std::visit([&](const auto& one) { return add(db, **row, one); }, e.event);
    if (!added) return added;
    if (auto kept = shows.save(*row); !kept) return kept;
  }
  if (auto written = models.flush("the report"); !written) return nexus::fail(written.error());
  return {};
}

nexus::result<void> remove_all(nexus::session& db) {
  auto removed = nexus::read_models{db}.of<takings>(shows_name).remove_all();
  if (!removed) return nexus::fail(std::move(removed.error()));
  return run(db.execute("DELETE FROM bookings"));
}

}  // namespace

report::report(nexus::system& sys, const nexus::store& journal)
    : journal_{journal},
      projection_{
          sys, journal, "report", add_all, {.version = 1, .lease = 3s, .on_rebuild = remove_all}} {}

nexus::result<std::unique_ptr<report>> report::start(nexus::system& sys,
                                                     const nexus::store& journal) {
  if (auto made = journal.sessions().with(make_table); !made) return nexus::fail(made.error());
  return std::unique_ptr<report>{new report{sys, journal}};
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

}  // namespace seats
