#include "nexus/uri.hpp"

#include <gtest/gtest.h>

#include <array>

using nexus::errc;
using nexus::uri;

namespace {

uri parsed(std::string_view text) { return uri::parse(text).value(); }

/// Why `text` is refused; empty if it is not.
std::string refusal(std::string_view text) {
  auto made = uri::parse(text);
  if (made) return {};
  EXPECT_EQ(made.error().code, errc::invalid_argument);
  EXPECT_NE(made.error().message.find(text), std::string::npos) << "names the URI";
  return made.error().message;
}

}  // namespace

TEST(Uri, HasSchemePathAndParameters) {
  auto made = parsed("sqlite:/var/lib/bank.db?synchronous=normal&cache=64");
  EXPECT_EQ(made.text, "sqlite:/var/lib/bank.db?synchronous=normal&cache=64");
  EXPECT_EQ(made.scheme, "sqlite");
  EXPECT_EQ(made.path, "/var/lib/bank.db");
  EXPECT_EQ(made.parameters,
            (std::map<std::string, std::string>{{"cache", "64"}, {"synchronous", "normal"}}));
}

TEST(Uri, PathAndParametersMayBeMissing) {
  EXPECT_EQ(parsed("memory:").path, "");
  EXPECT_TRUE(parsed("memory:").parameters.empty());
  EXPECT_TRUE(parsed("memory:?").parameters.empty());
  EXPECT_EQ(parsed("sqlite:?a=1").path, "");
}

TEST(Uri, PasswordsAreNotShown) {
  EXPECT_EQ(uri::shown("postgresql://bob:pw@host/bank?a=b"), "postgresql://bob:***@host/bank?a=b");
  EXPECT_EQ(uri::shown("postgresql://bob@host:5432/bank"), "postgresql://bob@host:5432/bank");
  EXPECT_EQ(uri::shown("postgresql://host:5432/bank"), "postgresql://host:5432/bank");
  EXPECT_EQ(uri::shown("postgresql://b:p@w/x?y&z@host/bank"),
            "postgresql://b:***@w/x?y&z@host/bank")
      << "as libpq takes it";
  EXPECT_EQ(uri::shown("postgresql://b:p/w?@host/bank"), "postgresql://b:***@host/bank");
  EXPECT_EQ(uri::shown("x:y?a=1&pass%77ord=pw&b=2"), "x:y?a=1&pass%77ord=***&b=2");
  EXPECT_EQ(uri::shown("x://b:pw@h/?sslpassword=pw"), "x://b:***@h/?sslpassword=***");
  EXPECT_EQ(uri::shown("sqlite:a@b:c.db"), "sqlite:a@b:c.db");
  for (std::string_view bad : {"x://b:hush@h/?a", "x://b:hu?sh@h"}) {
    const auto made = uri::parse(bad);
    ASSERT_FALSE(made) << bad;
    EXPECT_EQ(made.error().message.find("sh@"), std::string::npos) << made.error().message;
  }
}

TEST(Uri, TheSchemeIsLowerCase) { EXPECT_EQ(parsed("SQLite:Bank.db").scheme, "sqlite"); }

TEST(Uri, ThePathIsTakenAsItIs) {
  EXPECT_EQ(parsed("sqlite:Bank.db").path, "Bank.db");
  EXPECT_EQ(parsed("sqlite:C:/bank.db").path, "C:/bank.db");
  EXPECT_EQ(parsed("sqlite:größe & more.db").path, "größe & more.db");
  EXPECT_EQ(parsed("postgres://host:5432/bank").path, "//host:5432/bank");
}

TEST(Uri, PercentEscapesAreDecoded) {
  EXPECT_EQ(parsed("sqlite:a%20b%3Fc%3f.db").path, "a b?c?.db");
  EXPECT_EQ(parsed("sqlite:x?%6Bey=a%26b%3Dc").parameters.at("key"), "a&b=c");
  EXPECT_EQ(parsed("sqlite:%2541").path, "%41") << "once";
}

TEST(Uri, APercentThatIsNoEscapeStays) {
  EXPECT_EQ(parsed("sqlite:100%.db").path, "100%.db");
  EXPECT_EQ(parsed("sqlite:100%zz").path, "100%zz");
  EXPECT_EQ(parsed("sqlite:100%4").path, "100%4");
  EXPECT_EQ(parsed("sqlite:100%").path, "100%");
}

TEST(Uri, AValueMayBeEmptyOrContainAnEqualsSign) {
  EXPECT_EQ(parsed("x:?a=").parameters.at("a"), "");
  EXPECT_EQ(parsed("x:?a=b=c").parameters.at("a"), "b=c");
}

TEST(Uri, WithoutASchemeItIsRefused) {
  for (auto text : {"", ":", ":bank.db", "bank.db", "/var/lib/bank.db", "?a=1"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
}

TEST(Uri, AParameterIsAKeyAndAValue) {
  EXPECT_NE(refusal("x:p?a").find("\"a\""), std::string::npos);
  EXPECT_NE(refusal("x:p?a=1&b").find("\"b\""), std::string::npos);
  EXPECT_NE(refusal("x:p?=1"), "");
  EXPECT_NE(refusal("x:p?a=1&&b=2"), "");
}

TEST(Uri, AParameterGivenTwiceIsRefused) {
  EXPECT_NE(refusal("x:p?a=1&b=2&a=1").find("\"a\""), std::string::npos);
}

TEST(Uri, OnlyKnownParametersAreTaken) {
  constexpr std::array<std::string_view, 2> known{"cache", "synchronous"};
  EXPECT_TRUE(parsed("x:").only(known));
  EXPECT_TRUE(parsed("x:?cache=1").only(known));
  EXPECT_TRUE(parsed("x:?synchronous=full&cache=1").only(known));

  auto refused = parsed("x:?cache=1&synchronus=full").only(known);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_argument);
  EXPECT_NE(refused.error().message.find("\"synchronus\""), std::string::npos);
}

TEST(Uri, WhereNoParameterIsKnownAnyIsRefused) {
  EXPECT_TRUE(parsed("x:").only({}));
  EXPECT_FALSE(parsed("x:?a=1").only({}));
  EXPECT_FALSE(parsed("x:?A=1").only(std::array<std::string_view, 1>{"a"}));
}
