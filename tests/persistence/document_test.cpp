// A stored map is changed by name, and impossible changes are refused by name.
#include <gtest/gtest.h>

#include <map>
#include <nexus/document.hpp>
#include <random>
#include <vector>

using namespace nexus;

namespace {

struct place {
  std::string city;
  std::int64_t zip = 0;
  MSGPACK_DEFINE_MAP(city, zip)
};

struct person {
  std::string name;
  place home;
  std::vector<place> others;
  std::map<std::string, place> by_use;
  std::map<std::int64_t, std::string> years;
  std::optional<std::int64_t> age;
  MSGPACK_DEFINE_MAP(name, home, others, by_use, years, age)
};

document a_person() {
  return *document::parse(encode(person{
      .name = "Ada",
      .home = {"London", 1},
      .others = {{"Paris", 2}, {"Turin", 3}},
      .by_use = {{"work", {"Leeds", 4}}},
      .years = {{1833, "Babbage"}},
      .age = 36,
  }));
}

template <class T>
std::string why_not(const result<T>& r) {
  return r ? "is there" : std::string{to_string(r.error().code)} + ": " + r.error().message;
}

}  // namespace

TEST(Document, UntouchedFieldsStayByteForByte) {
  const auto before = encode(person{"Ada", {"x", -1}, {}, {}, {{1, "y"}}, {}});
  EXPECT_EQ(document::parse(before)->bytes(), before);
  EXPECT_EQ(document{}.bytes(), "\x80");
}

TEST(Document, FieldsAreReadStrictly) {
  auto d = a_person();
  EXPECT_EQ(d.get<std::string>("name"), "Ada");
  EXPECT_EQ(d.get<place>("home")->city, "London");
  EXPECT_EQ(d.get<std::vector<place>>("others")->at(1).zip, 3);
  EXPECT_EQ((d.get<std::map<std::int64_t, std::string>>("years")->at(1833)), "Babbage");
  EXPECT_EQ(why_not(d.get<std::int64_t>("name")),
            "corrupt: field \"name\": 4 bytes of msgpack: not the expected type");
  EXPECT_EQ(why_not(d.get<std::int64_t>("nam")), "corrupt: field \"nam\" is missing");
  EXPECT_EQ(why_not(d.get<place>("others")),
            "corrupt: field \"others\": 35 bytes of msgpack: is not a map");
}

TEST(Document, AnOptionalFieldMayBeMissingOrNil) {
  auto d = a_person();
  using maybe = std::optional<std::int64_t>;
  EXPECT_EQ(d.get<maybe>("age").value(), maybe{36});
  EXPECT_EQ(d.get<maybe>("weight").value(), maybe{});
  d.set("age", maybe{});
  EXPECT_TRUE(d.has("age"));
  EXPECT_EQ(d.get<maybe>("age").value(), maybe{});
  EXPECT_FALSE(d.get<maybe>("name")) << "there, and not a number";
}

TEST(Document, FieldsAreSetRenamedAndErased) {
  auto d = a_person();
  d.set("name", std::int64_t{7});
  d.set("born", place{"here", 8});
  EXPECT_TRUE(d.rename("age", "years_old"));
  EXPECT_FALSE(d.rename("age", "years_old"));
  EXPECT_TRUE(d.erase("others"));
  EXPECT_FALSE(d.erase("others"));
  auto after = *document::parse(d.bytes());
  EXPECT_EQ(after.names(),
            (std::vector<std::string>{"name", "home", "by_use", "years", "years_old", "born"}));
  EXPECT_EQ(after.get<std::int64_t>("name"), 7);
  EXPECT_EQ(after.get<place>("born")->zip, 8);
  EXPECT_EQ(after.get<std::int64_t>("years_old"), 36);
}

TEST(Document, RenamingOntoANameThatIsTakenLosesNothing) {
  document d;
  d.set("a", 1);
  d.set("b", 2);
  d.set("c", 3);
  std::string why;
  try {
    (void)d.rename("c", "a");
  } catch (const std::invalid_argument& e) {
    why = e.what();
  }
  EXPECT_EQ(
      why,
      "field \"c\" cannot be renamed to \"a\": there is a field of that name already; erase the "
      "one that is not wanted first");
  EXPECT_EQ(d.get<int>("a"), 1);
  EXPECT_EQ(d.get<int>("c"), 3);
  EXPECT_TRUE(d.erase("a"));
  EXPECT_TRUE(d.rename("c", "a"));
  EXPECT_EQ(d.names(), (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(d.rename("a", "a"));
  EXPECT_EQ(d.get<int>("a"), 3);
}

TEST(Document, ANestedMapIsChangedInPlace) {
  auto d = a_person();
  {
    auto home = d.at("home");
    ASSERT_TRUE(home);
    home->rename("city", "town");
    d.set("more", 1);  // the nested one stays the parent's
    auto again = d.at("home");
    again->set("zip", std::int64_t{9});
    EXPECT_EQ(home->get<std::int64_t>("zip"), 9);
  }
  auto after = *document::parse(d.bytes());
  EXPECT_EQ(after.at("home")->get<std::string>("town"), "London");
  EXPECT_EQ(after.at("home")->get<std::int64_t>("zip"), 9);
  EXPECT_EQ(after.at("by_use")->at("work")->get<std::string>("city"), "Leeds");
}

TEST(Document, ANestedMapOutlivesItsParent) {
  auto home = a_person().at("home");
  home->set("zip", std::int64_t{5});
  EXPECT_EQ(home->get<std::int64_t>("zip"), 5);
}

TEST(Document, ContainersOfMapsAreCopiesThatAreSetAgain) {
  auto d = a_person();
  auto others = *d.get<std::vector<document>>("others");
  for (auto& one : others) one.set("country", "FR");
  EXPECT_FALSE(d.get<std::vector<document>>("others")->at(0).has("country"));
  d.set("others", others);
  EXPECT_EQ(d.get<std::vector<document>>("others")->at(1).get<std::string>("country"), "FR");
  EXPECT_EQ(d.get<std::vector<place>>("others")->at(1).city, "Turin");
  auto copy = *d.get<document>("home");
  copy.set("city", "Rome");
  EXPECT_EQ(d.at("home")->get<std::string>("city"), "London");
}

TEST(Document, AnythingButAMapIsRefused) {
  auto d = a_person();
  EXPECT_EQ(why_not(d.at("name")), "corrupt: field \"name\": 4 bytes of msgpack: is not a map");
  EXPECT_EQ(why_not(d.at("street")), "corrupt: field \"street\" is missing");
  EXPECT_EQ(why_not(d.at("years")),
            "corrupt: field \"years\": 12 bytes of msgpack: has a key that is not a string");
  EXPECT_EQ(why_not(document::parse("\x01")), "corrupt: 1 bytes of msgpack: is not a map");
  EXPECT_EQ(document::parse("").error().code, errc::corrupt);
  EXPECT_EQ(document::parse("\xdf\xff\xff\xff\xff").error().code, errc::corrupt)
      << "a claim of 4 G pairs";
}

TEST(Document, ArbitraryBytesNeverCrash) {
  std::mt19937 random{7};
  const auto good = a_person().bytes();
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = good;
    for (auto flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    auto d = document::parse(bytes);
    if (!d) continue;
    EXPECT_EQ(document::parse(d->bytes())->names(), d->names());
    (void)d->at("home").has_value();
    (void)d->get<std::vector<document>>("others").has_value();
  }
}
