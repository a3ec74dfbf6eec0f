// Listing ids: by type, in the order of their bytes, page by page.
#pragma once

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Stores one event under each id, in one call.
inline void store_one_event_each(terse_session& session, std::initializer_list<const char*> ids) {
  std::vector<request> batch;
  for (std::string_view id : ids) batch.push_back({must(persistence_id::parse(id)), 0, {id}});
  for (const auto& outcome : session.outcomes_of(batch)) ASSERT_EQ(told(outcome), "stored");
}

TEST_P(JournalContract, AnEmptyJournalListsNothing) {
  EXPECT_EQ(session.ids(""), texts{});
  EXPECT_EQ(session.ids("account"), texts{});
}

TEST_P(JournalContract, IdsAreListedInTheOrderOfTheirBytes) {
  store_one_event_each(session, {"t|é", "t|b", "t|a", "t|B", "t|10", "t|9", "t|a b", "t|aa", "t|🐢",
                                 "t|~", "t|-", "t|A"});
  EXPECT_EQ(session.ids("t"), (texts{"t|-", "t|10", "t|9", "t|A", "t|B", "t|a", "t|a b", "t|aa",
                                     "t|b", "t|~", "t|é", "t|🐢"}));
}

TEST_P(JournalContract, EachIdIsListedOnce) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
  ASSERT_EQ(session.append(alice, 2, {"c"}), "stored");
  EXPECT_EQ(session.ids("account"), texts{"account|alice"});
}

TEST_P(JournalContract, AtMostMaxIdsAreListed) {
  store_one_event_each(session, {"t|1", "t|2", "t|3"});
  EXPECT_EQ(session.ids("t", "", 0), texts{});
  EXPECT_EQ(session.ids("t", "", 1), texts{"t|1"});
  EXPECT_EQ(session.ids("t", "", 2), (texts{"t|1", "t|2"}));
  EXPECT_EQ(session.ids("t", "", 3), (texts{"t|1", "t|2", "t|3"}));
  EXPECT_EQ(session.ids("t", "", 4), (texts{"t|1", "t|2", "t|3"}));
}

TEST_P(JournalContract, AListGoesOnAfterAnId) {
  store_one_event_each(session, {"t|1", "t|2", "t|3"});
  EXPECT_EQ(session.ids("t", "1"), (texts{"t|2", "t|3"}));
  EXPECT_EQ(session.ids("t", "2", 1), texts{"t|3"});
  EXPECT_EQ(session.ids("t", "3"), texts{});
  EXPECT_EQ(session.ids("t", "10"), (texts{"t|2", "t|3"})) << "an id that does not exist will do";
  EXPECT_EQ(session.ids("t", "0"), (texts{"t|1", "t|2", "t|3"}));
}

TEST_P(JournalContract, PagesMakeUpTheWholeList) {
  store_one_event_each(session, {"s|9", "t|1", "t|2", "t|2a", "t|3", "t|3|x", "t|4", "u|0"});
  std::vector<texts> pages;
  std::string after;
  do {
    pages.push_back(session.ids("t", after, 2));
    if (!pages.back().empty()) after = must(persistence_id::parse(pages.back().back())).id();
  } while (!pages.back().empty() && pages.size() < 10);
  EXPECT_EQ(pages, (std::vector<texts>{{"t|1", "t|2"}, {"t|2a", "t|3"}, {"t|3|x", "t|4"}, {}}));
}

TEST_P(JournalContract, ATypeThatBeginsLikeAnotherIsAnother) {
  store_one_event_each(session, {"a|1", "ab|1", "a|2", "abc|1", "A|1", "b|1", "aa|9", "a |1"});
  EXPECT_EQ(session.ids("a"), (texts{"a|1", "a|2"}));
  EXPECT_EQ(session.ids("ab"), texts{"ab|1"});
  EXPECT_EQ(session.ids("A"), texts{"A|1"});
  EXPECT_EQ(session.ids("abcd"), texts{});
}

TEST_P(JournalContract, ATypeIsNoPattern) {
  store_one_event_each(session, {"a_c|1", "abc|1", "a%|1", "a|1", "%|1", "_|1", "a*|1", "a\\|1"});
  EXPECT_EQ(session.ids("a_c"), texts{"a_c|1"});
  EXPECT_EQ(session.ids("a%"), texts{"a%|1"});
  EXPECT_EQ(session.ids("%"), texts{"%|1"});
  EXPECT_EQ(session.ids("_"), texts{"_|1"});
  EXPECT_EQ(session.ids("a*"), texts{"a*|1"});
  EXPECT_EQ(session.ids("a\\"), texts{"a\\|1"});
  EXPECT_EQ(session.ids("' OR 1=1 --"), texts{});
}

TEST_P(JournalContract, TheTypeEndsAtTheFirstBar) {
  store_one_event_each(session, {"a|b|c", "a|b", "a||", "a|b|", "ab|c"});
  EXPECT_EQ(session.ids("a"), (texts{"a|b", "a|b|", "a|b|c", "a||"}));
  EXPECT_EQ(session.ids("a", "b|"), (texts{"a|b|c", "a||"}));
  EXPECT_EQ(session.ids("a", "b|c"), texts{"a||"});
}

TEST_P(JournalContract, AnInvalidTypeListsNothing) {
  store_one_event_each(session, {"a|b", "a|b|c", "a|bc"});
  ASSERT_EQ(session.upsert("a|b|c"_id, 0, 1, "one"), "stored");
  using namespace std::string_view_literals;
  for (auto type : {"a|b"sv, "a|"sv, "|"sv, "|a"sv, "a\0"sv, "\xff"sv}) {
    EXPECT_EQ(session.ids(type), texts{});
    EXPECT_EQ(session.state_ids(type), texts{});
  }
  EXPECT_EQ(session.ids("a"), (texts{"a|b", "a|bc", "a|b|c"}));
}

TEST_P(JournalContract, AListMayGoOnPastBytesThatNoIdHas) {
  using namespace std::string_literals;
  const texts all{"a|1", "a|1\x01", "a|1z", "a|2", "a|é", "a|\uffff", "b|1"};
  for (const auto& text : all) {
    const auto id = must(persistence_id::parse(text));
    ASSERT_EQ(session.append(id, 0, {"e"}), "stored");
    ASSERT_EQ(session.upsert(id, 0, 1, "s"), "stored");
  }
  for (const auto& after :
       {"\0"s, "1\0"s, "1\0z"s, "1\x80"s, "1\xff"s, "\xc2"s, "\xc3"s, "\xc3\xff"s, "\xed"s,
        "\xed\xa0"s, "\xef\xbf\xff"s, "\xf4\x90"s, "\xf0"s, "\xff"s, "é\xff"s}) {
    texts expected;
    for (const auto& id : all) {
      if (id.starts_with("a|") && id.substr(2) > after) expected.push_back(id);
    }
    EXPECT_EQ(session.ids("a", after), expected) << ::testing::PrintToString(after);
    EXPECT_EQ(session.state_ids("a", after), expected) << ::testing::PrintToString(after);
  }
  EXPECT_EQ(session.ids("", "a\xff"), texts{"b|1"});
  EXPECT_EQ(session.ids("", "\xff"), texts{});
}

TEST_P(JournalContract, APrefixThatNoIdHasListsNothing) {
  using namespace std::string_view_literals;
  store_one_event_each(session, {"a|1", "a|1\x01"});
  ASSERT_EQ(session.upsert("a|1"_id, 0, 1, "s"), "stored");
  for (auto prefix : {"\xff"sv, "1\0"sv, "\0"sv}) {
    EXPECT_TRUE(must(session.inner().ids({.type = "a", .prefix = prefix}, 10)).empty());
    EXPECT_TRUE(must(session.inner().state_ids({.type = "a", .prefix = prefix}, 10)).empty());
  }
}

TEST_P(JournalContract, AnEmptyTypeListsEveryType) {
  store_one_event_each(session, {"b|1", "a|2", "ab|1", "a|1", "é|1", "A|1"});
  // Ordered by the bytes of the whole id, in which `|` comes after the letters.
  EXPECT_EQ(session.ids(""), (texts{"A|1", "ab|1", "a|1", "a|2", "b|1", "é|1"}));
  EXPECT_EQ(session.ids("", "", 2), (texts{"A|1", "ab|1"}));
  EXPECT_EQ(session.ids("", "ab|1", 2), (texts{"a|1", "a|2"}));
  EXPECT_EQ(session.ids("", "a|1"), (texts{"a|2", "b|1", "é|1"}));
  EXPECT_EQ(session.ids("", "é|1"), texts{});
}

TEST_P(JournalContract, AnIdWithSnapshotsOnlyIsNotListed) {
  session.save(alice, 1, "state");
  EXPECT_EQ(session.ids("account"), texts{});
  EXPECT_EQ(session.ids(""), texts{});
}

TEST_P(JournalContract, AnIdOfWhichNothingWasEverStoredIsNotListed) {
  ASSERT_EQ(session.append(alice, 1, {"x"}), "conflict 0");
  ASSERT_NE(session.append(bob, 0, {}), "stored");
  ASSERT_EQ(session.settle({carol, 0, {"x"}}), "not stored");
  EXPECT_EQ(session.ids(""), texts{});
}

TEST_P(JournalContract, AnErasedIdIsStillListed) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a"}}, {bob, 0, {"x", "y"}}}), "stored, stored");
  session.erase_to(alice, 1);
  session.erase_to(bob, 1);
  EXPECT_EQ(session.ids("account"), (texts{alice.str(), bob.str()}));
  EXPECT_EQ(session.ids(""), (texts{alice.str(), bob.str()}));
}

}}}  // namespace nexus::v0::testkit
