// A show: its seats, who has booked which, and for whom which are held until they are paid.
//
// Pure: no clock, no I/O, no actor. tests/samples/seats_test.cpp needs no runtime.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <nexus/nexus.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace seats {

struct show {
  static constexpr std::string_view entity_type = "show";

  static constexpr std::int64_t seats_max = 10'000;
  static constexpr std::int64_t cents_max = 100'000'000;  // a seat
  static constexpr std::size_t text_bytes_max = 200;      // a title, a customer
  static constexpr std::int64_t hold_seconds_max = 86'400;

  /// Answers nothing. Opening a show again as it is changes nothing.
  struct open {
    std::string title;
    std::int64_t seats = 0;
    std::int64_t cents = 0;  ///< the price of a seat
  };
  /// Keeps the seats for a customer who has not paid yet. Answers until when: then they are free
  /// again, unless they were booked. The same hold again gets the same answer.
  struct hold {
    std::string booking;  ///< an id that the caller chooses
    std::string customer;
    std::vector<std::int64_t> seats;  ///< from 1
    std::int64_t seconds = 0;
  };
  /// Answers the price. The same booking again gets the same answer. A booking that is held is
  /// booked as it is held.
  struct book {
    std::string booking;
    std::string customer;
    std::vector<std::int64_t> seats;
  };
  /// The seats are free again. Nothing happens if there is no such booking or hold.
  struct cancel {
    std::string booking;
  };
  /// Frees the seats of the holds whose time is over: the command of the alarm.
  struct expire {};
  /// Answers the state.
  struct look {};
  using command = std::variant<open, hold, book, cancel, expire, look>;

  struct opened {
    static constexpr std::string_view type_name = "opened";
    std::string title;
    std::int64_t seats = 0;
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(title, seats, cents)
    friend bool operator==(const opened&, const opened&) = default;
  };
  struct held {
    static constexpr std::string_view type_name = "held";
    std::string booking;
    std::string customer;
    std::vector<std::int64_t> seats;
    nexus::timestamp until{};
    MSGPACK_DEFINE_MAP(booking, customer, seats, until)
    friend bool operator==(const held&, const held&) = default;
  };
  /// The time of a hold is over, or it was cancelled.
  struct released {
    static constexpr std::string_view type_name = "released";
    std::string booking;
    MSGPACK_DEFINE_MAP(booking)
    friend bool operator==(const released&, const released&) = default;
  };
  struct booked {
    static constexpr std::string_view type_name = "booked";
    std::string booking;
    std::string customer;
    std::vector<std::int64_t> seats;
    std::int64_t cents = 0;  ///< for all of them
    MSGPACK_DEFINE_MAP(booking, customer, seats, cents)
    friend bool operator==(const booked&, const booked&) = default;
  };
  struct cancelled {
    static constexpr std::string_view type_name = "cancelled";
    std::string booking;
    std::int64_t seats = 0;  ///< how many are free again
    std::int64_t cents = 0;  ///< that are paid back
    MSGPACK_DEFINE_MAP(booking, seats, cents)
    friend bool operator==(const cancelled&, const cancelled&) = default;
  };
  using event = std::variant<opened, held, released, booked, cancelled>;

  struct state {
    static constexpr std::uint32_t schema_version = 2;
    opened as;  ///< 0 seats: it is not open
    std::map<std::string, booked> bookings;
    std::map<std::string, held> holds;
    std::map<std::int64_t, std::string> taken;  ///< seat to booking, or to hold
    MSGPACK_DEFINE_MAP(as, bookings, holds, taken)

    static void upcast(nexus::from_version<1>, nexus::document& d) {
      d.set("holds", std::map<std::string, held>{});
    }
  };

  /// Wakes the show when the time of the first hold is over.
  static std::optional<nexus::alarm<show>> alarm(const state& s) {
    if (s.holds.empty()) return std::nullopt;
    const auto sooner = [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    };
    const auto first = std::min_element(s.holds.begin(), s.holds.end(), sooner);
    return nexus::alarm<show>{first->second.until, expire{}};
  }

  static nexus::effect<show> decide(const state& s, const open& c) {
    const opened wanted{c.title, c.seats, c.cents};
    if (s.as == wanted) return nexus::none();
    if (s.as.seats > 0) return nexus::reject("the show is open already");
    if (auto why = fault_of_text("title", c.title); !why.empty()) return nexus::reject(why);
    if (c.seats < 1 || c.seats > seats_max)
      return nexus::reject(outside("seats", c.seats, 1, seats_max));
    if (c.cents < 0 || c.cents > cents_max)
      return nexus::reject(outside("cents", c.cents, 0, cents_max));
    return nexus::persist(wanted);
  }

  static nexus::effect<show, nexus::timestamp> decide(const state& s, const hold& c,
                                                      const nexus::context& at) {
    if (s.bookings.contains(c.booking)) return nexus::reject("it is booked already");
    if (const auto known = s.holds.find(c.booking); known != s.holds.end()) {
      return nexus::reply(known->second.until);
    }
    if (c.seconds < 1 || c.seconds > hold_seconds_max) {
      return nexus::reject(outside("seconds", c.seconds, 1, hold_seconds_max));
    }
    auto wanted = free_seats(s, c.customer, c.seats);
    if (!wanted) return nexus::reject(wanted.error().message);
    const auto until = at.now() + std::chrono::seconds{c.seconds};
    return nexus::persist(held{c.booking, c.customer, std::move(*wanted), until})
        .then_reply([until](const state&) { return until; });
  }

  static nexus::effect<show, std::int64_t> decide(const state& s, const book& c) {
    if (const auto known = s.bookings.find(c.booking); known != s.bookings.end()) {
      return nexus::reply(known->second.cents);
    }
    booked made{c.booking, c.customer, c.seats, 0};
    if (const auto known = s.holds.find(c.booking); known != s.holds.end()) {
      made.customer = known->second.customer;
      made.seats = known->second.seats;
    } else if (c.customer.empty() && c.seats.empty()) {
      return nexus::reject("nothing is held as \"" + c.booking + "\"; its time may be over");
    } else {
      auto wanted = free_seats(s, c.customer, c.seats);
      if (!wanted) return nexus::reject(wanted.error().message);
      made.seats = std::move(*wanted);
    }
    made.cents = s.as.cents * static_cast<std::int64_t>(made.seats.size());
    return nexus::persist(made).then_reply([cents = made.cents](const state&) { return cents; });
  }

  static nexus::effect<show> decide(const state& s, const cancel& c) {
    if (s.holds.contains(c.booking)) return nexus::persist(released{c.booking});
    const auto known = s.bookings.find(c.booking);
    if (known == s.bookings.end()) return nexus::none();
    const auto& [booking, customer, seats, cents] = known->second;
    return nexus::persist(cancelled{booking, static_cast<std::int64_t>(seats.size()), cents});
  }

  static nexus::effect<show> decide(const state& s, const expire&, const nexus::context& at) {
    std::vector<released> over;
    for (const auto& [booking, one] : s.holds) {
      if (one.until <= at.now()) over.push_back({booking});
    }
    return nexus::persist(std::move(over));
  }

  static auto decide(const state& s, const look&) { return nexus::reply(s); }

  static void apply(state& s, const opened& e) { s.as = e; }
  static void apply(state& s, const held& e) {
    for (const auto seat : e.seats) s.taken[seat] = e.booking;
    s.holds[e.booking] = e;
  }
  static void apply(state& s, const released& e) {
    for (const auto seat : s.holds[e.booking].seats) s.taken.erase(seat);
    s.holds.erase(e.booking);
  }
  static void apply(state& s, const booked& e) {
    for (const auto seat : e.seats) s.taken[seat] = e.booking;
    s.bookings[e.booking] = e;
    s.holds.erase(e.booking);
  }
  static void apply(state& s, const cancelled& e) {
    for (const auto seat : s.bookings[e.booking].seats) s.taken.erase(seat);
    s.bookings.erase(e.booking);
  }

 private:
  /// The seats in their order, without repeats; or why the customer cannot have them.
  static nexus::result<std::vector<std::int64_t>> free_seats(const state& s,
                                                             const std::string& customer,
                                                             std::vector<std::int64_t> wanted) {
    auto no = [](std::string why) { return nexus::fail(nexus::errc::rejected, std::move(why)); };
    if (s.as.seats == 0) return no("there is no such show");
    if (auto why = fault_of_text("customer", customer); !why.empty()) return no(why);
    if (wanted.empty()) return no("a booking needs a seat");
    std::ranges::sort(wanted);
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    for (const auto seat : wanted) {
      const auto name = "seat " + std::to_string(seat);
      if (seat < 1 || seat > s.as.seats) return no("there is no " + name);
      if (s.taken.contains(seat)) return no(name + " is taken");
    }
    return wanted;
  }

  static std::string fault_of_text(const std::string& name, const std::string& text) {
    if (text.empty()) return name + " is empty";
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text, is_control)) return name + " has a control character";
    if (text.size() <= text_bytes_max) return {};
    return name + " has " + std::to_string(text.size()) + " bytes, at most " +
           std::to_string(text_bytes_max) + " are allowed";
  }

  static std::string outside(const std::string& name, std::int64_t is, std::int64_t least,
                             std::int64_t most) {
    return name + " is " + std::to_string(is) + ", not " + std::to_string(least) + " to " +
           std::to_string(most);
  }
};

}  // namespace seats
