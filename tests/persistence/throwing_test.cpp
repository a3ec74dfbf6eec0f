// Functions of the program that a store calls and that throw.
#include <gtest/gtest.h>

#include <future>
#include <nexus/live_reader.hpp>
#include <nexus/nexus.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <nexus/testkit/faulty.hpp>

using namespace nexus;
using namespace std::chrono_literals;
using testkit::fault;
using testkit::must;
using testkit::operation;

namespace {

class ThrowingInAStore : public testing::TestWithParam<bool> {
 protected:
  [[noreturn]] static void oops() {
    if (GetParam()) throw std::runtime_error{"oops"};
    throw 7;
  }
  // The answer of a read, if `f` is called at all.
  static result<void> read(const store& s, std::function<result<void>(journal_session&)> f) {
    auto called = std::make_shared<std::promise<void>>();
    auto done = called->get_future();
    auto queued = s.read([called, f = std::move(f)](journal_session& on) {
      struct at_end {
        std::promise<void>& p;
        ~at_end() { p.set_value(); }
      } const over{*called};
      return f(on);
    });
    if (queued) {
      EXPECT_EQ(done.wait_for(30s), std::future_status::ready);
    }
    return queued;
  }

  const std::shared_ptr<testkit::faults> faults = std::make_shared<testkit::faults>();
};

INSTANTIATE_TEST_SUITE_P(All, ThrowingInAStore, testing::Values(true, false),
                         [](const auto& of) { return of.param ? "Exception" : "Number"; });

}  // namespace

TEST_P(ThrowingInAStore, AReadCostsNeitherItsThreadNorItsSession) {
  const auto s = must(nexus::open("memory:", {memory_backend()}, {.readers = 1}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(read(s, [](journal_session&) -> result<void> { oops(); }));
  }
  bool ran = false;
  ASSERT_TRUE(read(s, [&](journal_session&) {
    ran = true;
    return result<void>{};
  }));
  EXPECT_TRUE(ran);
  EXPECT_EQ(s.breaker().failures, 0u) << "the storage has nothing to do with it";
  EXPECT_TRUE(s.close(30s));
}

TEST_P(ThrowingInAStore, AReadThatTriesAnOpenBreakerClosesIt) {
  const auto s = must(
      nexus::open("memory:", {memory_backend()}, {.breaker_failures = 1, .breaker_reset = 1ms}));
  ASSERT_TRUE(
      read(s, [](journal_session&) -> result<void> { return fail(errc::unavailable, "no disk"); }));
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (s.breaker().now != circuit::open) ASSERT_LT(std::chrono::steady_clock::now(), end);
  while (!read(s, [](journal_session&) -> result<void> { oops(); })) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
  while (s.breaker().now != circuit::closed) ASSERT_LT(std::chrono::steady_clock::now(), end);
}

TEST_P(ThrowingInAStore, ASinkOfALiveReaderKeepsItsRecordAndNoSession) {
  const auto s =
      must(nexus::open("memory:", {memory_backend()}, {.pool = {.max = 1, .min_idle = 0}}));
  testkit::terse_session session{must(s.open_session())};
  ASSERT_EQ(session.append(must(persistence_id::make("t", "a")), 0, {"x", "y"}), "stored");
  auto reader = must(live_reader::open(s));
  EXPECT_ANY_THROW((void)reader.read(
      [](const persistence_id&, const record_view& r) {
        if (r.number == 2) oops();
        return true;
      },
      0s));
  EXPECT_EQ(s.sessions().statistics().in_use, 0u);
  std::vector<sequence_nr> seen;
  EXPECT_EQ(reader.read(
                [&](const persistence_id&, const record_view& r) {
                  seen.push_back(r.number);
                  return true;
                },
                0s),
            1u);
  EXPECT_EQ(seen, std::vector<sequence_nr>{2});
}
