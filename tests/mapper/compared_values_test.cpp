// Values of conditions and bulk updates are brought into the form of the column, or are refused.
#include <chrono>
#include <limits>

#include "fixture.hpp"

namespace nexus::test { namespace {

using namespace std::chrono_literals;

struct sample {
  std::int64_t id = 0;
  std::chrono::milliseconds took{};
  std::int64_t n = 0;
  std::vector<unsigned char> blob{};
  std::optional<double> ratio{};
  float third = 0;
  std::string text{};
  MSGPACK_DEFINE_MAP(id, took, n, blob, ratio, third, text)
};

class Compared : public Mapped {
 protected:
  Compared() {
    create(is_sqlite() ? "samples ({id}, took bigint NOT NULL, n bigint NOT NULL, blob blob NOT "
                         "NULL, ratio real, third real NOT NULL, text text NOT NULL)"
                       : "samples ({id}, took bigint NOT NULL, n bigint NOT NULL, blob bytea NOT "
                         "NULL, ratio double precision, third double precision NOT NULL, text "
                         "text NOT NULL)");
    by.generated_key("id");
    sample one{.took = 5000ms, .n = 1, .blob = {7, 8}, .text = "a"};
    EXPECT_EQ(message_of(samples.store(one)), "");
  }
  template <class... A>
  std::int64_t count(const A&... where) {
    return must(samples.where(where...).count());
  }
  template <class T>
  std::string refused(std::string column, const T& value) {
    const auto done = samples.all().bulk_update({{std::move(column), value}});
    return code_of(done);
  }

  mapping<sample> by{"samples"};
  mapper<sample> samples{s, by};
};

TEST_P(Compared, ADurationIsInTheUnitOfTheField) {
  EXPECT_EQ(count("took", is::equals, 5s), 1);
  EXPECT_EQ(count("took", is::greater, 1min), 0);
  EXPECT_EQ(code_of(samples.where("took", is::equals, 1us).get()), "invalid_argument");
  EXPECT_EQ(code_of(samples.where("n", is::equals, 1s).get()), "invalid_argument");
  EXPECT_EQ(must(samples.all().bulk_update({{"took", 7s}})), 1);
  EXPECT_EQ(rows("SELECT took FROM samples"), "7000");
}

TEST_P(Compared, BytesAreOneValue) {
  EXPECT_EQ(count("blob", is::equals, std::vector<unsigned char>{7, 8}), 1);
  EXPECT_EQ(must(samples.all().bulk_update({{"blob", std::vector<unsigned char>{9}}})), 1);
  EXPECT_EQ(must(samples.all().first_or_error()).blob, (std::vector<unsigned char>{9}));
}

TEST_P(Compared, AValueOfAnotherKindIsRefusedByName) {
  EXPECT_EQ(refused("n", "abc"), "invalid_argument");
  EXPECT_EQ(refused("text", 5), "invalid_argument");
  EXPECT_EQ(refused("blob", "abc"), "invalid_argument");
  EXPECT_EQ(refused("ratio", std::numeric_limits<double>::quiet_NaN()), "invalid_argument");
  EXPECT_EQ(message_of(samples.where("n", is::equals, "abc").get()),
            "table samples, column n (field n): cannot compare: the value is not stored as "
            "integer");
  EXPECT_EQ(code_of(samples.all().limit(-1).get()), "invalid_argument");
}

TEST_P(Compared, ATextThatIsNotUtf8IsNoExceptionInAList) {
  const auto found = samples.where("text", is::one_of, std::vector<std::string>{"\xff", "a"}).get();
  if (is_sqlite()) {
    EXPECT_EQ(must(found).size(), 1u);
  } else {
    EXPECT_EQ(code_of(found), "query_failed");
  }
}

TEST_P(Compared, AFloatReadsWhatAnotherProgramHasStored) {
  run("UPDATE samples SET third = 0.1");
  auto one = must(samples.all().first_or_error());
  EXPECT_EQ(one.third, 0.1F);
  EXPECT_EQ(samples.store(one).what, stored_as::unchanged);
}

NEXUS_ON_BOTH_DATABASES(Compared);

struct moment {
  std::int64_t id = 0;
  timestamp at{};
  std::chrono::sys_seconds second{};
  MSGPACK_DEFINE_MAP(id, at, second)
};

class Moments : public Mapped {
 protected:
  Moments() {
    create(is_sqlite() ? "moments ({id}, at text NOT NULL, second text NOT NULL)"
                       : "moments ({id}, at timestamptz NOT NULL, second timestamptz NOT NULL)");
    by.generated_key("id");
  }
  mapping<moment> by{"moments"};
  mapper<moment> moments{s, by};
};

TEST_P(Moments, ATimeThatCouldNotBeReadAgainIsNotWritten) {
  moment never{.at = timestamp::max()}, far{.second = std::chrono::sys_seconds::max()};
  EXPECT_EQ(code_of(moments.store(never)), "invalid_argument");
  EXPECT_EQ(code_of(moments.store(far)), "invalid_argument");
  using namespace std::chrono;
  moment last{.at = sys_days{year{9999} / 12 / 31} + 23h, .second = sys_days{year{1} / 1 / 1}};
  EXPECT_EQ(message_of(moments.store(last)), "");
  const auto read = must(mapper<moment>{s, by}.find_or_error(last.id));
  EXPECT_EQ(read.at, last.at);
  EXPECT_EQ(read.second, last.second);
}

TEST_P(Moments, APartOfASecondBefore1970IsCutOffAsWritingDoes) {
  run("INSERT INTO moments (at, second) VALUES ('1969-12-31 23:59:58.5+00', "
      "'1969-12-31 23:59:58.5+00')");
  const auto one = must(moments.all().first_or_error());
  EXPECT_EQ(one.second, std::chrono::sys_seconds{-2s});
}

NEXUS_ON_BOTH_DATABASES(Moments);

struct small {
  std::int32_t id = 0;
  std::string text{};
  MSGPACK_DEFINE_MAP(id, text)
};

class SmallKey : public Mapped {};

TEST_P(SmallKey, ThatCannotHoldTheDatabasesKeyLeavesNoRow) {
  create("small ({id}, text text NOT NULL)");
  run("INSERT INTO small (id, text) VALUES (3000000000, 'a')");
  if (!is_sqlite()) run("SELECT setval(pg_get_serial_sequence('small', 'id'), 3000000000)");
  mapping<small> by{"small"};
  by.generated_key("id");
  mapper<small> all{s, by};
  small one{.text = "b"};
  EXPECT_EQ(all.store(one).what, stored_as::failed);
  EXPECT_EQ(rows("SELECT text FROM small"), "a");
  EXPECT_EQ(one.id, 0);
}

struct counted {
  std::int64_t id = 0;
  std::uint8_t version = 0;
  std::string text{};
  MSGPACK_DEFINE_MAP(id, version, text)
};

TEST_P(SmallKey, AVersionThatCannotBeRaisedLeavesTheRow) {
  create("counted ({id}, version bigint NOT NULL, text text NOT NULL)");
  run("INSERT INTO counted (id, version, text) VALUES (1, 255, 'a')");
  mapping<counted> by{"counted"};
  by.generated_key("id").version("version");
  mapper<counted> all{s, by};
  auto one = must(all.find_or_error(1));
  one.text = "b";
  EXPECT_EQ(all.store(one).what, stored_as::failed);
  EXPECT_EQ(rows("SELECT text, version FROM counted"), "a|255");
}

NEXUS_ON_BOTH_DATABASES(SmallKey);

}  // namespace
}  // namespace nexus::test
