#include "routes.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>

#include "listing.hpp"
#include "money.hpp"

namespace orders {

// Request bodies.

struct new_customer {
  std::string name;
  std::string funds;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(new_customer, name, funds)

struct new_order {
  std::string customer;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(new_order, customer)

struct new_line {
  std::string sku;
  std::int64_t quantity = 0;
  std::string price;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(new_line, sku, quantity, price)

namespace {

namespace http = nexus::http;
using http::json;
using reply = nexus::result<http::response>;

constexpr std::int64_t rows_usual = 20;
constexpr std::int64_t rows_max = 1'000;
constexpr std::int64_t page_max = 1'000'000'000;

json brief_json(const order_row& r) {
  return {{"order", r.id},
          {"customer", r.customer},
          {"status", to_string(r.status)},
          {"total", bank::format_hundredths(r.cents)},
          {"currency", currency},
          {"placed_at",
           fmt::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(r.placed_at))}};
}

json order_json(const order_row& r) {
  auto made = brief_json(r);
  made["lines"] = json::array();
  for (const auto& one : r.lines) {
    made["lines"].push_back({{"line", one.line},
                             {"sku", one.sku},
                             {"quantity", one.quantity},
                             {"price", bank::format_hundredths(one.cents)}});
  }
  if (!r.reason.empty()) made["reason"] = r.reason;
  return made;
}

reply as_json(const nexus::result<order_row>& answer, int status = 200) {
  if (!answer) return nexus::fail(answer.error());
  return http::response::json(order_json(*answer), status);
}

/// A number of the query, from 1 to `max`.
nexus::result<std::int64_t> number(const http::request& r, std::string_view name,
                                   std::int64_t usual, std::int64_t max) {
  const auto text = r.query(name);
  if (!text) return usual;
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (failed != std::errc{} || end != text->data() + text->size() || value < 1 || value > max) {
    return nexus::fail(nexus::errc::invalid_argument,
                       fmt::format("{}: \"{}\" is not a number from 1 to {}", name, *text, max));
  }
  return value;
}

// -- commands: of one order, which decides --------------------------------------------------------

reply add_line_to(const http::entity<order>& one, const http::body<new_line>& wanted) {
  const auto cents = cents_of("price", wanted->price);
  if (!cents) return nexus::fail(cents.error());
  return as_json(one.ask(order::add_line{wanted->sku, wanted->quantity, *cents}).get(), 201);
}

reply remove_line_of(const http::entity<order>& one,
                     const http::param<"line", std::int64_t>& line) {
  return as_json(one.ask(order::remove_line{*line}).get());
}

reply pay_order(nexus::system& sys, const http::entity<order>& one) {
  auto begun = one.ask(order::pay{sys.next_id().to_string()});
  auto settled = one.ask(order::settle{});
  if (auto stored = begun.get(); !stored) return nexus::fail(std::move(stored.error()));
  return as_json(settled.get());
}

reply show_order(const http::entity<order>& one) {
  const auto is = one.ask(order::show{}).get();
  if (!is && is.error().code == nexus::errc::rejected) {
    return http::response::problem(404, "no_order", is.error().message);
  }
  return as_json(is);
}

// -- the shop's -----------------------------------------------------------------------------------

reply put_customer(shop& in, nexus::session& on, const std::string& id,
                   const new_customer& wanted) {
  const auto funds = cents_of("funds", wanted.funds);
  if (!funds) return nexus::fail(funds.error());
  if (auto added = in.add_customer(on, {id, wanted.name, *funds}); !added) {
    return nexus::fail(std::move(added.error()));
  }
  return http::response::json({{"customer", id}, {"account", account_of(id)}}, 201);
}

reply list_orders(const shop& in, nexus::session& on, const http::request& r) {
  const auto text = [&](std::string_view name) { return std::string{r.query(name).value_or("")}; };
  const auto which =
      filter_of({text("customer"), text("status"), text("min_total")}, {"status", "min_total"});
  if (!which) return nexus::fail(which.error());
  const auto at = number(r, "page", 1, page_max);
  if (!at) return nexus::fail(at.error());
  const auto rows = number(r, "rows", rows_usual, rows_max);
  if (!rows) return nexus::fail(rows.error());
  const auto page = in.list(on, *which, *at, *rows);
  if (!page) return nexus::fail(page.error());
  json all = json::array();
  for (const auto& one : page->rows) all.push_back(brief_json(one));
  return http::response::json(
      {{"orders", std::move(all)}, {"page", *at}, {"pages", page->pages}, {"total", page->total}});
}

reply show_books(const shop& in, nexus::session& on) {
  const auto is = in.check(on);
  if (!is) return nexus::fail(is.error());
  return http::response::json({{"orders", is->orders},
                               {"paid", is->paid},
                               {"paying", is->paying},
                               {"paid_total", bank::format_hundredths(is->paid_cents)},
                               {"shop_account", bank::format_hundredths(is->shop_cents)},
                               {"spent", bank::format_hundredths(is->spent_cents)},
                               {"agree", is->agree()}});
}

}  // namespace

void add_routes(http::server& web, shop& in) {
  (void)web.put(
      "/customers/{customer}",
      [&in](nexus::session& on, const http::param<"customer">& id,
            const http::body<new_customer>& wanted) { return put_customer(in, on, *id, *wanted); });
  (void)web.post("/orders", [&in](nexus::session& on, const http::body<new_order>& wanted) {
    return as_json(in.place(on, wanted->customer), 201);
  });
  (void)web.get("/orders", [&in](const http::request& r, nexus::session& on) {
    return list_orders(in, on, r);
  });
  (void)web.get("/orders/{order}", show_order);
  (void)web.del("/orders/{order}", [](const http::entity<order>& one) {
    return as_json(one.ask(order::cancel{}).get());
  });
  (void)web.post("/orders/{order}/lines", add_line_to);
  (void)web.del("/orders/{order}/lines/{line}", remove_line_of);
  (void)web.post("/orders/{order}/payment",
                 [&in](const http::entity<order>& one) { return pay_order(in.sys(), one); });
  (void)web.post("/orders/{order}/shipment", [](const http::entity<order>& one) {
    return as_json(one.ask(order::ship{}).get());
  });
  (void)web.get("/books", [&in](nexus::session& on) { return show_books(in, on); });
}

}  // namespace orders
