// JSON of untrusted clients: a handler gets exactly what was sent, or the client gets a 400.
#include <array>
#include <map>
#include <set>

#include "json_reading.hpp"
#include "web_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

enum class colour : std::uint8_t { red, green };
NLOHMANN_JSON_SERIALIZE_ENUM(colour, {{colour::red, "red"}, {colour::green, "green"}})

enum class plain : std::int8_t { one = 1 };

struct everything {
  std::int8_t i8 = 0;
  std::uint8_t u8 = 0;
  std::int16_t i16 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::uint32_t u32 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  float f = 0;
  double d = 0;
  bool b = false;
  std::string s;
  colour c = colour::red;
  plain p = plain::one;
  std::vector<int> v;
  std::set<int> ordered;
  std::set<std::string> words;
  std::map<std::string, std::int16_t> m;
  std::map<int, int> by_number;
  std::pair<int, double> pair;
  std::array<int, 2> two{};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(everything, i8, u8, i16, u16, i32, u32, i64, u64, f,
                                                d, b, s, c, p, v, ordered, words, m, by_number,
                                                pair, two)

struct tree {
  std::int64_t n = 0;
  std::vector<tree> of;
};
void to_json(json& to, const tree& t) {
  to = {{"n", t.n}, {"of", json::array()}};
  for (const auto& one : t.of) to["of"].push_back(one);
}
void from_json(const json& from, tree& t) {
  from.at("n").get_to(t.n);
  for (const auto& one : from.value("of", json::array())) t.of.push_back(one.get<tree>());
}

// Has only from_json, and so checks by itself.
struct one_way {
  std::int64_t cents = 0;
};
void from_json(const json& from, one_way& t) {
  t.cents = std::stoll(from.at("dollars").get<std::string>()) * 100;
}

template <class T>
bool takes(const std::string& text) {
  http::request r;
  r.body = text;
  const auto read = r.json<T>();
  if (!read) {
    EXPECT_EQ(read.error().code, errc::invalid_argument);
  }
  return read.has_value();
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + "1" + std::string(depth, ']');
}

TEST(Json, ANumberThatDoesNotFitTheDeclaredIntegerIsNotAnotherNumber) {
  for (const auto* right :
       {"0", "-9223372036854775808", "9223372036854775807", "1.0", "1e2", "-0"}) {
    EXPECT_TRUE(takes<std::int64_t>(right)) << right;
  }
  for (const auto* wrong : {"18446744073709551615", "9223372036854775808", "1.99", "1e30", "-1e30",
                            "0.1", "1e-9", "9007199254740993.0", "true", "\"1\"", "null", "[1]"}) {
    EXPECT_FALSE(takes<std::int64_t>(wrong)) << wrong;
  }
  EXPECT_TRUE(takes<std::uint64_t>("18446744073709551615"));
  for (const auto* wrong : {"-1", "18446744073709551616", "1e20", "0.5"}) {
    EXPECT_FALSE(takes<std::uint64_t>(wrong)) << wrong;
  }
  EXPECT_TRUE(takes<double>("1.99") && takes<double>("1e30") && takes<double>("0.1"));
  EXPECT_TRUE(takes<double>("9007199254740992"));
  EXPECT_FALSE(takes<double>("9007199254740993"));
  EXPECT_FALSE(takes<double>("18446744073709551615"));
  EXPECT_FALSE(takes<double>("1e999"));
  EXPECT_FALSE(takes<double>("true"));
  EXPECT_TRUE(takes<float>("0.1") && takes<float>("16777216") && takes<float>("3.25e10"));
  EXPECT_FALSE(takes<float>("16777217"));
  EXPECT_FALSE(takes<float>("1e300"));
  EXPECT_FALSE(takes<float>("1e-300"));
  EXPECT_FALSE(takes<bool>("1"));
  EXPECT_FALSE(takes<plain>("257"));
  EXPECT_TRUE(takes<plain>("1"));
  EXPECT_FALSE(takes<colour>("\"purple\""));
  EXPECT_TRUE(takes<colour>("\"green\""));
}

TEST(Json, EveryFieldOfATypeIsWhatWasSent) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> right{
      {"i8", {"-128", "127"}},
      {"u8", {"0", "255"}},
      {"i16", {"-32768", "32767"}},
      {"u16", {"65535"}},
      {"i32", {"-2147483648", "2147483647"}},
      {"u32", {"4294967295"}},
      {"i64", {"-9223372036854775808", "9223372036854775807"}},
      {"u64", {"18446744073709551615"}},
      {"f", {"0.1", "-1e30", "0"}},
      {"d", {"0.1", "-1e300", "5e-324", "12345678901234567890.5"}},
      {"b", {"true", "false"}},
      {"s", {"\"\"", "\"\\u0000\\ud83d\\ude00\""}},
      {"c", {"\"red\""}},
      {"v", {"[]", "[2,1,2]"}},
      {"ordered", {"[3,1,2,1]", "[]"}},
      {"words", {"[\"b\",\"a\",\"b\"]"}},
      {"m", {"{\"a\":1}"}},
      {"by_number", {"[[2,1],[1,2]]"}},
      {"pair", {"[1,1.5]"}},
      {"two", {"[1,2]"}},
      {"unknown", {"1.5", "[[[]]]"}}};
  for (const auto& [name, values] : right) {
    for (const auto& value : values) {
      EXPECT_TRUE(takes<everything>("{\"" + name + "\":" + value + "}")) << name << value;
    }
  }
  const std::vector<std::pair<std::string, std::vector<std::string>>> wrong{
      {"i8", {"-129", "128", "256", "0.5", "true"}},
      {"u8", {"-1", "256"}},
      {"i16", {"65536", "-32769"}},
      {"u16", {"65536", "-1"}},
      {"i32", {"4294967296", "2147483648", "1e10"}},
      {"u32", {"4294967296", "-1"}},
      {"i64", {"9223372036854775808", "1.99", "1e30"}},
      {"u64", {"-1", "18446744073709551616"}},
      {"f", {"1e39", "16777217"}},
      {"d", {"9007199254740993"}},
      {"c", {"\"blue\""}},
      {"p", {"257"}},
      {"v", {"[1,1.99]", "[1,true]", "[4294967297]"}},
      {"ordered", {"[1,1.99]", "[2,1.5,1]"}},
      {"m", {"{\"a\":65537}"}},
      {"by_number", {"[[1.5,1]]", "[[2,1],[1,4294967297]]"}},
      {"pair", {"[1.5,1]", "[1,2,3]"}},
      {"two", {"[1,2,3]"}}};
  for (const auto& [name, values] : wrong) {
    for (const auto& value : values) {
      EXPECT_FALSE(takes<everything>("{\"" + name + "\":" + value + "}")) << name << value;
    }
  }
}

TEST(Json, TheErrorNamesThePlaceAndBothNumbers) {
  http::request r;
  r.body = R"({"n":1,"of":[{"n":1.99}]})";
  EXPECT_EQ(r.json<tree>().error().message,
            "the body is not the expected JSON: at /of/0/n 1.99 would be read as 1");
}

// A comparison done twice per level would take 2 to the power of 30 steps here.
TEST(Json, ADifferenceThatLiesDeepIsFoundAtOnce) {
  std::string text = R"({"n":1.99})";
  for (int i = 0; i < 30; ++i) text = R"({"n":1,"of":[)" + text + "]}";
  EXPECT_FALSE(takes<tree>(text));
}

TEST(Json, ACustomTypeReadsItsOwnForm) {
  EXPECT_TRUE(takes<one_way>(R"({"dollars":"5"})"));
  EXPECT_FALSE(takes<one_way>(R"({"dollars":5})"));
}

TEST(Json, AKeyThatStandsTwiceIsRefused) {
  EXPECT_FALSE(takes<json>(R"({"a":1,"a":2})"));
  EXPECT_FALSE(takes<json>(R"({"b":{"a":1,"c":[],"a":1}})"));
  EXPECT_FALSE(takes<json>(R"({"a":1,"\u0061":2})"));
  EXPECT_TRUE(takes<json>(R"([{"a":1},{"a":{"a":2}}])"));
}

TEST(Json, TooDeeplyNestedJsonIsRefusedAndNotCopied) {
  EXPECT_TRUE(takes<json>(nested(64)));
  EXPECT_FALSE(takes<json>(nested(65)));
  EXPECT_FALSE(takes<json>(nested(60'000)));
  EXPECT_FALSE(takes<json>(std::string(1'000'000, '[')));
  std::string objects = "1";
  for (int i = 0; i < 65; ++i) objects = R"({"a":)" + objects + "}";
  EXPECT_FALSE(takes<json>(objects));
}

TEST(Json, InvalidJsonIsRefused) {
  for (const auto* wrong : {"", " ", "{", "[1,]", "{\"a\":}", "nul", "1 2", "'a'", "\"\xff\"",
                            "\"\\ud800\"", "NaN", "01", "+1", "// 1\n1", "\xef\xbb\xbf"}) {
    EXPECT_FALSE(takes<json>(wrong)) << wrong;
  }
}

struct JsonOverHttp : Web {};

TEST_F(JsonOverHttp, NestedSixtyThousandDeepIs400AndTheServerLivesOn) {
  make().post("/any", [](http::body<json> b) { return *b; });
  web->post("/cents", [](http::body<std::int64_t> n) { return *n; });
  start();
  auto c = client();
  EXPECT_EQ(c.post("/any", nested(60'000), "application/json")->status, 400);
  EXPECT_EQ(c.post("/any", nested(64), "application/json")->body, nested(64));
  for (const auto* wrong : {"18446744073709551615", "1.99", "1e30"}) {
    const auto r = c.post("/cents", wrong, "application/json");
    EXPECT_EQ(r->status, 400) << wrong;
    EXPECT_EQ(parsed(r)["title"], "invalid_argument");
  }
  EXPECT_EQ(c.post("/cents", "7", "application/json")->body, "7");
}

}  // namespace
