// Tags: stored with their event, and read back distinct and sorted.
#pragma once

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

using tag_list = std::vector<std::string_view>;

/// The list must outlive the event.
inline event_view tagged(std::string_view data, const tag_list& tags) {
  auto made = event(data);
  made.tags = tags;
  return made;
}

TEST_P(JournalContract, EventsComeBackWithTheirTags) {
  const tag_list red{"red"};
  const tag_list both{"blue", "red"};
  ASSERT_EQ(session.append(alice, 0, {{tagged("a", red), event("b"), tagged("c", both)}}),
            "stored");
  ASSERT_EQ(session.append(alice, 3, {{event("d"), tagged("e", red)}}), "stored");
  auto records = session.records(alice);
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].tags, texts{"red"});
  EXPECT_EQ(records[1].tags, texts{});
  EXPECT_EQ(records[2].tags, (texts{"blue", "red"}));
  EXPECT_EQ(records[3].tags, texts{});
  EXPECT_EQ(records[4].tags, texts{"red"});
  EXPECT_EQ(session.records(alice, 3, 1).at(0).tags, (texts{"blue", "red"}));
}

TEST_P(JournalContract, TagsComeBackSortedByTheirBytesAndOnce) {
  const tag_list given{"b", "ä", "aa", "b", "B", "a b", "a", "🐢", "10", "9", "b"};
  ASSERT_EQ(session.append(alice, 0, {{tagged("a", given)}}), "stored");
  EXPECT_EQ(session.records(alice).at(0).tags,
            (texts{"10", "9", "B", "a", "a b", "aa", "b", "ä", "🐢"}));
}

TEST_P(JournalContract, EveryEventOfACallHasItsOwnTags) {
  const tag_list one{"1", "both"};
  const tag_list two{"2", "both"};
  ASSERT_EQ(session.append_all({{bob, 0, {{tagged("x", one), tagged("y", two)}}},
                                {alice, 0, {{tagged("a", two), event("b"), tagged("c", one)}}},
                                {carol, 0, {"c"}}}),
            "stored, stored, stored");
  EXPECT_EQ(session.records(bob).at(0).tags, (texts{"1", "both"}));
  EXPECT_EQ(session.records(bob).at(1).tags, (texts{"2", "both"}));
  EXPECT_EQ(session.records(alice).at(0).tags, (texts{"2", "both"}));
  EXPECT_EQ(session.records(alice).at(1).tags, texts{});
  EXPECT_EQ(session.records(alice).at(2).tags, (texts{"1", "both"}));
  EXPECT_EQ(session.records(carol).at(0).tags, texts{});
}

TEST_P(JournalContract, AnyTextMayBeATag) {
  std::vector<tag_list> tags;
  for (std::string_view tag :
       {"it's", "'); DROP TABLE nexus_event_tags; --", "\"q\"", "%", "_", "\\", "|", " ", "\n",
        "\x01", "\x7f", "NULL", "größe", "\u0080", "\uFFFF", "\U0010FFFF", "u\u0308"}) {
    tags.push_back({tag});
  }
  std::vector<event_view> events;
  for (const auto& one : tags) events.push_back(tagged("a", one));
  ASSERT_EQ(session.append(alice, 0, events), "stored");
  auto records = session.records(alice);
  ASSERT_EQ(records.size(), tags.size());
  for (std::size_t i = 0; i < tags.size(); ++i) {
    EXPECT_EQ(records[i].tags, texts{std::string{tags[i].front()}});
  }
}

TEST_P(JournalContract, AsManyAndAsLongTagsAsTheLimitAreTaken) {
  texts names;
  for (std::size_t i = 0; i < event_view::tags_max; ++i) {
    auto name = std::to_string(100 + i);
    names.push_back(name + std::string(event_view::tag_bytes_max - name.size(), 'x'));
  }
  const tag_list tags{names.begin(), names.end()};
  ASSERT_EQ(session.append(alice, 0, {{tagged("a", tags)}}), "stored");
  EXPECT_EQ(session.records(alice).at(0).tags, names);
}

TEST_P(JournalContract, AnInvalidTagRejectsItsRequestAlone) {
  using namespace std::string_view_literals;
  const std::string too_long(event_view::tag_bytes_max + 1, 'x');
  for (auto tag : {""sv, "a\0b"sv, "\0"sv, "\xff"sv, "\xc0\xaf"sv, "\xed\xa0\x80"sv,
                   "\xf0\x9f\x90"sv, std::string_view{too_long}}) {
    const tag_list tags{"good", tag};
    auto number = session.highest(alice);
    auto outcomes = session.outcomes_of(
        std::vector<request>{{alice, number, {"a"}}, {bob, 0, {{event("x"), tagged("y", tags)}}}});
    EXPECT_EQ(told(outcomes), "stored, rejected invalid_argument") << tag;
    EXPECT_NE(std::get<rejected>(outcomes[1]).why.message.find("tag"), std::string::npos);
    EXPECT_EQ(session.highest(bob), 0u) << tag;
  }
}

TEST_P(JournalContract, OneTagTooManyRejectsItsRequestAlone) {
  texts names;
  for (std::size_t i = 0; i <= event_view::tags_max; ++i) names.push_back(std::to_string(i));
  const tag_list tags{names.begin(), names.end()};
  EXPECT_EQ(session.append_all({{alice, 0, {{tagged("a", tags)}}}, {bob, 0, {"x"}}}),
            "rejected invalid_argument, stored");
  EXPECT_EQ(session.highest(alice), 0u);
}

TEST_P(JournalContract, ARequestSettlesByItsTagsToo) {
  const tag_list given{"a", "b"};
  ASSERT_EQ(session.append(alice, 0, {{tagged("x", given), event("y")}}), "stored");
  auto settled = [&](const tag_list& first, const tag_list& second) {
    return session.settle({alice, 0, {{tagged("x", first), tagged("y", second)}}});
  };
  EXPECT_EQ(settled({"a", "b"}, {}), "stored");
  EXPECT_EQ(settled({"b", "a", "b"}, {}), "stored") << "neither order nor repeats are stored";
  EXPECT_EQ(settled({"a"}, {}), "not stored");
  EXPECT_EQ(settled({"a", "b", "c"}, {}), "not stored");
  EXPECT_EQ(settled({"a", "B"}, {}), "not stored");
  EXPECT_EQ(settled({}, {}), "not stored");
  EXPECT_EQ(settled({"a", "b"}, {"a"}), "not stored");
}

TEST_P(JournalContract, TaggedEventsAreErasedAndFoldedLikeOthers) {
  const tag_list tags{"red"};
  ASSERT_EQ(session.append(alice, 0, {{tagged("a", tags), tagged("b", tags), event("c")}}),
            "stored");
  session.erase_to(alice, 1);
  ASSERT_EQ(session.append(alice, 3, {{event("d")}}), "stored");
  std::string folded;
  must(session.inner().replay_payloads(
      alice, 1, sequence_nr_max, everything,
      [&](const record_view& r) { return folded += r.event.data, true; }));
  EXPECT_EQ(folded, "bcd");
  EXPECT_EQ(session.records(alice).at(0).tags, texts{"red"});
  EXPECT_EQ(session.records(alice).at(2).tags, texts{}) << "not those of the erased one";
}

TEST_P(JournalContract, ReopeningKeepsTags) {
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  const tag_list tags{"red", "blue"};
  ASSERT_EQ(session.append(alice, 0, {{tagged("a", tags)}}), "stored");
  reopen();
  EXPECT_EQ(session.records(alice).at(0).tags, (texts{"blue", "red"}));
}

}}}  // namespace nexus::v0::testkit
