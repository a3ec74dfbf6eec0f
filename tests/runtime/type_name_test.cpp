// Names of types as labels, at compile time, on every compiler that builds this.
#include <gtest/gtest.h>

#include <nexus/detail/type_name.hpp>
#include <string>
#include <utility>
#include <vector>

using nexus::detail::full_type_name;
using nexus::detail::type_name;

namespace bank::inline v7 {
struct account {
  struct withdraw {};
  template <class T>
  struct add {
    struct each {};
  };
  enum class kind { plain };
};
}

namespace {
struct hidden {
  struct inner {};
};
}  // namespace

struct top {};

static_assert(type_name<bank::account::withdraw>() == "withdraw");
static_assert(type_name<bank::account>() == "account");
static_assert(type_name<top>() == "top");
static_assert(type_name<int>() == "int");
static_assert(type_name<hidden>() == "hidden");
static_assert(type_name<hidden::inner>() == "inner");
static_assert(type_name<bank::account::kind>() == "kind");
static_assert(type_name<bank::account::add<bank::account::withdraw>>() == "add");
static_assert(type_name<bank::account::add<std::pair<top, bank::account>>::each>() == "each");
static_assert(type_name<std::vector<std::string>>() == "vector");
static_assert(full_type_name<top>() == "top");

TEST(TypeName, OfALocalTypeIsItsOwn) {
  struct local {};
  EXPECT_EQ(type_name<local>(), "local") << full_type_name<local>();
  const std::string full{full_type_name<bank::account::withdraw>()};
  EXPECT_TRUE(full.starts_with("bank::") && full.ends_with("account::withdraw")) << full;
}
