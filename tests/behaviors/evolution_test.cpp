// What an older program stored is read by a newer one, or refused by name.
#include <gtest/gtest.h>

#include <cmath>

#include "ask_in_turn.hpp"
#include "json_serializer.hpp"
#include "temporary_folder.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// The program as first released: amounts as floating point.
struct purse_1 {
  static constexpr std::string_view entity_type = "purse";
  struct paid {
    static constexpr std::string_view type_name = "paid";
    double euros = 0;
    MSGPACK_DEFINE_MAP(euros)
  };
  struct closed {
    static constexpr std::string_view type_name = "closed";
  };
  using event = std::variant<paid, closed>;
  struct state {
    double euros = 0;
    std::int64_t payments = 0;
    MSGPACK_DEFINE_MAP(euros, payments)
  };
  struct pay {
    double euros = 0;
  };
  using command = std::variant<pay>;
  static auto decide(const state&, const pay& c) {
    return persist(paid{c.euros}).then_reply(&state::euros);
  }
  static void apply(state& s, const paid& e) {
    s.euros += e.euros;
    ++s.payments;
  }
  static void apply(state&, const closed&) {}
};

/// Two releases later: amounts in cents, then with a currency. The C++ names changed too.
template <class Serializer>
struct wallet {
  static constexpr std::string_view entity_type = "purse";
  using serializer = Serializer;

  struct payment_made {
    static constexpr std::string_view type_name = "paid";
    static constexpr std::uint32_t schema_version = 3;
    std::int64_t cents = 0;
    std::string currency;
    std::optional<std::string> memo;  // added later without a version: optional
    MSGPACK_DEFINE_MAP(cents, currency, memo)

    static void upcast(from_version<1>, document& d) {
      const auto euros = d.get<double>("euros").value();
      d.erase("euros");
      d.set("cents", static_cast<std::int64_t>(std::llround(euros * 100)));
    }
    static result<void> upcast(from_version<2>, document& d) {
      if (*d.get<std::int64_t>("cents") < 0) return fail(errc::rejected, "a negative payment");
      d.set("currency", "EUR");
      return {};
    }
  };
  using event = std::variant<payment_made>;

  struct state {
    static constexpr std::uint32_t schema_version = 2;
    std::map<std::string, std::int64_t> cents;
    std::int64_t payments = 0;
    MSGPACK_DEFINE_MAP(cents, payments)

    static void upcast(from_version<1>, document& d) {
      const auto euros = d.get<double>("euros").value();
      d.set("cents", std::map<std::string, std::int64_t>{{"EUR", std::llround(euros * 100)}});
    }
  };
  struct pay {
    std::int64_t cents = 0;
    std::string currency;
  };
  struct show {};
  using command = std::variant<pay, show>;
  static std::string text(const state& s) {
    std::string all = std::to_string(s.payments) + ":";
    for (const auto& [currency, cents] : s.cents) {
      all += " " + std::to_string(cents) + " " + currency;
    }
    return all;
  }
  static effect<wallet, std::string> decide(const state&, const pay& c) {
    return persist(payment_made{c.cents, c.currency, {}}).then_reply(&text);
  }
  static effect<wallet, std::string> decide(const state& s, const show&) { return reply(text(s)); }
  static void apply(state& s, const payment_made& e) {
    s.cents[e.currency] += e.cents;
    ++s.payments;
  }
};
using purse_3 = wallet<msgpack_serializer>;
using json_purse_3 = wallet<json_serializer>;

struct Evolution : testing::TestWithParam<const char*> {
  temporary_folder dir;
  nexus::system sys{{.threads = 1}};
  result<store> journal = nexus::open(
      GetParam() == std::string_view{"sqlite"} ? "sqlite:" + dir.path("t.db") : "memory:");

  template <class B, class... C>
  auto ask(entity_options options, C... commands) {
    entities<B> all{sys, *journal, options};
    return ask_in_turn(all.of("a"), std::move(commands)...);
  }
  // Stores an event that no behavior here would store.
  void store_raw(event_view event) {
    auto session = *journal->open_session();
    const auto id = *persistence_id::make("purse", "a");
    const append_request request{id, *session->highest(id), {}, {&event, 1}};
    EXPECT_TRUE(std::holds_alternative<stored>(session->append({&request, 1})[0]));
  }
  std::string why_not() {
    auto r = ask<purse_3>({}, purse_3::show{});
    return r ? *r : std::string{to_string(r.error().code)} + ": " + r.error().message;
  }
  void erase_events() {
    ASSERT_TRUE(journal->flush(std::chrono::seconds{10}))
        << "snapshots are saved behind the appends";
    auto session = *journal->open_session();
    EXPECT_TRUE(session->erase_to(*persistence_id::make("purse", "a"), sequence_nr_max));
  }
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Journals, Evolution, testing::Values("memory", "sqlite"),
                         [](const auto& one) { return std::string{one.param}; });

TEST_P(Evolution, EventsOfAllVersionsAddUp) {
  ASSERT_EQ(ask<purse_1>({}, purse_1::pay{1.5}, purse_1::pay{0.07}), 1.57);
  store_raw({.type = "paid",
             .schema_version = 2,
             .data = "\x81\xa5"
                     "cents\x0a"});
  EXPECT_EQ(ask<purse_3>({}, purse_3::pay{5, "USD"}), "4: 167 EUR 5 USD");
  EXPECT_EQ(ask<purse_3>({}, purse_3::show{}), "4: 167 EUR 5 USD");
}

TEST_P(Evolution, AStateOfAnOlderVersionIsLiftedToo) {
  const entity_options snapshots{.snapshot_every = 2};
  ASSERT_TRUE(ask<purse_1>(snapshots, purse_1::pay{1}, purse_1::pay{2}));
  erase_events();
  EXPECT_EQ(ask<purse_3>(snapshots, purse_3::show{}), "2: 300 EUR");
  EXPECT_EQ(ask<purse_3>(snapshots, purse_3::pay{1, "USD"}, purse_3::pay{2, "USD"}),
            "4: 300 EUR 3 USD");
  erase_events();
  EXPECT_EQ(ask<purse_3>(snapshots, purse_3::show{}), "4: 300 EUR 3 USD");
}

TEST_P(Evolution, ABehaviorThatAlsoChangedItsSerializerReadsIt) {
  ASSERT_TRUE(ask<purse_1>({.snapshot_every = 2}, purse_1::pay{1}, purse_1::pay{2}));
  ASSERT_TRUE(ask<purse_1>({}, purse_1::pay{3}));
  EXPECT_EQ(ask<json_purse_3>({}, json_purse_3::pay{1, "USD"}), "4: 600 EUR 1 USD");
}

TEST_P(Evolution, RowsOfTheOwnSerializerAreLiftedByItsDocuments) {
  store_raw({.type = "paid", .codec = "json", .data = R"({"euros": 2.5})"});
  store_raw({.type = "paid", .schema_version = 2, .codec = "json", .data = R"({"cents": 5})"});
  EXPECT_EQ(ask<json_purse_3>({}, json_purse_3::show{}), "2: 255 EUR");
}

TEST_P(Evolution, AnUnknownTypeIsNamed) {
  store_raw({.type = "closed", .data = "\x80"});
  EXPECT_EQ(why_not(),
            "unknown_type: purse|a: event 1: event type \"closed\" is not one of behavior "
            "\"purse\"; add it to its event variant, to old_event with an adapt, or to "
            "removed_events");
}

TEST_P(Evolution, ANewerVersionIsNamed) {
  store_raw({.type = "paid", .schema_version = 4, .data = "\x80"});
  EXPECT_EQ(why_not(),
            "unsupported_version: purse|a: event 1: event type \"paid\" version 4: the known "
            "version is 3");
}

TEST_P(Evolution, AStepThatFailsIsNamed) {
  store_raw({.type = "paid",
             .schema_version = 2,
             .data = "\x81\xa5"
                     "cents\xff"});
  EXPECT_EQ(why_not(),
            "corrupt: purse|a: event 1: event type \"paid\" version 2: upcast from version 2 to 3: "
            "a negative payment");
}

TEST_P(Evolution, AStepThatThrowsIsNamed) {
  store_raw({.type = "paid",
             .data = "\x81\xa5"
                     "cents\x01"});
  EXPECT_EQ(why_not(),
            "corrupt: purse|a: event 1: event type \"paid\" version 1: upcast from version 1 to 2: "
            "field \"euros\" is missing");
}

TEST_P(Evolution, DamagedBytesOfAnOlderVersionAreCorrupt) {
  store_raw({.type = "paid", .data = "\xc1"});
  EXPECT_EQ(why_not().find("corrupt: purse|a: event 1: event type \"paid\" version 1: "), 0u);
}

TEST_P(Evolution, AFieldThatNoStepMadeIsMissing) {
  store_raw({.type = "paid",
             .schema_version = 2,
             .data = "\x81\xa5"
                     "cents\x01"});
  store_raw({.type = "paid",
             .schema_version = 3,
             .data = "\x81\xa5"
                     "cents\x01"});
  EXPECT_NE(why_not().find("event 2: event type \"paid\" version 3: "), std::string::npos);
  EXPECT_NE(why_not().find("field \"currency\" is missing"), std::string::npos);
}

TEST_P(Evolution, UnknownFieldsAreIgnoredAndOptionalOnesMayBeMissing) {
  document row;
  row.set("cents", std::int64_t{3});
  row.set("currency", std::string{"USD"});
  row.set("colour", std::string{"blue"});
  const auto bytes = row.bytes();
  store_raw({.type = "paid", .schema_version = 3, .data = bytes});
  EXPECT_EQ(why_not(), "1: 3 USD");
}

TEST_P(Evolution, AStateOfANewerVersionOrAnotherTypeIsNamed) {
  ASSERT_TRUE(ask<purse_3>({}, purse_3::pay{5, "USD"}));
  auto save = [&](std::string_view type, std::uint32_t version) {
    snapshot_request request{*persistence_id::make("purse", "a"), {.number = 1}};
    request.snapshot.type = type;
    request.snapshot.schema_version = version;
    request.snapshot.data = "\x80";
    EXPECT_TRUE(journal->open_session().value()->save_snapshots({&request, 1}));
  };
  save("purse", 9);
  EXPECT_EQ(why_not(),
            "unsupported_version: purse|a: snapshot 1: state type \"purse\" version 9: the known "
            "version is 2");
  save("bag", 2);
  EXPECT_EQ(why_not(),
            "unknown_type: purse|a: snapshot 1: state type \"bag\" is not that of behavior "
            "\"purse\"");
}
