// Which alarms are due: in order, in pages, and by type.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "nexus/testkit/contract/hostile_ids.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// An append that sets the alarm of a new id to so many microseconds.
inline request alarmed(const persistence_id& id, std::int64_t micros) {
  return {id, 0, {"a"}, own_writer, due_at(micros)};
}

/// New ids of the type, all in the session's strand, in bytewise order.
inline std::vector<persistence_id> ids_of_strand(const terse_session& s, const std::string& type,
                                                 int count) {
  std::vector<persistence_id> ids;
  for (int i = 0; i < count; ++i) {
    ids.push_back(s.in_strand(type + "|" + std::to_string(i)));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

inline void store_all(terse_session& s, const std::vector<request>& batch) {
  for (const auto& outcome : s.outcomes_of(batch)) ASSERT_EQ(told(outcome), "stored");
}

TEST_P(JournalContract, DueListsInOrderOfTimeAndThenOfId) {
  store_all(session,
            {alarmed(carol, -1), alarmed(bob, 7), alarmed(alice, 7), alarmed(order_of_alice, 3)});
  EXPECT_EQ(session.due({"account"}), "carol -1, alice 7, bob 7");
  EXPECT_EQ(session.due({"account", "order"}), "carol -1, alice 3, alice 7, bob 7");
  EXPECT_EQ(session.due({"order", "account"}), "carol -1, alice 3, alice 7, bob 7");
  EXPECT_EQ(session.due({"account", "order"}, timestamp::max(), 3), "carol -1, alice 3, alice 7");
  EXPECT_EQ(session.due({"account", "order"}, timestamp::max(), 1), "carol -1");
  EXPECT_EQ(session.due({"account"}, timestamp::max(), 0), "");
  const auto all = session.alarms({"account"});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0], (stored_alarm{carol, moment(-1), own_writer}));
}

TEST_P(JournalContract, DueListsWhatIsDueAtTheTimeOrBefore) {
  store_all(session, {alarmed(alice, 5), alarmed(bob, 6), alarmed(carol, 7)});
  EXPECT_EQ(session.due({"account"}, moment(4)), "");
  EXPECT_EQ(session.due({"account"}, moment(5)), "alice 5");
  EXPECT_EQ(session.due({"account"}, moment(6)), "alice 5, bob 6");
  EXPECT_EQ(session.due({"account"}, timestamp::min()), "");
  EXPECT_EQ(session.due({"account"}, timestamp::max()), "alice 5, bob 6, carol 7");
  EXPECT_EQ(session.due({"account"}, timestamp::max(), 2), "alice 5, bob 6");
}

TEST_P(JournalContract, PagesOfAlarmsOfOneTimeRepeatNoneAndLeaveNoneOut) {
  const auto accounts = ids_of_strand(session, "account", 25);
  const auto orders = ids_of_strand(session, "order", 5);
  std::vector<request> batch;
  for (const auto& id : accounts) batch.push_back(alarmed(id, 7));
  for (const auto& id : orders) batch.push_back(alarmed(id, 7));
  store_all(session, batch);
  for (std::size_t page : {1, 4, 30}) {
    std::vector<persistence_id> seen;
    std::optional<stored_alarm> last;
    for (;;) {
      const auto found =
          session.alarms({"account", "order"}, moment(7), page, last ? &*last : nullptr);
      for (const auto& one : found) seen.push_back(one.id);
      if (found.size() < page) break;
      last = found.back();
    }
    auto all = accounts;
    all.insert(all.end(), orders.begin(), orders.end());
    EXPECT_EQ(seen, all) << "pages of " << page;
  }
}

TEST_P(JournalContract, APageOfAlarmsMayStartBehindAnyTimeAndId) {
  store_all(session, {alarmed(alice, 5), alarmed(bob, 6), alarmed(carol, 7)});
  const auto behind = [&](const persistence_id& id, timestamp time) {
    const stored_alarm after{id, time, other_writer};
    std::string all;
    for (const auto& one : session.alarms({"account"}, timestamp::max(), everything, &after)) {
      all += shown(one.id) + " ";
    }
    return all;
  };
  EXPECT_EQ(behind("z|z"_id, moment(5)), "bob carol ") << "of an id that is not there";
  EXPECT_EQ(behind("A|a"_id, moment(5)), "alice bob carol ");
  EXPECT_EQ(behind(bob, moment(6)), "carol ");
  EXPECT_EQ(behind(bob, timestamp::min()), "alice bob carol ");
  EXPECT_EQ(behind(bob, timestamp::max()), "");
  EXPECT_EQ(behind(carol, moment(7)), "");
}

TEST_P(JournalContract, DueListsOnlyTheTypesThatAreAsked) {
  const auto one = [&](const std::string& text) { return session.in_strand(text); };
  store_all(session, {alarmed(one("a|1"), 1), alarmed(one("ab|2"), 2), alarmed(one("a_|3"), 3),
                      alarmed(one("a|b|4"), 4), alarmed(one("A|5"), 5), alarmed(one("b|6"), 6)});
  EXPECT_EQ(session.due({"a"}), "1 1, b|4 4");
  EXPECT_EQ(session.due({"ab"}), "2 2");
  EXPECT_EQ(session.due({"a", "ab", "a"}), "1 1, 2 2, b|4 4") << "each once";
  EXPECT_EQ(session.due({"c"}), "");
  EXPECT_EQ(session.due({}), "");
  for (std::string_view invalid : {"", "a|b", "a|", "\xff", "a%", "a*"}) {
    EXPECT_EQ(session.due({invalid}), "") << invalid;
    EXPECT_EQ(session.due({invalid, "b"}), "6 6") << invalid;
  }
  using namespace std::string_view_literals;
  EXPECT_EQ(session.due({"a\0"sv}), "");
  for (auto strand : {store->strands(), std::numeric_limits<std::uint32_t>::max()}) {
    const std::array<std::string_view, 1> types{"a"};
    EXPECT_EQ(must(session.inner().due(strand, {types}, everything)).size(), 0u);
    EXPECT_EQ(must(session.inner().due_types(strand, timestamp::max(), 9)).size(), 0u);
  }
}

TEST_P(JournalContract, HostileIdsHaveAlarmsApart) {
  const auto ids = hostile_ids();
  std::vector<request> batch;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    batch.push_back(alarmed(ids[i], static_cast<std::int64_t>(i)));
  }
  store_all(session, batch);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(session.alarm(ids[i]), std::to_string(i) + " o") << ids[i].str();
  }
  std::vector<request> cleared;
  for (std::size_t i = 0; i < ids.size(); i += 2) {
    cleared.push_back({ids[i], 1, {}, own_writer, no_alarm});
  }
  store_all(session, cleared);
  std::vector<std::string_view> types;
  for (const auto& id : ids) types.push_back(id.type());
  std::vector<persistence_id> left;
  std::vector<persistence_id> listed;
  for (std::size_t i = 1; i < ids.size(); i += 2) left.push_back(ids[i]);
  for (std::uint32_t strand = 0; strand < store->strands(); ++strand) {
    for (auto& one : must(session.inner().due(strand, {types}, everything))) {
      EXPECT_EQ(strand_of(one.id.slice(), store->strands()), strand);
      listed.push_back(std::move(one.id));
    }
  }
  std::sort(left.begin(), left.end());
  std::sort(listed.begin(), listed.end());
  EXPECT_EQ(listed, left);
}

TEST_P(JournalContract, DueTypesCountsEachTypeUpToTheBound) {
  std::vector<request> batch;
  int n = 0;
  for (const auto& id : ids_of_strand(session, "a", 5)) batch.push_back(alarmed(id, ++n));
  for (const auto& id : ids_of_strand(session, "ab", 2)) batch.push_back(alarmed(id, ++n));
  for (const auto& id : ids_of_strand(session, "a_", 1)) batch.push_back(alarmed(id, 3));
  for (const auto& id : ids_of_strand(session, "late", 2)) batch.push_back(alarmed(id, 100));
  store_all(session, batch);
  using types = std::vector<due_type>;
  const auto of = [&](std::int64_t until, std::uint64_t count_max) {
    return must(session.inner().due_types(start.strand, moment(until), count_max));
  };
  EXPECT_EQ(of(0, 9), types{});
  EXPECT_EQ(of(2, 9), (types{{"a", 2, moment(1)}}));
  EXPECT_EQ(of(6, 9), (types{{"a", 5, moment(1)}, {"a_", 1, moment(3)}, {"ab", 1, moment(6)}}));
  EXPECT_EQ(of(99, 2), (types{{"a", 2, moment(1)}, {"a_", 1, moment(3)}, {"ab", 2, moment(6)}}));
  EXPECT_EQ(of(100, 1), (types{{"a", 1, moment(1)},
                               {"a_", 1, moment(3)},
                               {"ab", 1, moment(6)},
                               {"late", 1, moment(100)}}));
  EXPECT_EQ(of(99, everything).at(0).count, 5u);
  EXPECT_EQ(must(session.inner().due_types(start.strand, timestamp::max(), 9)).size(), 4u);
  EXPECT_EQ(must(session.inner().due_types(start.strand, timestamp::min(), 9)), types{});
}

}}}  // namespace nexus::v0::testkit
