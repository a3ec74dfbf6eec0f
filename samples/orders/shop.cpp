#include "shop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <utility>
#include <vector>

#include "trouble.hpp"

namespace orders {
namespace {

constexpr std::int64_t rows_at_a_time = 500;
constexpr int numbers_tried_max = 100;

// SQLite keeps times as text.
std::array<std::string, 5> tables(std::string_view dialect) {
  const std::string_view time = dialect == "postgresql" ? "timestamptz" : "text";
  return {
      "CREATE TABLE IF NOT EXISTS customers (id text PRIMARY KEY, name text NOT NULL, funds_cents "
      "bigint NOT NULL)",
      fmt::format(
          "CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY, customer text NOT NULL "
          "REFERENCES customers (id), status text NOT NULL CHECK (status IN ('open', "
          "'paying', 'paid', 'shipped', 'cancelled')), cents bigint NOT NULL, last_line "
          "bigint NOT NULL, payment text NOT NULL, reason text NOT NULL, placed_at {0} NOT "
          "NULL, remind_at {0}, version bigint NOT NULL)",
          time),
      "CREATE TABLE IF NOT EXISTS order_lines (order_id bigint NOT NULL REFERENCES orders (id), "
      "line bigint NOT NULL, sku text NOT NULL, quantity bigint NOT NULL CHECK (quantity > 0), "
      "cents bigint NOT NULL CHECK (cents > 0), PRIMARY KEY (order_id, line))",
      "CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer)",
      "CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status)"};
}

nexus::result<void> make_tables(nexus::session& on) {
  if (!on.has_sql()) {
    return nexus::fail(nexus::errc::invalid_argument, "this kind of database has no tables");
  }
  return nexus::transactional(on, [](nexus::session& s) -> nexus::result<void> {
    // Two programs that make the same table at once collide on PostgreSQL.
    if (s.dialect() == "postgresql") {
      if (auto alone = s.execute("SELECT pg_advisory_xact_lock(723401)"); !alone) {
        return nexus::fail(std::move(alone.error()));
      }
    }
    for (const auto& sql : tables(s.dialect())) {
      if (auto made = s.execute(sql); !made) return nexus::fail(std::move(made.error()));
    }
    return {};
  });
}

nexus::mapping<customer_row> customer_mapping() {
  nexus::mapping<customer_row> made{"customers"};
  made.key("id");
  made.validate("name", [](const customer_row& c) { return c.name.empty() ? "is empty" : ""; });
  return made;
}

std::int64_t in_currency(const bank::account::balances& all) {
  const auto found = all.find(std::string{currency});
  return found == all.end() ? 0 : found->second;
}

// The posting that opens a customer's account.
bank::account::post opening(const customer_row& of) {
  bank::account::post c;
  c.what.ledger = "opening";
  c.what.line = 1;
  c.what.narration = "opening";
  c.what.hundredths = of.funds_cents;
  c.what.currency = currency;
  c.digest = bank::account::digest_after(0, c.what);
  return c;
}

// A sentence for people instead of a foreign key.
nexus::error explained(nexus::error why, std::string_view customer) {
  if (!why.broken || why.broken->kind != nexus::constraint_kind::foreign_key) return why;
  return {nexus::errc::not_found, fmt::format("there is no customer \"{}\"", customer)};
}

}  // namespace

shop::shop(nexus::system& sys, const nexus::store& in)
    : sys_{sys},
      store_{in},
      customers_{customer_mapping()},
      accounts_{sys, in, {.snapshot_every = 1000}},
      transfers_{sys, in},
      orders_{sys, in} {}

nexus::result<std::unique_ptr<shop>> shop::open(nexus::system& sys, const std::string& uri,
                                                missing file) {
  const auto parsed = nexus::uri::parse(uri);
  std::error_code none;
  if (file == missing::is_error && parsed && parsed->scheme == "sqlite" &&
      !std::filesystem::exists(parsed->path, none)) {
    return nexus::fail(
        nexus::errc::invalid_argument,
        fmt::format("{}: there is no such database; `orders customer` makes one", uri));
  }
  auto store = nexus::open(uri);
  if (!store) return nexus::fail(std::move(store.error()));
  auto session = store->open_session();
  if (!session) return nexus::fail(std::move(session.error()));
  if (auto made = make_tables(**session); !made) return nexus::fail(std::move(made.error()));
  std::unique_ptr<shop> made{new shop{sys, *store}};
  if (auto fits = made->customers_.check(**session); !fits) {
    return nexus::fail(std::move(fits.error()));
  }
  for (const auto& status :
       {made->accounts_.status(), made->transfers_.status(), made->orders_.status()}) {
    if (!status) return nexus::fail(status.error());
  }
  return made;
}

nexus::result<void> shop::add_customer(nexus::session& on, const customer_row& wanted) {
  const auto account = account_of(wanted.id);
  if (wanted.id.empty()) return nexus::fail(nexus::errc::invalid_argument, "the id is empty");
  if (auto fits = nexus::persistence_id::make(bank::account::entity_type, account); !fits) {
    return nexus::fail(std::move(fits.error()));
  }
  nexus::mapper<customer_row> all{on, customers_};
  const auto known = all.find(wanted.id);
  if (!known) return nexus::fail(known.error());
  if (*known && ((*known)->name != wanted.name || (*known)->funds_cents != wanted.funds_cents)) {
    return nexus::fail(nexus::errc::rejected,
                       fmt::format("there is another customer \"{}\"", wanted.id));
  }
  if (!*known) {
    auto added = wanted;
    if (auto done = all.store(added); !done) return nexus::fail(done.error());
  }
  const auto posted = accounts_.of(account).ask(opening(wanted)).get(patience);
  if (!posted) return nexus::fail(posted.error());
  return {};
}

nexus::result<void> shop::read_last_number(nexus::session& on) {
  const auto highest = on.query<std::int64_t>("SELECT coalesce(max(id), 0) FROM orders");
  if (!highest) return nexus::fail(highest.error());
  auto known = last_number_.load();
  while (known < highest->at(0) && !last_number_.compare_exchange_weak(known, highest->at(0))) {
  }
  return {};
}

nexus::result<std::int64_t> shop::reserve(nexus::session& on, std::int64_t count) {
  if (auto read = read_last_number(on); !read) return nexus::fail(std::move(read.error()));
  return last_number_.fetch_add(count) + 1;
}

nexus::result<order_row> shop::place(nexus::session& on, const std::string& customer) {
  for (int tried = 1;; ++tried) {
    if (last_number_ == 0 || tried > 1) {
      if (auto read = read_last_number(on); !read) return nexus::fail(std::move(read.error()));
    }
    const auto id = std::to_string(++last_number_);
    auto placed = orders_.of(id).ask(order::place{customer}).get(patience);
    if (placed) return placed;
    // Another process may have taken the number.
    const auto& why = placed.error();
    const bool is_taken = why.code == nexus::errc::rejected || why.code == nexus::errc::conflict ||
                          (why.broken && why.broken->kind == nexus::constraint_kind::unique);
    if (!is_taken || tried == numbers_tried_max) return nexus::fail(explained(why, customer));
  }
}

nexus::result<order_row> shop::pay(const std::string& id) {
  const auto one = orders_.of(id);
  auto begun = one.ask(order::pay{sys_.next_id().to_string()});
  auto settled = one.ask(order::settle{});
  if (auto stored = begun.get(patience); !stored) return nexus::fail(std::move(stored.error()));
  return settled.get(patience);
}

nexus::result<void> shop::for_each_paying(
    nexus::session& on, const std::function<bool(const std::vector<order_row>&)>& f) const {
  nexus::mapper<order_row> all{on, listed_};
  return all.where("status", nexus::is::equals, to_string(status::paying))
      .untracked()
      .chunk(rows_at_a_time, f);
}

nexus::result<void> shop::resume_payments(nexus::session& on) const {
  nexus::result<void> sent;
  auto read = for_each_paying(on, [&](const auto& some) {
    for (const auto& one : some) {
      if (sent) sent = orders_.of(std::to_string(one.id)).tell(order::resume{});
    }
    return sent.has_value();
  });
  return read ? sent : read;
}

nexus::result<std::size_t> shop::finish_payments(nexus::session& on) const {
  std::size_t finished = 0;
  std::optional<nexus::error> fault;
  auto read = for_each_paying(on, [&](const auto& some) {
    std::deque<nexus::asked<order_row>> asked;
    for (const auto& one : some) {
      asked.push_back(orders_.of(std::to_string(one.id)).ask(order::settle{}));
    }
    for (auto& one : asked) {
      const auto ended = one.get(patience);
      if (!ended && bank::is_trouble(ended.error().code)) fault = ended.error();
      ++finished;
    }
    return !fault;
  });
  if (!read) return nexus::fail(std::move(read.error()));
  if (fault) return nexus::fail(*std::move(fault));
  return finished;
}

nexus::result<nexus::page_of<order_row>> shop::list(nexus::session& on, const list_filter& which,
                                                    std::int64_t page, std::int64_t rows) const {
  nexus::mapper<order_row> all{on, listed_};
  auto query = all.all().untracked();
  if (which.customer) query.where("customer", nexus::is::equals, *which.customer);
  if (which.status) query.where("status", nexus::is::equals, to_string(*which.status));
  if (which.cents_min) query.where("cents", nexus::is::at_least, *which.cents_min);
  return query.order("id").page(page, rows);
}

nexus::result<books> shop::check(nexus::session& on) const {
  const auto sums = on.query<std::int64_t, std::int64_t, std::int64_t, std::int64_t>(
      "SELECT count(*), count(CASE WHEN status IN ('paid', 'shipped') THEN 1 END), "
      "count(CASE WHEN status = 'paying' THEN 1 END), CAST(coalesce(sum(CASE WHEN status IN "
      "('paid', 'shipped') THEN cents END), 0) AS bigint) FROM orders");
  if (!sums) return nexus::fail(sums.error());
  books is;
  std::tie(is.orders, is.paid, is.paying, is.paid_cents) = sums->at(0);
  const auto of_shop = balance(std::string{shop_account});
  if (!of_shop) return nexus::fail(of_shop.error());
  is.shop_cents = *of_shop;

  std::optional<nexus::error> fault;
  nexus::mapper<customer_row> all{on, customers_};
  auto read = all.all().untracked().chunk(rows_at_a_time, [&](const auto& some) {
    std::deque<nexus::asked<bank::account::balances>> asked;
    for (const auto& one : some) {
      asked.push_back(accounts_.of(account_of(one.id)).ask(bank::account::get_balances{}));
      is.spent_cents += one.funds_cents;
    }
    for (auto& one : asked) {
      const auto balances = one.get(patience);
      if (!balances) fault = balances.error();
      if (balances) is.spent_cents -= in_currency(*balances);
    }
    return !fault;
  });
  if (!read) return nexus::fail(std::move(read.error()));
  if (fault) return nexus::fail(*std::move(fault));
  return is;
}

nexus::result<std::int64_t> shop::balance(const std::string& account) const {
  const auto all = accounts_.of(account).ask(bank::account::get_balances{}).get(patience);
  if (!all) return nexus::fail(all.error());
  return in_currency(*all);
}

}  // namespace orders
