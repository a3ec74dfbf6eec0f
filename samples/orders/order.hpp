// An order: a row with its lines, in tables of the shop. One entity writes both.
//
//   absent ─place─▶ open ─pay─▶ paying ─▶ paid ─ship─▶ shipped
//                   │  ▲           │refused
//                   │  └───────────┘
//                   └─cancel─▶ cancelled
//
// A payment is a transfer of the sample bank (../bank/transfer.hpp), from the customer's account to
// the shop's. The order stores the id of the transfer together with `paying`, before it asks. A
// transfer of one id moves money once, and an order that is `paying` takes no second payment: so
// no order is paid twice, whenever the process dies. `on_recovered` asks again. The shop wakes the
// orders that are `paying` when it starts, and the alarm, which is stored with the row, wakes an
// order whose payment does not go on.
//
// Pure: no clock, no I/O, no actor. tests/samples/orders_test.cpp tests `decide` without a runtime.
#pragma once

#include <chrono>
#include <cstdint>
#include <nexus/nexus.hpp>
#include <nexus/relational.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "transfer.hpp"

namespace orders {

enum class status : std::uint8_t { absent, open, paying, paid, shipped, cancelled };

[[nodiscard]] std::string_view to_string(status s) noexcept;
/// None if there is no such status; `absent` is none that a row can have.
[[nodiscard]] std::optional<status> status_named(std::string_view name) noexcept;

struct order_line {
  std::int64_t order_id = 0;
  std::int64_t line = 0;  ///< from 1; not used again
  std::string sku;
  std::int64_t quantity = 0;
  std::int64_t cents = 0;  ///< the price of one
  MSGPACK_DEFINE_MAP(order_id, line, sku, quantity, cents)
  friend bool operator==(const order_line&, const order_line&) = default;
};

struct order_row {
  std::int64_t id = 0;
  std::string customer;
  orders::status status = orders::status::absent;
  std::int64_t cents = 0;      ///< the sum of the lines
  std::int64_t last_line = 0;  ///< the highest number that a line has had
  std::string payment{};       ///< the id of the last transfer; empty: none yet
  std::string reason{};        ///< why the last payment was refused, or does not go on
  nexus::timestamp placed_at{};
  std::optional<nexus::timestamp> remind_at{};  ///< while it is `paying`
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(id, customer, status, cents, last_line, payment, reason, placed_at, remind_at,
                     version)
  std::vector<order_line> lines{};  ///< rows of their own
};

/// `orders`, for the entity and for lists.
[[nodiscard]] nexus::mapping<order_row> order_mapping();

inline constexpr std::string_view currency = "EUR";
inline constexpr std::string_view shop_account = "shop";
[[nodiscard]] std::string account_of(std::string_view customer);

struct order {
  static constexpr std::string_view entity_type = "order";
  using row = order_row;
  static nexus::entity_rows<row> rows();

  static constexpr std::size_t lines_max = 100;
  static constexpr std::int64_t quantity_max = 10'000;
  static constexpr std::int64_t cents_max = 100'000'000;
  static constexpr std::size_t sku_bytes_max = 100;
  static constexpr std::chrono::seconds reminder_after{5};

  // Commands that answer a row answer the order after the command.

  struct place {
    std::string customer;
  };
  struct add_line {
    std::string sku;
    std::int64_t quantity = 0;
    std::int64_t cents = 0;
  };
  struct remove_line {
    std::int64_t line = 0;
  };
  /// Begins the payment; `settle` answers its end. The same payment again changes nothing.
  struct pay {
    std::string payment;  ///< a new ULID
  };
  /// Answers when no payment is under way: the order if it is paid, else why it is not.
  struct settle {};
  struct ship {};
  struct cancel {};
  struct show {};
  /// The bank has stored the transfer, or an error.
  struct transfer_started {
    std::string payment;
    nexus::result<void> answer;
    unsigned attempt = 1;
  };
  /// The transfer is over, or an error.
  struct transfer_ended {
    std::string payment;
    nexus::result<bank::ending> answer;
    unsigned attempt = 1;
  };
  /// Asks the bank again: the command of the alarm.
  struct resume {};
  using command = std::variant<place, add_line, remove_line, pay, settle, ship, cancel, show,
                               transfer_started, transfer_ended, resume>;

  using answer = nexus::effect<order, row>;
  static answer decide(const row& now, const place& c, const nexus::context& self);
  static answer decide(const row& now, const add_line& c);
  static answer decide(const row& now, const remove_line& c);
  static nexus::effect<order> decide(const row& now, const pay& c, const nexus::context& self);
  static answer decide(const row& now, const settle& c);
  static answer decide(const row& now, const ship& c);
  static answer decide(const row& now, const cancel& c);
  static answer decide(const row& now, const show& c);
  static nexus::effect<order> decide(const row& now, const transfer_started& c);
  static nexus::effect<order> decide(const row& now, const transfer_ended& c);
  static nexus::effect<order> decide(const row& now, const resume& c, const nexus::context& self);

  static nexus::effect<order> on_recovered(const row& now);
  static std::optional<nexus::alarm<order>> alarm(const row& now);
};

}  // namespace orders

extern template class nexus::compiled<orders::order>;
