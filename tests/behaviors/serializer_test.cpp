// A behavior may be stored in a format other than msgpack, and may change to it later.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "ask_in_turn.hpp"
#include "json_serializer.hpp"
#include "temporary_folder.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// Its events and state, in any format.
struct noted {
  static constexpr std::string_view type_name = "noted";
  std::string text;
  std::vector<std::int64_t> marks;
  std::optional<std::string> by;
  MSGPACK_DEFINE_MAP(text, marks, by)
};
struct cleared {
  static constexpr std::string_view type_name = "cleared";
};
struct pad {
  std::string all;
  std::int64_t sum = 0;
  MSGPACK_DEFINE_MAP(all, sum)
};

template <class Behavior>
struct pad_of {
  static constexpr std::string_view entity_type = "pad";
  struct note {
    std::string text;
    std::vector<std::int64_t> marks;
  };
  struct clear {};
  struct read {};
  using command = std::variant<note, clear, read>;
  using event = std::variant<noted, cleared>;
  using state = pad;

  static effect<Behavior, std::string> decide(const state&, const note& c) {
    return persist(noted{c.text, c.marks, "me"}).then_reply(&state::all);
  }
  static effect<Behavior> decide(const state&, const clear&) { return persist(cleared{}); }
  static effect<Behavior, std::string> decide(const state& s, const read&) {
    return reply(s.all + " " + std::to_string(s.sum));
  }
  static void apply(state& s, const noted& e) {
    s.all += e.text;
    for (auto n : e.marks) s.sum += n;
  }
  static void apply(state& s, const cleared&) { s = {}; }
};

struct plain_pad : pad_of<plain_pad> {};
struct json_pad : pad_of<json_pad> {
  using serializer = json_serializer;
};

struct throwing_serializer {
  static constexpr std::string_view name = "throwing";
  template <class T>
  static void encode(const T& value, std::string& out) {
    json_serializer::encode(value, out);
  }
  template <class T>
  static result<void> decode(std::string_view, T&) {
    throw std::runtime_error{"cannot"};
  }
};
struct throwing_pad : pad_of<throwing_pad> {
  using serializer = throwing_serializer;
};

struct Serializers : testing::Test {
  temporary_folder dir;
  std::string file = dir.path("t.db");

  template <class B, class... C>
  auto ask(C... commands) {
    nexus::system sys{{.threads = 1}};
    auto journal = nexus::open("sqlite:" + file);
    entities<B> pads{sys, *journal, {.snapshot_every = 4}};
    return ask_in_turn(pads.of("a"), std::move(commands)...);
  }
  std::string sql(const std::string& text) const {
    SQLite::Database db{file, SQLite::OPEN_READWRITE};
    SQLite::Statement rows{db, text};
    std::string all;
    while (rows.executeStep()) {
      for (int i = 0; i < rows.getColumnCount(); ++i) all += rows.getColumn(i).getString() + " ";
    }
    return all;
  }
};

static_assert(serializer<msgpack_serializer> && serializer<json_serializer>);
static_assert(!serializer<pad>);

}  // namespace

TEST_F(Serializers, TheNameStandsInTheRowAndTheBytesAreItsOwn) {
  ASSERT_TRUE(ask<json_pad>(json_pad::note{"tea", {1, -2}}, json_pad::clear{}));
  EXPECT_EQ(sql("SELECT event_type, codec, event_data FROM nexus_event_journal ORDER BY 1 DESC"),
            R"(noted json {"by":"me","marks":[1,-2],"text":"tea"} cleared json {} )");
}

TEST_F(Serializers, MsgpackStandsInTheRowOfABehaviorThatSaysNothing) {
  ASSERT_TRUE(ask<plain_pad>(plain_pad::clear{}));
  EXPECT_EQ(sql("SELECT codec, hex(event_data) FROM nexus_event_journal"), "msgpack 80 ");
}

TEST_F(Serializers, AStateIsReadBackFromEventsAndFromASnapshot) {
  using note = json_pad::note;
  ASSERT_TRUE(ask<json_pad>(note{"a", {1}}, note{"b", {2}}));
  EXPECT_EQ(ask<json_pad>(json_pad::read{}), "ab 3");
  ASSERT_TRUE(ask<json_pad>(note{"c", {3}}, note{"d", {4}}));
  EXPECT_EQ(sql("SELECT codec, state_data FROM nexus_snapshot_store"),
            R"(json {"all":"abcd","sum":10} )");
  sql("DELETE FROM nexus_event_journal");
  EXPECT_EQ(ask<json_pad>(json_pad::read{}), "abcd 10");
}

TEST_F(Serializers, ABehaviorSwitchedToAnotherReadsBoth) {
  ASSERT_TRUE(ask<plain_pad>(plain_pad::note{"old ", {1}}, plain_pad::note{"older ", {2}}));
  EXPECT_EQ(ask<json_pad>(json_pad::note{"new", {3}}), "old older new");
  EXPECT_EQ(ask<json_pad>(json_pad::read{}), "old older new 6");
  EXPECT_EQ(sql("SELECT codec FROM nexus_event_journal ORDER BY sequence_nr"),
            "msgpack msgpack json ");
}

TEST_F(Serializers, ASnapshotFromBeforeTheSwitchIsRead) {
  using note = plain_pad::note;
  ASSERT_TRUE(ask<plain_pad>(note{"a", {1}}, note{"b", {2}}, note{"c", {3}}, note{"d", {4}}));
  EXPECT_EQ(sql("SELECT codec FROM nexus_snapshot_store"), "msgpack ");
  sql("DELETE FROM nexus_event_journal");
  EXPECT_EQ(ask<json_pad>(json_pad::note{"e", {5}}), "abcde");
}

TEST_F(Serializers, AnotherCodecIsATypedErrorThatNamesIt) {
  ASSERT_TRUE(ask<json_pad>(json_pad::note{"a", {}}));
  auto r = ask<plain_pad>(plain_pad::read{});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error(), (error{errc::unknown_type,
                              "pad|a: event 1: event type \"noted\" version 1: is stored in codec "
                              "\"json\", but only msgpack is known"}));
}

TEST_F(Serializers, DamagedBytesAreCorrupt) {
  ASSERT_TRUE(ask<json_pad>(json_pad::note{"a", {}}));
  sql("UPDATE nexus_event_journal SET event_data = x'7b22'");
  EXPECT_EQ(ask<json_pad>(json_pad::read{}).error(),
            (error{errc::corrupt, "pad|a: event 1: event type \"noted\" version 1: is not JSON"}));
}

TEST_F(Serializers, AThrowingDecodeIsCorrupt) {
  ASSERT_TRUE(ask<throwing_pad>(throwing_pad::clear{}));
  EXPECT_EQ(ask<throwing_pad>(throwing_pad::read{}).error(),
            (error{errc::corrupt,
                   "pad|a: event 1: event type \"cleared\" version 1: decoding by \"throwing\" "
                   "threw: cannot"}));
}

// nlohmann refuses text that is not UTF-8.
TEST_F(Serializers, AThrowingEncodeRefusesItsCommandAlone) {
  auto r = ask<json_pad>(json_pad::note{"a", {1}}, json_pad::note{"\xff", {2}});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, errc::decide_failed);
  EXPECT_NE(r.error().message.find("\"json\" threw"), std::string::npos) << r.error().message;
  EXPECT_EQ(ask<json_pad>(json_pad::note{"b", {3}}), "ab");
}
