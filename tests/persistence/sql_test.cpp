// Values are read as the requested types, and sessions without SQL.
#include "nexus/sql.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "nexus/memory.hpp"
#include "nexus/transaction.hpp"

namespace {

using namespace nexus;

template <class T>
std::optional<T> read(const sql_value& value) {
  return detail::from_sql<T>(value);
}

TEST(SqlValue, IsReadAsItsOwnTypeOnly) {
  const std::vector<sql_value> all{std::monostate{}, true,          std::int64_t{5}, 0.5,
                                   std::string{"x"}, sql_bytes{"x"}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(read<bool>(all[i]).has_value(), i == 1) << i;
    EXPECT_EQ(read<std::int64_t>(all[i]).has_value(), i == 2) << i;
    EXPECT_EQ(read<double>(all[i]).has_value(), i == 2 || i == 3) << i;
    EXPECT_EQ(read<std::string>(all[i]).has_value(), i == 4) << i;
    EXPECT_EQ(read<sql_bytes>(all[i]).has_value(), i == 5) << i;
  }
}

TEST(SqlValue, AnIntegerIsReadAsSomethingElseIfNothingIsLost) {
  EXPECT_EQ(read<bool>(std::int64_t{1}), true);
  EXPECT_EQ(read<bool>(std::int64_t{0}), false);
  EXPECT_EQ(read<bool>(std::int64_t{2}), std::nullopt);
  constexpr std::int64_t exact = std::int64_t{1} << 53;
  EXPECT_EQ(read<double>(exact), 9007199254740992.0);
  EXPECT_EQ(read<double>(-exact), -9007199254740992.0);
  EXPECT_EQ(read<double>(exact + 1), std::nullopt);
  EXPECT_EQ(read<double>(std::numeric_limits<std::int64_t>::min()), std::nullopt);
}

TEST(SqlText, ItsFirstWordIsFoundBehindBlanksAndComments) {
  EXPECT_EQ(detail::first_word("select 1"), "SELECT");
  EXPECT_EQ(detail::first_word(" \n;-- one\n/* two; */ Commit;"), "COMMIT");
  EXPECT_EQ(detail::first_word("(SELECT 1)"), "(");
  for (const auto* none : {"", " ; ", "-- COMMIT", "/* COMMIT", "/**/"}) {
    EXPECT_EQ(detail::first_word(none), "") << none;
  }
}

TEST(SqlSession, OfADatabaseWithoutSqlSaysSo) {
  auto store = memory_backend().open(uri::parse("memory:").value()).value();
  auto s = store->open_session().value();
  const auto done = s->execute("SELECT $1", 1);
  EXPECT_EQ(done.error(), (error{errc::query_failed, "this kind of database has no SQL"}));
  EXPECT_EQ(transactional(*s, [](session&) {}).error().code, errc::query_failed);
  EXPECT_FALSE(s->in_transaction());
  EXPECT_TRUE(s->finish());
}

TEST(RetryPause, IsBoundedInNumberAndLength) {
  using namespace std::chrono_literals;
  const transaction_options twice{.retries_max = 2, .retry_pause = 0ms};
  EXPECT_TRUE(detail::pause_before_retry(1, twice));
  EXPECT_TRUE(detail::pause_before_retry(2, twice));
  EXPECT_FALSE(detail::pause_before_retry(3, twice));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(detail::pause_before_retry(60, {.retries_max = 60, .retry_pause = 5ms}));
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(took, 500ms) << "doubled, but for the jitter";
  EXPECT_LT(took, 10s);
}

}  // namespace
