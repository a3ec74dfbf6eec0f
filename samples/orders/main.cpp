// orders: a shop's orders in tables of its own, paid by accounts of the sample bank.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>

#include "commands.hpp"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"A shop whose orders are rows, and whose payments survive crashes."};
  app.name("orders");
  app.require_subcommand(1);
  std::string database = "sqlite:orders.db";
  auto command = [&](const char* name, const char* about) {
    auto* made = app.add_subcommand(name, about);
    made->add_option("--database", database, "The URI: sqlite:FILE or postgresql://…")
        ->type_name("URI")
        ->capture_default_str();
    return made;
  };
  const CLI::Range is_number{std::int64_t{1}, std::numeric_limits<std::int64_t>::max()};
  std::string order;
  auto of_order = [&](const char* name, const char* about) {
    auto* made = command(name, about);
    made->add_option("ORDER", order, "Its number")->required()->check(is_number);
    return made;
  };

  orders::customer_arguments who;
  auto* customer = command("customer", "Add a customer, with an account at the bank");
  customer->add_option("ID", who.id, "A short name, e.g. ann")->required();
  customer->add_option("NAME", who.name, "The name")->required();
  customer->add_option("--funds", who.funds, "What the account is opened with, in EUR")
      ->capture_default_str();
  std::string buyer;
  auto* place = command("place", "Place an order; prints its number");
  place->add_option("CUSTOMER", buyer, "The customer's ID")->required();
  orders::line_arguments line;
  auto* add_line = command("add-line", "Add a line to an open order");
  add_line->add_option("ORDER", line.order, "Its number")->required()->check(is_number);
  add_line->add_option("SKU", line.sku, "What is ordered")->required();
  add_line->add_option("QUANTITY", line.quantity, "How many")->required();
  add_line->add_option("PRICE", line.price, "The price of one, e.g. 12.50")->required();
  std::int64_t number = 0;
  auto* remove_line = of_order("remove-line", "Remove a line from an open order");
  remove_line->add_option("LINE", number, "The number of the line")->required();
  auto* pay = of_order("pay", "Pay an open order from the customer's account");
  pay->footer(
      "An order is paid once or not at all, also if the program is killed:\n"
      "interrupted payments are finished first.");
  auto* ship = of_order("ship", "Ship a paid order");
  auto* cancel = of_order("cancel", "Cancel an open order");
  auto* show = of_order("show", "Show an order with its lines");
  orders::list_arguments which;
  auto* list = command("list", "List orders, page by page");
  list->add_option("--customer", which.customer, "Only those of a customer");
  list->add_option("--status", which.status, "Only open, paying, paid, shipped or cancelled ones");
  list->add_option("--min-total", which.total_min, "Only those of at least this total");
  list->add_option("--page", which.page, "The page, from 1")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  list->add_option("--rows", which.rows, "Orders on a page")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  auto* check = command("check", "Compare the paid orders with the bank's accounts");
  orders::serve_arguments where;
  auto* serve = command("serve", "Serve all this over HTTP");
  serve->footer("SIGTERM and ctrl-C stop it after the requests in flight.");
  serve->add_option("--port", where.port, "The port; 0: any free one")->capture_default_str();
  serve->add_option("--address", where.address, "The address; everyone who reaches it may order")
      ->capture_default_str();
  serve->add_option("--threads", where.threads, "Requests served at a time")->capture_default_str();
  orders::demo_arguments day;
  auto* demo = app.add_subcommand("demo", "A busy day: many orders at a time, and its figures");
  std::string demo_database;
  demo->add_option("--database", demo_database, "The URI; without it in a temporary folder")
      ->type_name("URI");
  demo->add_option("--orders", day.orders, "How many orders")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  demo->add_option("--customers", day.customers, "How many customers")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    const bool unknown = app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-';
    const auto what = unknown ? "there is no command \"" + std::string{argv[1]} + '"' : e.what();
    return orders::complain(what + " (see orders --help)", orders::exit_failed);
  }
  if (customer->parsed()) return orders::add_customer(who, database);
  if (place->parsed()) return orders::place(buyer, database);
  if (add_line->parsed()) return orders::add_line(line, database);
  if (remove_line->parsed()) return orders::remove_line(order, number, database);
  if (pay->parsed()) return orders::pay(order, database);
  if (ship->parsed()) return orders::ship(order, database);
  if (cancel->parsed()) return orders::cancel(order, database);
  if (show->parsed()) return orders::show(order, database);
  if (list->parsed()) return orders::list(which, database);
  if (check->parsed()) return orders::check(database);
  if (serve->parsed()) return orders::serve(where, database);
  if (demo->parsed()) return orders::demo(day, demo_database);
  return orders::exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0) {
      return orders::complain("cannot write the output", orders::exit_failed);
    }
    return code;
  } catch (const std::exception& e) {
    return orders::complain(e.what(), orders::exit_failed);
  }
}
