#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "bank_fixture.hpp"
#include "kill_support.hpp"
#include "tally.hpp"

namespace samples { namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t entities = 20;

struct acknowledgement {
  std::string entity;
  std::size_t number = 0;
  std::uint64_t token = 0;
};

struct heard {
  std::map<std::string, std::set<std::uint64_t>> sent;
  std::vector<acknowledgement> acknowledged;

  // An incomplete last line does not count.
  void take(const std::string& text) {
    std::istringstream lines{text.substr(0, text.rfind('\n') + 1)};
    for (std::string what; lines >> what;) {
      acknowledgement a;
      lines >> a.entity;
      if (what == "acknowledged") lines >> a.number;
      lines >> a.token;
      if (what == "sent") {
        sent[a.entity].insert(a.token);
      } else {
        acknowledged.push_back(a);
      }
    }
  }
};

using tokens = std::vector<std::uint64_t>;

// The stored tokens, read from the journal without entities.
std::map<std::string, tokens> stored_in(nexus::store& store) {
  auto session = store.open_session();
  EXPECT_TRUE(session);
  std::map<std::string, tokens> stored;
  const auto ids = (*session)->ids(tally::entity_type, "", 1000).value();
  for (const auto& id : ids) {
    auto& of_id = stored[std::string{id.id()}];
    auto read =
        (*session)->replay(id, 1, nexus::sequence_nr_max, SIZE_MAX, [&](const auto& record) {
          of_id.push_back(
              std::get<tally::added>(nexus::decode_event<tally>(record.event).value()).token);
          EXPECT_EQ(record.number, of_id.size());
          return true;
        });
    EXPECT_TRUE(read);
  }
  return stored;
}

void expect_found_again(const heard& all, const std::string& uri) {
  nexus::system sys;
  auto store = nexus::open(uri);
  ASSERT_TRUE(store) << store.error().message;
  const auto stored = stored_in(*store);
  for (const auto& a : all.acknowledged) {
    const auto found = stored.find(a.entity);
    ASSERT_NE(found, stored.end()) << a.entity;
    ASSERT_GE(found->second.size(), a.number) << "entity " << a.entity;
    ASSERT_EQ(found->second[a.number - 1], a.token) << "entity " << a.entity << " #" << a.number;
  }
  nexus::entities<tally> tallies{sys, *store, {}};
  for (const auto& [entity, of_entity] : stored) {
    const auto& sent = all.sent.at(entity);
    EXPECT_EQ(std::set(of_entity.begin(), of_entity.end()).size(), of_entity.size()) << "twice";
    for (auto token : of_entity) EXPECT_TRUE(sent.contains(token)) << "never sent: " << token;
    EXPECT_EQ(tallies.of(entity).ask(tally::get_count{}).get(seconds{30}), of_entity.size());
  }
}

// A writer is killed some milliseconds after its first answer; the next one continues in its
// journal.
void kill_writers(std::mt19937_64& random, int rounds, heard& all) {
  const temporary_folder directory;
  const auto uri = "sqlite:" + directory.path("tally.db");
  constexpr std::uint64_t tokens_per_round = 10'000'000;
  for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
    const auto first = static_cast<std::uint64_t>(round) * tokens_per_round;
    process writer{{ACK_WRITER_PROGRAM, uri, std::to_string(entities), std::to_string(first)}};
    auto heard_one = [&] { return writer.out().find("acknowledged") != std::string::npos; };
    const bool ended = writer.read_until(heard_one, seconds{30});
    ASSERT_FALSE(ended) << "round " << round << ": the writer ended itself with " << writer.wait()
                        << ": " << writer.err();
    ASSERT_TRUE(heard_one()) << "round " << round << ": no answer in 30 s";
    writer.read_for(milliseconds{random() % 200});
    ASSERT_TRUE(writer.kill()) << writer.err();
    writer.wait();
    all.take(writer.out());
    expect_found_again(all, uri);
  }
}

TEST(Acknowledged, IsFoundAgainAfterTheProcessWasKilled) {
  auto random = random_source();
  const int journals = times(1, 60);
  std::size_t found = 0;
  for (int i = 0; i < journals && !HasFailure(); ++i) {
    heard all;
    kill_writers(random, 8, all);
    found += all.acknowledged.size();
  }
  std::cout << found << " acknowledged answers found again\n";
}

}}  // namespace samples
