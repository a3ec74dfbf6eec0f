// The meaning of each error of a journal, and that the circuit breaker follows it.
#include "nexus/journal_errors.hpp"

#include <gtest/gtest.h>

#include <set>

#include "journal_guard.hpp"

using namespace nexus;

namespace {

std::set<errc> codes_that(bool (*hold)(errc)) {
  std::set<errc> found;
  for (std::size_t i = 0; i < errcs; ++i) {
    if (hold(static_cast<errc>(i))) found.insert(static_cast<errc>(i));
  }
  return found;
}

TEST(JournalErrors, PassingErrorsAreRetried) {
  EXPECT_EQ(codes_that(may_pass),
            (std::set{errc::unavailable, errc::timeout, errc::outcome_unknown, errc::query_failed,
                      errc::constraint_violated, errc::serialization_failed, errc::overloaded,
                      errc::pool_exhausted}));
}

TEST(JournalErrors, OnlyTroubleOfTheStorageCountsForTheBreaker) {
  EXPECT_EQ(codes_that(counts_for_breaker),
            (std::set{errc::unavailable, errc::timeout, errc::outcome_unknown, errc::query_failed,
                      errc::constraint_violated}));
}

/// Whether two such answers in a row open the breaker.
template <class Answer>
bool opens(const Answer& answer) {
  journal_guard guard{"a journal", {.breaker_failures = 2}};
  refusing_session session{{errc::unavailable, "is not asked"}};
  for (int i = 0; i < 2; ++i) {
    (void)guard.through(session, [&](journal_session&) { return answer; });
  }
  return guard.status().now == circuit::open;
}

TEST(JournalErrors, InvalidRequestsAreNeverRetried) {
  EXPECT_EQ(codes_that([](errc code) { return meaning_of(code) == error_meaning::of_request; }),
            (std::set{errc::invalid_id, errc::invalid_argument, errc::too_large}));
}

TEST(JournalErrors, TheBreakerGoesByTheSameTable) {
  for (std::size_t i = 0; i < errcs; ++i) {
    const auto code = static_cast<errc>(i);
    const error why{code, "says the test"};
    EXPECT_EQ(opens(result<void>{tl::unexpected{why}}), counts_for_breaker(code))
        << to_string(code);
    EXPECT_EQ(opens(std::vector<append_outcome>{failed{why}}), counts_for_breaker(code))
        << to_string(code);
  }
}

TEST(JournalErrors, OneAnswerAmongFailuresIsNoFailure) {
  const error down{errc::unavailable, "down"};
  EXPECT_TRUE(opens(std::vector<append_outcome>{failed{down}, unknown{down}}));
  EXPECT_FALSE(opens(std::vector<append_outcome>{failed{down}, conflict{1}}));
  EXPECT_FALSE(opens(std::vector<append_outcome>{stored{}, unknown{down}}));
  EXPECT_FALSE(opens(std::vector<append_outcome>{failed{{errc::corrupt, "a row"}}, failed{down}}));
}

}  // namespace
