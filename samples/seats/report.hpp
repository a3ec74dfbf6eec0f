// What lists and reports read: rows that a projection makes of the events of all shows.
//
//   takings    a read model: a row per show, found by its id or read as a whole
//   bookings   a customer's bookings, page by page: a SQL table, or on DynamoDB a read model
//
// Both are stored together with how far the projection is, so each event counts exactly once,
// whatever crashes, and however many processes run.
//
// Threads: any; `wait` and the lists block. Failures: those of the storage.
#pragma once

#include <chrono>
#include <nexus/nexus.hpp>
#include <nexus/projection.hpp>
#include <nexus/read_models.hpp>
#include <string>
#include <vector>

#include "show.hpp"

namespace seats {

/// What a show has sold.
struct takings {
  static constexpr std::string_view type_name = "takings";
  std::string id;  ///< of the show
  std::string title{};
  std::int64_t seats = 0;
  std::int64_t sold = 0;
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(id, title, seats, sold, cents)
};

struct booking_row {
  std::string id;
  std::string show;
  std::string title;
  std::int64_t seats = 0;
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(id, show, title, seats, cents)
};

class report {
 public:
  /// Makes the table, and begins to follow the events.
  [[nodiscard]] static nexus::result<std::unique_ptr<report>> start(nexus::system& sys,
                                                                    const nexus::store& journal);

  /// Every show by its id. Reads all rows: there are few shows.
  [[nodiscard]] nexus::result<std::vector<takings>> shows() const;

  /// At most `max` bookings of a customer, by their ids, which are those after `after`.
  [[nodiscard]] nexus::result<std::vector<booking_row>> bookings(const std::string& customer,
                                                                 const std::string& after,
                                                                 std::int64_t max) const;

  /// Throws the rows away, and begins again from the first event.
  [[nodiscard]] nexus::result<void> rebuild() const { return projection_.rebuild(); }

 private:
  report(nexus::system& sys, const nexus::store& journal, bool with_sql);

  nexus::result<std::vector<booking_row>> bookings_without_sql(const std::string& customer,
                                                               const std::string& after,
                                                               std::int64_t max) const;

  // Waits for everything stored before, so that a customer sees a booking just made.
  nexus::result<void> wait() const;

  nexus::store journal_;
  bool with_sql_;
  nexus::projection<show> projection_;
};

}  // namespace seats
