#include "routes.hpp"

#include <charconv>

namespace seats {

struct new_show {
  std::string title;
  std::int64_t seats = 0;
  std::int64_t cents = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(new_show, title, seats, cents)

struct new_booking {
  std::string customer;
  std::vector<std::int64_t> seats;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(new_booking, customer, seats)

struct new_hold {
  std::string customer;
  std::vector<std::int64_t> seats;
  std::int64_t seconds = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(new_hold, customer, seats, seconds)

namespace {

namespace http = nexus::http;
using http::json;
using reply = nexus::result<http::response>;

constexpr std::int64_t page_usual = 10;
constexpr std::int64_t page_max = 100;

// -- commands: of one show, which decides ---------------------------------------------------------

auto open_show(const http::entity<show>& one, const http::body<new_show>& wanted) {
  return one.ask(show::open{wanted->title, wanted->seats, wanted->cents});
}

auto cancel(const http::entity<show>& one, const http::param<"booking">& booking) {
  return one.ask(show::cancel{*booking});
}

reply book(nexus::system& sys, const http::entity<show>& one,
           const http::body<new_booking>& wanted) {
  const auto id = sys.next_id().to_string();
  const auto cents = one.ask(show::book{id, wanted->customer, wanted->seats}).get();
  if (!cents) return nexus::fail(cents.error());
  return http::response::json({{"booking", id}, {"cents", *cents}}, 201);
}

reply hold(nexus::system& sys, const http::entity<show>& one, const http::body<new_hold>& wanted) {
  const auto id = sys.next_id().to_string();
  const auto until =
      one.ask(show::hold{id, wanted->customer, wanted->seats, wanted->seconds}).get();
  if (!until) return nexus::fail(until.error());
  const auto at = std::chrono::floor<std::chrono::milliseconds>(until->time_since_epoch());
  return http::response::json({{"booking", id}, {"until_ms", at.count()}}, 201);
}

// The customer has paid: what is held is booked.
reply pay(const http::entity<show>& one, const http::param<"booking">& booking) {
  const auto cents = one.ask(show::book{*booking, {}, {}}).get();
  if (!cents) return nexus::fail(cents.error());
  return http::response::json({{"booking", *booking}, {"cents", *cents}});
}

reply look(const http::entity<show>& one) {
  const auto is = one.ask(show::look{}).get();
  if (!is) return nexus::fail(is.error());
  if (is->as.seats == 0) {
    return http::response::problem(404, "no_show", "there is no show \"" + one.id() + "\"");
  }
  json taken = json::array();
  for (const auto& [seat, booking] : is->taken) taken.push_back(seat);
  return http::response::json({{"show", one.id()},
                               {"title", is->as.title},
                               {"seats", is->as.seats},
                               {"cents", is->as.cents},
                               {"taken", std::move(taken)}});
}

// -- lists: of many shows, from the rows of the report --------------------------------------------

reply list_shows(const report& rows) {
  const auto all = rows.shows();
  if (!all) return nexus::fail(all.error());
  json shows = json::array();
  for (const auto& one : *all) {
    shows.push_back({{"show", one.id},
                     {"title", one.title},
                     {"seats", one.seats},
                     {"sold", one.sold},
                     {"cents", one.cents}});
  }
  return http::response::json({{"shows", std::move(shows)}});
}

nexus::result<std::int64_t> limit_of(const http::request& r) {
  const auto text = r.query("limit");
  if (!text) return page_usual;
  std::int64_t limit = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (failed == std::errc{} && end == text->data() + text->size() && limit >= 1 &&
      limit <= page_max) {
    return limit;
  }
  return nexus::fail(nexus::errc::invalid_argument, "limit: \"" + std::string{*text} +
                                                        "\" is not a number from 1 to " +
                                                        std::to_string(page_max));
}

reply list_bookings(const http::request& r, const report& rows) {
  const std::string customer{r.query("customer").value_or("")};
  const std::string after{r.query("after").value_or("")};
  if (customer.empty()) return nexus::fail(nexus::errc::invalid_argument, "customer: is missing");
  const auto limit = limit_of(r);
  if (!limit) return nexus::fail(limit.error());
  auto found = rows.bookings(customer, after, *limit + 1);  // one more tells of a next page
  if (!found) return nexus::fail(std::move(found.error()));
  const bool more = found->size() > static_cast<std::size_t>(*limit);
  if (more) found->pop_back();
  json bookings = json::array();
  for (const auto& one : *found) {
    bookings.push_back({{"booking", one.id},
                        {"show", one.show},
                        {"title", one.title},
                        {"seats", one.seats},
                        {"cents", one.cents}});
  }
  json page{{"bookings", std::move(bookings)}};
  if (more) page["next"] = found->back().id;
  return http::response::json(page);
}

}  // namespace

void add_routes(http::server& web, nexus::system& sys, const report& rows) {
  (void)web.get("/", [] {
    return http::response{.body = std::string{page()}, .content_type = "text/html; charset=utf-8"};
  });
  (void)web.get("/shows", [&rows] { return list_shows(rows); });
  (void)web.get("/shows/{show}", look);
  (void)web.put("/shows/{show}", open_show);
  (void)web.post("/shows/{show}/bookings",
                 [&sys](const http::entity<show>& one, const http::body<new_booking>& wanted) {
                   return book(sys, one, wanted);
                 });
  (void)web.post("/shows/{show}/holds",
                 [&sys](const http::entity<show>& one, const http::body<new_hold>& wanted) {
                   return hold(sys, one, wanted);
                 });
  (void)web.put("/shows/{show}/bookings/{booking}", pay);
  (void)web.del("/shows/{show}/bookings/{booking}", cancel);
  (void)web.get("/bookings", [&rows](const http::request& r) { return list_bookings(r, rows); });
}

}  // namespace seats
