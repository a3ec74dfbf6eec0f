// A purchase with its lines, in tables of the program.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nexus/nexus.hpp>
#include <nexus/relational.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nexus::test {

struct purchase_line {
  std::int64_t purchase = 0, line = 0;
  std::string sku;
  std::int64_t cents = 0;
  MSGPACK_DEFINE_MAP(purchase, line, sku, cents)
  friend bool operator==(const purchase_line&, const purchase_line&) = default;
};

struct purchase_row {
  std::int64_t id = 0;
  std::string buyer;
  std::int64_t paid = 0;
  std::optional<timestamp> remind_at{};
  std::int64_t version = 0;
  MSGPACK_DEFINE_MAP(id, buyer, paid, remind_at, version)
  std::vector<purchase_line> lines{};

  [[nodiscard]] std::int64_t total() const {
    std::int64_t sum = 0;
    for (const auto& one : lines) sum += one.cents;
    return sum;
  }
};

inline const std::vector<std::string> purchase_tables{
    "CREATE TABLE purchases (id bigint PRIMARY KEY, buyer text NOT NULL UNIQUE, paid bigint NOT "
    "NULL, remind_at text, version bigint NOT NULL)",
    "CREATE TABLE purchase_lines (purchase bigint NOT NULL REFERENCES purchases (id), line bigint "
    "NOT NULL, sku text NOT NULL, cents bigint NOT NULL CHECK (cents > 0), PRIMARY KEY (purchase, "
    "line))"};

inline mapping<purchase_row> purchases() {
  mapping<purchase_row> made{"purchases"};
  made.key("id").version("version").validate(
      "buyer", [](const purchase_row& r) { return r.buyer.empty() ? "is empty" : ""; });
  return made;
}

/// Ids without a row begin with the buyer "new <id>".
struct purchase {
  static constexpr std::string_view entity_type = "purchase";
  using row = purchase_row;
  static entity_rows<row> rows() {
    mapping<purchase_line> lines{"purchase_lines"};
    lines.key({"purchase", "line"});
    return entity_rows<row>{purchases()}
        .owns(&row::lines, lines, {"purchase"})
        .create_if_missing([](std::string_view id) {
          return row{.id = std::stoll(std::string{id}), .buyer = "new " + std::string{id}};
        });
  }

  struct rename {
    std::string to;
  };
  struct add_line {
    std::string sku;
    std::int64_t cents = 0;
  };
  struct drop_line {
    std::int64_t line = 0;
  };
  struct pay {};
  struct remind {
    std::int64_t ms = 0;
  };
  struct reminded {};
  struct cancel {};
  struct show {};
  struct try_add {
    std::int64_t cents = 0;
  };
  struct other_id {};
  struct touch {};
  using command = std::variant<rename, add_line, drop_line, pay, remind, reminded, cancel, show,
                               try_add, other_id, touch>;

  static effect<purchase, std::int64_t> decide(const row&, const rename& c) {
    return persist([c](row& r) { r.buyer = c.to; }).then_reply(&row::version);
  }
  static effect<purchase, std::int64_t> decide(const row&, const add_line& c) {
    return persist([c](row& r) { add(r, c.sku, c.cents); }).then_reply(&row::total);
  }
  static effect<purchase, std::int64_t> decide(const row& now, const drop_line& c) {
    auto next = now;
    std::erase_if(next.lines, [&](const purchase_line& one) { return one.line == c.line; });
    return persist(std::move(next)).then_reply(&row::total);
  }
  static effect<purchase, std::int64_t> decide(const row& now, const pay&) {
    if (now.paid > 0) return reject("is paid already");
    return persist([](row& r) { r.paid = r.total(); }).then_reply(&row::paid);
  }
  static effect<purchase> decide(const row&, const remind& c, const context& at) {
    return persist([&](row& r) { r.remind_at = at.now() + std::chrono::milliseconds{c.ms}; });
  }
  static effect<purchase> decide(const row&, const reminded&) {
    return persist([](row& r) {
      r.remind_at.reset();
      r.paid = -1;
    });
  }
  static effect<purchase, std::int64_t> decide(const row&, const cancel&) {
    return nexus::remove().then_reply(&row::paid);
  }
  static effect<purchase, row> decide(const row& now, const show&) { return reply(now); }
  static effect<purchase, std::string> decide(const row&, const try_add& c) {
    return persist([c](row& r) { add(r, "tried", c.cents); })
        .then_reply([](const row&) { return std::string{"added"}; })
        .then_reply_on_failure([](const error& why) {
          return "no: " + (why.broken ? why.broken->name : std::string{to_string(why.code)});
        });
  }
  static effect<purchase> decide(const row&, const other_id&) {
    return persist([](row& r) { r.id += 1; });
  }
  static effect<purchase, std::int64_t> decide(const row& now, const touch&) {
    return persist(now).then_reply(&row::version);
  }

  static std::optional<nexus::alarm<purchase>> alarm(const row& now) {
    if (!now.remind_at) return std::nullopt;
    return nexus::alarm<purchase>{*now.remind_at, reminded{}};
  }

 private:
  static void add(row& to, std::string sku, std::int64_t cents) {
    const auto line = to.lines.empty() ? 1 : to.lines.back().line + 1;
    to.lines.push_back({0, line, std::move(sku), cents});
  }
};

}  // namespace nexus::test
