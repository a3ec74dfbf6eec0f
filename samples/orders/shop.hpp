// The shop: its tables, its entities, and those of the bank, in one database.
//
//   customers     a plain table, by the mapper
//   orders        a row per order, and
//   order_lines   its lines: relational entities (order.hpp), and lists by the mapper
//
// The bank's accounts and transfers are events in the journal of the same database.
//
// Threads: any; calls block. Failures: those of the storage; `rejected` for what the shop refuses.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <nexus/mapper.hpp>
#include <nexus/nexus.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account.hpp"
#include "order.hpp"

namespace orders {

struct customer_row {
  std::string id;
  std::string name;
  std::int64_t funds_cents = 0;  ///< what the account was opened with
  MSGPACK_DEFINE_MAP(id, name, funds_cents)
};

/// Of a list; an empty one fits all orders.
struct list_filter {
  std::optional<std::string> customer{};
  std::optional<orders::status> status{};
  std::optional<std::int64_t> cents_min{};
};

/// Sums over the whole database.
struct books {
  std::int64_t orders = 0;
  std::int64_t paid = 0;         ///< also shipped ones
  std::int64_t paying = 0;       ///< a payment is under way
  std::int64_t paid_cents = 0;   ///< of these orders
  std::int64_t shop_cents = 0;   ///< what the shop's account has
  std::int64_t spent_cents = 0;  ///< what the customers' accounts have lost
  /// Without payments under way, each paid order has moved its money once.
  [[nodiscard]] bool agree() const { return paid_cents == shop_cents && paid_cents == spent_cents; }
};

/// An answer may take as long as the storage is out of order.
inline constexpr std::chrono::seconds patience{60};

class shop {
 public:
  enum class missing : bool { is_error, is_made };  ///< a SQLite file that does not exist

  /// Opens the database, and makes the tables if they are missing.
  [[nodiscard]] static nexus::result<std::unique_ptr<shop>> open(nexus::system& sys,
                                                                 const std::string& uri,
                                                                 missing file);

  /// Adds a customer, and an account with these funds. The same customer again changes nothing.
  [[nodiscard]] nexus::result<void> add_customer(nexus::session& on, const customer_row& wanted);

  /// Places an order under the next free number.
  [[nodiscard]] nexus::result<order_row> place(nexus::session& on, const std::string& customer);

  /// The first of so many numbers that no order has yet. Another process may take them too.
  [[nodiscard]] nexus::result<std::int64_t> reserve(nexus::session& on, std::int64_t count);

  /// Pays an order, and waits until that is done or refused.
  [[nodiscard]] nexus::result<order_row> pay(const std::string& id);

  /// Wakes the orders whose payment a killed process has left. Does not wait for them.
  [[nodiscard]] nexus::result<void> resume_payments(nexus::session& on) const;

  /// The same, and waits for them; returns their number.
  [[nodiscard]] nexus::result<std::size_t> finish_payments(nexus::session& on) const;

  [[nodiscard]] nexus::result<nexus::page_of<order_row>> list(nexus::session& on,
                                                              const list_filter& which,
                                                              std::int64_t page,
                                                              std::int64_t rows) const;

  /// Reads all customers and asks their accounts.
  [[nodiscard]] nexus::result<books> check(nexus::session& on) const;

  [[nodiscard]] nexus::result<std::int64_t> balance(const std::string& account) const;

  [[nodiscard]] const nexus::store& store() const { return store_; }
  [[nodiscard]] const nexus::entities<order>& orders() const { return orders_; }
  [[nodiscard]] nexus::system& sys() const { return sys_; }

 private:
  shop(nexus::system& sys, const nexus::store& in);
  nexus::result<void> read_last_number(nexus::session& on);
  // Until `f` returns false.
  nexus::result<void> for_each_paying(
      nexus::session& on, const std::function<bool(const std::vector<order_row>&)>& f) const;

  nexus::system& sys_;
  nexus::store store_;
  const nexus::mapping<customer_row> customers_;
  const nexus::mapping<order_row> listed_ = order_mapping();
  nexus::entities<bank::account> accounts_;
  nexus::entities<bank::transfer> transfers_;
  nexus::entities<order> orders_;
  std::atomic<std::int64_t> last_number_{0};  // 0: not read yet
};

}  // namespace orders
