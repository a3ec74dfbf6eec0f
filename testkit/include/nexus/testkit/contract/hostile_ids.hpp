// Ids that look like SQL, like patterns or like each other are ordinary names.
#pragma once

#include <algorithm>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// All different, though a collation, a pattern, a trim or a cut would confuse some of them.
inline std::vector<persistence_id> hostile_ids() {
  texts all{"t|alice",   "t|Alice", "t|ALICE", "T|alice", "t|alice ", "t| alice", "t|alice\t",
            "t|alice\n", "t|a",     "t|a%",    "t|%",     "t|_",      "t|a_",     "t|*",
            "t|?",       "t|[a-z]", "t|it's",  "t|''",    "t|\"q\"",  "t|`q`",    "t|\\",
            "t|\\'",     "t|\\x00", "t|$1",    "t|:id",   "t|{0}",    "t||",      "t|a|b",
            "t|\x01",    "t|\x7f",  "t|0",     "t|00",    "t|-0",     "t|1e3",    "t|NULL",
            "'|'",       " | ",     "t|/../x", "t|a;b",   "t|1000"};
  // SQL that would end one statement and start another.
  all.insert(all.end(), {"t|'; DROP TABLE nexus_event_journal; --", "t|' OR '1'='1", "t|x') --",
                         "t|\"; DELETE FROM nexus_event_journal; --", "'; DROP TABLE x; --|1"});
  // UTF-8 of 2, 3 and 4 bytes, one letter composed and decomposed, ligatures, the first and last.
  all.insert(all.end(),
             {"t|ü",          "t|u\u0308",    "t|Ü",      "t|ß",       "t|ss",
              "t|日本語",     "t|ﬁ",          "t|fi",     "t|🐢",      "t|\U0001F422\U0001F422",
              "t|\u0080",     "t|\u07FF",     "t|\u0800", "t|\uFFFD",  "t|\uFFFF",
              "t|\U00010000", "t|\U0010FFFF", "t|\u200B", "t|a\u200B", "ü|a"});
  // The longest id, and the same id cut by one.
  all.push_back("t|" + std::string(253, 'x'));
  all.push_back("t|" + std::string(252, 'x'));
  all.push_back("t|" + std::string(252, 'x') + "y");
  std::string turtles = "t|x";
  while (turtles.size() < persistence_id::bytes_max) turtles += "🐢";
  all.push_back(turtles);
  all.push_back(std::string(253, 't') + "|1");

  std::vector<persistence_id> ids;
  for (const auto& text : all) ids.push_back(must(persistence_id::parse(text)));
  return ids;
}

TEST_P(JournalContract, HostileIdsAreStoredApart) {
  auto ids = hostile_ids();
  std::vector<request> first;
  std::vector<request> second;
  for (const auto& id : ids) {
    first.push_back({id, 0, {id.str()}});
    second.push_back({id, 1, {"b"}});
  }
  for (const auto& outcome : session.outcomes_of(first)) ASSERT_EQ(told(outcome), "stored");
  for (const auto& outcome : session.outcomes_of(second)) ASSERT_EQ(told(outcome), "stored");
  for (const auto& id : ids) {
    EXPECT_EQ(session.history(id), "1:" + id.str() + " 2:b");
    EXPECT_EQ(session.append(id, 1, {"x"}), "conflict 2") << id.str();
    EXPECT_EQ(session.highest(id), 2u) << id.str();
  }
}

TEST_P(JournalContract, HostileIdsAreListed) {
  std::vector<request> batch;
  texts listed;
  for (const auto& id : hostile_ids()) {
    batch.push_back({id, 0, {"a"}});
    listed.push_back(id.str());
  }
  for (const auto& outcome : session.outcomes_of(batch)) ASSERT_EQ(told(outcome), "stored");
  std::sort(listed.begin(), listed.end());
  EXPECT_EQ(session.ids(""), listed);
  for (std::size_t i = 0; i + 1 < listed.size(); ++i) {
    EXPECT_EQ(session.ids("", listed[i], 1), texts{listed[i + 1]}) << "after " << listed[i];
  }
}

TEST_P(JournalContract, HostileIdsAreErasedApart) {
  auto ids = hostile_ids();
  std::vector<request> batch;
  for (const auto& id : ids) batch.push_back({id, 0, {"a", "b"}});
  for (const auto& outcome : session.outcomes_of(batch)) ASSERT_EQ(told(outcome), "stored");
  for (std::size_t i = 0; i < ids.size(); i += 2) session.erase_to(ids[i], 2);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(session.history(ids[i]), i % 2 == 0 ? "" : "1:a 2:b") << ids[i].str();
    EXPECT_EQ(session.highest(ids[i]), 2u) << ids[i].str();
  }
}

TEST_P(JournalContract, HostileIdsHaveSnapshotsApart) {
  auto ids = hostile_ids();
  std::vector<snapshot_request> batch;
  for (const auto& id : ids) batch.push_back({id, snapshot(1, id.str())});
  must(session.inner().save_snapshots(batch));
  for (const auto& id : ids) EXPECT_EQ(session.load(id), "1:" + id.str());
  for (std::size_t i = 0; i < ids.size(); i += 2) session.erase_snapshots(ids[i]);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(session.load(ids[i]), i % 2 == 0 ? "none" : "1:" + ids[i].str());
  }
}

TEST_P(JournalContract, AnInvalidIdIsRefusedBeforeAJournalSeesIt) {
  using namespace std::string_view_literals;
  auto too_long = "t|" + std::string(254, 'x');
  for (std::string_view text : {""sv, "t"sv, "|x"sv, "t|"sv, "t|a\0b"sv, "t|\0"sv, "\0|x"sv,
                                std::string_view{too_long}, "t|\xff"sv, "t|\xc0\xaf"sv,
                                "t|\xed\xa0\x80"sv, "t|\xf0\x9f\x90"sv, "t|\xf4\x90\x80\x80"sv}) {
    auto made = persistence_id::parse(text);
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code, errc::invalid_id) << text;
  }
}

}}}  // namespace nexus::v0::testkit
