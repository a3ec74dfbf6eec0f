// orders demo: a busy day of the shop, many orders at a time, and its figures.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <optional>
#include <random>
#include <vector>

#include "commands.hpp"
#include "listing.hpp"
#include "money.hpp"
#include "progress.hpp"
#include "shop.hpp"
#include "text.hpp"

namespace orders {
namespace {

constexpr std::size_t in_flight_max = 256;
constexpr std::int64_t funds_per_order_cents = 5'500;  // too little for some of the orders

class temporary_folder {
 public:
  temporary_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "orders-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
    path_ = pattern;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct figures {
  std::int64_t shipped = 0, cancelled = 0, refused = 0, rejected = 0;
  std::int64_t paid_cents = 0;
};

class day {
 public:
  day(shop& in, const demo_arguments& a) : in_{in}, wanted_{a} {}

  /// Opens the accounts; every customer gets orders of about the same worth.
  nexus::result<void> open(nexus::session& on) {
    auto first = in_.reserve(on, wanted_.orders);
    if (!first) return nexus::fail(std::move(first.error()));
    first_ = *first;
    const auto funds =
        funds_per_order_cents * std::max<std::int64_t>(1, wanted_.orders / wanted_.customers);
    for (std::int64_t n = 1; n <= wanted_.customers; ++n) {
      customer_row one{fmt::format("d{}-c{}", first_, n), fmt::format("Customer {}", n), funds};
      if (auto added = in_.add_customer(on, one); !added) return added;
      customers_.push_back(std::move(one.id));
    }
    return {};
  }

  nexus::result<figures> run() {
    bank::progress bar{"orders"};
    for (std::int64_t n = 0; n < wanted_.orders; ++n) {
      begin(std::to_string(first_ + n));
      if (settling_.size() < in_flight_max) continue;
      if (auto done = end_oldest(); !done) return nexus::fail(std::move(done.error()));
      bar.update(static_cast<std::size_t>(n), static_cast<std::size_t>(wanted_.orders));
    }
    while (!settling_.empty() || !closing_.empty()) {
      if (auto done = end_oldest(); !done) return nexus::fail(std::move(done.error()));
    }
    return sums_;
  }

 private:
  struct unsettled {
    std::string id;
    nexus::asked<order_row> placed;
    std::optional<nexus::asked<order_row>> settled;  // none: it is cancelled instead of paid
    std::optional<nexus::asked<order_row>> shipped_unpaid;
    std::optional<nexus::asked<void>> paid_twice;
  };

  // Sends all commands up to the payment at once: the order decides them one after the other.
  void begin(const std::string& id) {
    const auto one = in_.orders().of(id);
    unsettled now{id, one.ask(order::place{customers_[random_() % customers_.size()]}), {}, {}, {}};
    const auto lines = 1 + random_() % 4;
    for (std::uint64_t n = 0; n < lines; ++n) {
      (void)one.tell(order::add_line{fmt::format("article-{}", random_() % 500), between(1, 3),
                                     between(100, 2'500)});
    }
    const auto dice = random_() % 100;
    if (dice < 5) {
      now.shipped_unpaid = one.ask(order::ship{});
    }
    if (dice >= 95) {
      closing_.push_back(one.ask(order::cancel{}));
    } else {
      auto begun = one.ask(order::pay{in_.sys().next_id().to_string()});
      now.settled = one.ask(order::settle{});
      if (dice >= 5 && dice < 10) {
        now.paid_twice = one.ask(order::pay{in_.sys().next_id().to_string()});
      }
    }
    settling_.push_back(std::move(now));
  }

  // Ships the oldest order if it is paid, else cancels it.
  nexus::result<void> end_oldest() {
    if (!settling_.empty()) {
      auto now = std::move(settling_.front());
      settling_.pop_front();
      if (auto placed = now.placed.get(patience); !placed) return nexus::fail(placed.error());
      if (now.shipped_unpaid && !now.shipped_unpaid->get(patience)) ++sums_.rejected;
      if (now.paid_twice && !now.paid_twice->get(patience)) ++sums_.rejected;
      if (now.settled) {
        const auto paid = now.settled->get(patience);
        if (!paid && paid.error().code != nexus::errc::rejected) return nexus::fail(paid.error());
        sums_.refused += paid ? 0 : 1;
        const auto one = in_.orders().of(now.id);
        closing_.push_back(paid ? one.ask(order::ship{}) : one.ask(order::cancel{}));
      }
    }
    if (closing_.empty() || (!settling_.empty() && closing_.size() < in_flight_max)) return {};
    const auto closed = closing_.front().get(patience);
    closing_.pop_front();
    if (!closed) return nexus::fail(closed.error());
    ++(closed->status == status::shipped ? sums_.shipped : sums_.cancelled);
    if (closed->status == status::shipped) sums_.paid_cents += closed->cents;
    return {};
  }

  std::int64_t between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution{least, most}(random_);
  }

  shop& in_;
  const demo_arguments wanted_;
  std::int64_t first_ = 0;
  std::vector<std::string> customers_;
  std::deque<unsettled> settling_;
  std::deque<nexus::asked<order_row>> closing_;
  figures sums_;
  std::mt19937_64 random_{std::random_device{}()};
};

std::string shown(const figures& f, const demo_arguments& a, std::chrono::duration<double> took) {
  const auto count = [](std::int64_t n) { return bank::grouped(static_cast<std::uint64_t>(n)); };
  using enum bank::table::align;
  bank::table rows{{left, right}};
  rows.add({"paid and shipped", count(f.shipped)});
  rows.add({"payments refused by the bank", count(f.refused)});
  rows.add({"cancelled", count(f.cancelled)});
  rows.add({"rejected: shipped unpaid, paid twice", count(f.rejected)});
  rows.add({"money in", bank::format_hundredths(f.paid_cents)});
  return fmt::format("{} orders of {} customers in {:.1f} s: {} orders/s\n{}", count(a.orders),
                     count(a.customers), took.count(),
                     count(static_cast<std::int64_t>(static_cast<double>(a.orders) /
                                                     std::max(took.count(), 0.001))),
                     rows.str());
}

}  // namespace

int demo(const demo_arguments& a, const std::string& database) {
  std::optional<temporary_folder> folder;
  if (database.empty()) folder.emplace();
  nexus::system sys;
  const auto opened =
      shop::open(sys, folder ? "sqlite:" + (folder->path() / "orders.db").string() : database,
                 shop::missing::is_made);
  if (!opened) return complain(opened.error().message, exit_failed);
  const auto session = (*opened)->store().open_session();
  if (!session) return complain(session.error().message, exit_failed);
  day busy{**opened, a};
  if (auto open = busy.open(**session); !open) return complain(open.error().message, exit_failed);

  const auto begin = std::chrono::steady_clock::now();
  const auto done = busy.run();
  const auto end = std::chrono::steady_clock::now();
  if (!done) return complain(done.error().message, exit_failed);
  const auto is = (*opened)->check(**session);
  if (!is) return complain(is.error().message, exit_failed);
  fmt::print("{}\nthe books of the database:\n{}", shown(*done, a, end - begin), report(*is));
  return is->agree() ? exit_done : exit_refused;
}

}  // namespace orders
