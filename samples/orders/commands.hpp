// The commands of `orders`, one function each. Each returns the process's exit code.
//
// 0 done; 1 refused, or the books do not agree; 2 not done: an invalid argument, a database that
// does not open.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace orders {

inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 1;
inline constexpr int exit_failed = 2;

struct customer_arguments {
  std::string id;
  std::string name;
  std::string funds = "0";
};
int add_customer(const customer_arguments& a, const std::string& database);

int place(const std::string& customer, const std::string& database);

struct line_arguments {
  std::string order;
  std::string sku;
  std::int64_t quantity = 0;
  std::string price;
};
int add_line(const line_arguments& a, const std::string& database);
int remove_line(const std::string& order, std::int64_t line, const std::string& database);

int pay(const std::string& order, const std::string& database);
int ship(const std::string& order, const std::string& database);
int cancel(const std::string& order, const std::string& database);
int show(const std::string& order, const std::string& database);

struct list_arguments {
  std::string customer;   ///< "": of all
  std::string status;     ///< "": all
  std::string total_min;  ///< "": any
  std::int64_t page = 1;
  std::int64_t rows = 20;
};
int list(const list_arguments& a, const std::string& database);

/// Compares the paid orders with the bank's accounts.
int check(const std::string& database);

struct serve_arguments {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  unsigned threads = 16;
};
/// Runs until SIGTERM or SIGINT; requests in flight are finished.
int serve(const serve_arguments& a, const std::string& database);

struct demo_arguments {
  std::int64_t orders = 2'000;
  std::int64_t customers = 50;
};
/// A busy day. An empty database: in a temporary folder.
int demo(const demo_arguments& a, const std::string& database);

/// Prints one line "orders: …" to stderr; returns `code`.
int complain(std::string_view message, int code);

}  // namespace orders
