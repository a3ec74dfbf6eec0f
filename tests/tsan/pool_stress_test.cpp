// Many threads and one pool with every kind of failure: nothing may be lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <nexus/pool.hpp>
#include <random>
#include <thread>
#include <vector>

namespace nexus { namespace {

using namespace std::chrono_literals;

constexpr int borrowers = 64;

struct world {
  std::atomic<int> alive{0};
  std::atomic<int> most_alive{0};
  std::atomic<int> opened{0};
  std::atomic<int> failing{0};  // of 100 openings
};

// Its borrower writes to it without a lock: two borrowers at once are a data race.
class fragile final : public poolable {
 public:
  explicit fragile(world& w) : world_{w} {
    const int now = ++w.alive;
    int seen = w.most_alive;
    while (seen < now && !w.most_alive.compare_exchange_weak(seen, now)) {
    }
  }
  ~fragile() override { --world_.alive; }
  bool broken() const noexcept override { return is_broken || interrupted_; }
  bool unfinished() const noexcept override { return in_transaction; }
  bool touched() const noexcept override { return is_touched; }
  result<void> finish() override {
    in_transaction = false;
    if (++uses % 50 == 0) return fail(errc::unavailable, "does not roll back");
    return {};
  }
  result<void> reset(const std::string&) override {
    is_touched = false;
    ++uses;
    return {};
  }
  result<void> validate(const std::string&) override {
    if (++uses % 40 == 0) return fail(errc::unavailable, "is not valid");
    return {};
  }
  void interrupt() noexcept override { interrupted_ = true; }

  int uses = 0;
  bool is_broken = false;
  bool in_transaction = false;
  bool is_touched = false;

 private:
  world& world_;
  std::atomic<bool> interrupted_{false};
};

pool<fragile> make(world& w, pool_options o) {
  auto made = pool<fragile>::make(std::move(o), [&w]() -> result<std::unique_ptr<fragile>> {
    if (++w.opened % 100 < w.failing) return fail(errc::unavailable, "does not open");
    return std::make_unique<fragile>(w);
  });
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

int long_times(int usual) {
  return std::getenv("NEXUS_LONG_TESTS") != nullptr ? usual * 20 : usual;
}

/// The work of one thread with a pool, and its results.
class borrower {
 public:
  borrower(pool<fragile> from, unsigned seed) : from_{std::move(from)}, random_{seed} {}

  void once() {
    ++attempts;
    std::stop_source give_up;
    std::optional<std::jthread> gives_up;
    borrow_options how{.timeout = std::chrono::microseconds{one_in(3) ? 200 : 200'000}};
    if (one_in(20)) {
      how.cancel = give_up.get_token();
      gives_up.emplace([&] { give_up.request_stop(); });
    }
    if (one_in(2)) {
      take(from_.borrow(how));
    } else if (auto asked = from_.request(how); !one_in(10)) {
      take(asked.get(1h));
    } else {
      ++dropped;  // returned by its destructor
    }
  }

  std::uint64_t attempts = 0;
  std::uint64_t got = 0;
  std::uint64_t refused = 0;
  std::uint64_t dropped = 0;

 private:
  bool one_in(unsigned n) { return random_() % n == 0; }

  void take(result<lease<fragile>> lent) {
    if (!lent) {
      ++refused;
      const auto code = lent.error().code;
      EXPECT_TRUE(code == errc::pool_exhausted || code == errc::pool_closed ||
                  code == errc::stopped || code == errc::unavailable)
          << lent.error().message;
      return;
    }
    ++got;
    auto& mine = **lent;
    ++mine.uses;
    EXPECT_FALSE(mine.in_transaction);
    if (one_in(4)) mine.in_transaction = true;
    if (one_in(4)) mine.is_touched = true;
    if (one_in(30)) mine.is_broken = true;
    if (one_in(50)) lent->poison();
    if (one_in(8)) std::this_thread::yield();
  }

  pool<fragile> from_;
  std::minstd_rand random_;
};

constexpr unsigned attempts_each = 150;

TEST(PoolStress, NothingIsLostBySixtyFourBorrowersThatFailCancelAndClose) {
  for (int round = 0; round < long_times(4); ++round) {
    world w;
    w.failing = round % 2 == 0 ? 5 : 0;
    auto p = make(w, {.max = 8,
                      .min_idle = 2,
                      .idle_ttl = 2ms,
                      .max_lifetime = 20ms,
                      .max_borrows = 100,
                      .max_waiters = 48,
                      .validate_on_borrow = round % 2 == 0});
    std::atomic<std::uint64_t> attempts{0};
    std::atomic<std::uint64_t> accounted{0};
    {
      std::vector<std::jthread> all;
      for (unsigned i = 0; i < borrowers; ++i) {
        all.emplace_back([&, i] {
          borrower b{p, i * 7 + static_cast<unsigned>(round)};
          for (unsigned n = 0; n < attempts_each; ++n) b.once();
          attempts += b.attempts;
          accounted += b.got + b.refused + b.dropped;
        });
      }
      // Half of the rounds are closed during the work.
      if (round % 4 >= 2) {
        // On a busy machine most waits may be over before 40 borrows each succeed.
        while (p.statistics().borrows < std::uint64_t{borrowers} * 40 &&
               attempts < std::uint64_t{borrowers} * attempts_each) {
          std::this_thread::yield();
        }
        (void)p.close(round % 4 == 2 ? 0ms : 10s);
      }
    }
    EXPECT_EQ(attempts, accounted);
    EXPECT_TRUE(p.close(30s));
    const auto s = p.statistics();
    EXPECT_EQ(s.total, 0u);
    EXPECT_EQ(s.waiting, 0u);
    EXPECT_EQ(w.alive, 0);
    EXPECT_LE(w.most_alive, 8);
    std::uint64_t destroyed = 0;
    for (auto n : s.destroyed) destroyed += n;
    EXPECT_EQ(s.created, destroyed);
  }
}

TEST(PoolStress, NoBorrowerStarves) {
  world w;
  auto p = make(w, {.max = 4, .min_idle = 4});
  const std::uint64_t goal = static_cast<std::uint64_t>(long_times(20'000));
  std::atomic<std::uint64_t> total{0};
  std::vector<std::uint64_t> each(borrowers, 0);
  {
    std::atomic<int> ready{0};
    std::vector<std::jthread> all;
    for (std::size_t i = 0; i < borrowers; ++i) {
      all.emplace_back([&, i] {
        ++ready;
        while (ready < borrowers) std::this_thread::yield();
        while (total < goal) {
          auto lent = p.borrow({.timeout = 1h});
          ASSERT_TRUE(lent);
          ++(*lent)->uses;
          std::this_thread::yield();
          ++each[i];
          ++total;
        }
      });
    }
  }
  const auto [least, most] = std::minmax_element(each.begin(), each.end());
  double sum = 0;
  double squares = 0;
  for (auto n : each) {
    sum += static_cast<double>(n);
    squares += static_cast<double>(n) * static_cast<double>(n);
  }
  // After Jain, Chiu and Hawe (1984): 1 if everybody got the same, 1/64 if one got everything.
  const double fairness = sum * sum / (borrowers * squares);
  std::printf("of %.0f borrows the least that one of 64 got was %ju, the most %ju; fairness %.4f\n",
              sum, static_cast<std::uintmax_t>(*least), static_cast<std::uintmax_t>(*most),
              fairness);
  EXPECT_GT(fairness, 0.95);
  EXPECT_GT(static_cast<double>(*least), 0.5 * sum / borrowers);
}

}}  // namespace nexus
