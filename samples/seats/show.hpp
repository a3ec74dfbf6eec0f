// A show: its seats, and who has booked which.
//
// Pure: no clock, no I/O, no actor. tests/samples/seats_test.cpp needs no runtime.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <nexus/nexus.hpp>
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

  /// Answers nothing. Opening a show again as it is changes nothing.
  struct open {
    std::string title;
    std::int64_t seats = 0;
    std::int64_t cents = 0;  ///< the price of a seat
  };
  /// Answers the price. The same booking again gets the same answer.
  struct book {
    std::string booking;  ///< an id that the caller chooses
    std::string customer;
    std::vector<std::int64_t> seats;  ///< from 1
  };
  /// The seats are free again. Nothing happens if there is no such booking.
  struct cancel {
    std::string booking;
  };
  /// Answers the state.
  struct look {};
  using command = std::variant<open, book, cancel, look>;

  struct opened {
    static constexpr std::string_view type_name = "opened";
    std::string title;
    std::int64_t seats = 0;
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(title, seats, cents)
    friend bool operator==(const opened&, const opened&) = default;
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
  using event = std::variant<opened, booked, cancelled>;

  struct state {
    opened as;  ///< 0 seats: it is not open
    std::map<std::string, booked> bookings;
    std::map<std::int64_t, std::string> taken;  ///< seat to booking
    MSGPACK_DEFINE_MAP(as, bookings, taken)
  };

  static nexus::effect<show> decide(const state& s, const open& c) {
    const opened wanted{c.title, c.seats, c.cents};
    if (s.as == wanted) return nexus::none();
    if (s.as.seats > 0) return nexus::reject("the show is open already");
    if (auto why = fault_of_text("title", c.title); !why.empty()) return nexus::reject(why);
    if (c.seats < 1 || c.seats > seats_max) return refuse("seats", c.seats, 1, seats_max);
    if (c.cents < 0 || c.cents > cents_max) return refuse("cents", c.cents, 0, cents_max);
    return nexus::persist(wanted);
  }

  static nexus::effect<show, std::int64_t> decide(const state& s, const book& c) {
    if (s.as.seats == 0) return nexus::reject("there is no such show");
    if (const auto known = s.bookings.find(c.booking); known != s.bookings.end()) {
      return nexus::reply(known->second.cents);
    }
    if (auto why = fault_of_text("customer", c.customer); !why.empty()) return nexus::reject(why);
    if (c.seats.empty()) return nexus::reject("a booking needs a seat");
    auto wanted = c.seats;
    std::ranges::sort(wanted);
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    for (const auto seat : wanted) {
      const auto name = "seat " + std::to_string(seat);
      if (seat < 1 || seat > s.as.seats) return nexus::reject("there is no " + name);
      if (s.taken.contains(seat)) return nexus::reject(name + " is taken");
    }
    const auto cents = s.as.cents * static_cast<std::int64_t>(wanted.size());
    return nexus::persist(booked{c.booking, c.customer, std::move(wanted), cents})
        .then_reply([cents](const state&) { return cents; });
  }

  static nexus::effect<show> decide(const state& s, const cancel& c) {
    const auto known = s.bookings.find(c.booking);
    if (known == s.bookings.end()) return nexus::none();
    const auto& [booking, customer, seats, cents] = known->second;
    return nexus::persist(cancelled{booking, static_cast<std::int64_t>(seats.size()), cents});
  }

  static auto decide(const state& s, const look&) { return nexus::reply(s); }

  static void apply(state& s, const opened& e) { s.as = e; }
  static void apply(state& s, const booked& e) {
    for (const auto seat : e.seats) s.taken[seat] = e.booking;
    s.bookings[e.booking] = e;
  }
  static void apply(state& s, const cancelled& e) {
    for (const auto seat : s.bookings[e.booking].seats) s.taken.erase(seat);
    s.bookings.erase(e.booking);
  }

 private:
  static std::string fault_of_text(const std::string& name, const std::string& text) {
    if (text.empty()) return name + " is empty";
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text, is_control)) return name + " has a control character";
    if (text.size() <= text_bytes_max) return {};
    return name + " has " + std::to_string(text.size()) + " bytes, at most " +
           std::to_string(text_bytes_max) + " are allowed";
  }

  static nexus::effect<show> refuse(const std::string& name, std::int64_t is, std::int64_t least,
                                    std::int64_t most) {
    return nexus::reject(name + " is " + std::to_string(is) + ", not " + std::to_string(least) +
                         " to " + std::to_string(most));
  }
};

}  // namespace seats
