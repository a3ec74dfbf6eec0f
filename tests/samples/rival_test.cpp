// Two processes that write the same entities of one database at the same time.
#include "rival.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "kinds_of_database.hpp"
#include "process.hpp"

namespace samples { namespace {

constexpr std::uint64_t entities = 1'000;
constexpr std::uint64_t rounds = 4;  // by the third both have lost once, see rival_writer.cpp
constexpr std::uint64_t tokens_per_writer = 1'000'000;

using place = std::pair<std::string, std::uint64_t>;  // an entity, and the place of a command in it

/// The output of one writer.
struct account_of {
  std::string writer;
  std::map<std::uint64_t, place> acknowledged;  // by token
  std::set<std::uint64_t> refused;
  std::uint64_t again = 0;

  explicit account_of(const std::string& text) {
    std::istringstream lines{text};
    std::string entity;
    std::uint64_t token = 0;
    for (std::string what; lines >> what;) {
      if (what == "writer") {
        lines >> writer;
      } else if (what == "again") {
        lines >> again;
      } else if (what == "refused") {
        lines >> entity >> token;
        refused.insert(token);
      } else {
        std::uint64_t at = 0;
        lines >> entity >> token >> at;
        EXPECT_TRUE(acknowledged.emplace(token, place{entity, at}).second) << "answered twice";
      }
    }
    EXPECT_EQ(acknowledged.size(), entities * rounds);
  }
};

struct stored_command {
  place at;
  std::string writer;
};
using stored_commands = std::map<std::uint64_t, stored_command>;  // by token

/// Takes the records of one entity in order; errors fail the test.
class reading {
 public:
  reading(std::string id, stored_commands& into) : id_{std::move(id)}, all_{into} {}

  bool take(const nexus::record_view& record) {
    const auto event = std::get<rival::noted>(nexus::decode_event<rival>(record.event).value());
    const auto writer = record.writer.to_string();
    EXPECT_EQ(record.number, ++numbers_) << id_ << ": a gap";
    EXPECT_EQ(event.index, (record.number - 1) % rival::events_per_command) << where(record);
    if (event.index == 0) {
      token_ = event.token;
      writer_ = writer;
      EXPECT_EQ(event.place, ++commands_) << where(record) << " was decided on another state";
      const stored_command found{{id_, commands_}, writer};
      EXPECT_TRUE(all_.emplace(token_, found).second) << where(record) << " is stored twice";
    }
    EXPECT_EQ(event.token, token_) << where(record) << " stands in between another command's";
    EXPECT_EQ(writer, writer_) << where(record);
    return !testing::Test::HasFailure();
  }

  [[nodiscard]] bool ends_whole() const { return numbers_ % rival::events_per_command == 0; }

 private:
  [[nodiscard]] std::string where(const nexus::record_view& record) const {
    return id_ + " " + std::to_string(record.number);
  }

  std::string id_;
  stored_commands& all_;
  nexus::sequence_nr numbers_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t token_ = 0;
  std::string writer_;
};

stored_commands stored_in(const std::string& uri) {
  auto store = nexus::open(uri);
  EXPECT_TRUE(store);
  auto session = store->open_session().value();
  stored_commands all;
  const auto ids = session->ids({.type = rival::entity_type}, entities + 2).value();
  EXPECT_EQ(ids.size(), entities + 1) << "and the one at which the writers met";
  for (const auto& id : ids) {
    stored_commands of_meeting;
    reading r{std::string{id.id()}, id.id() == meeting_id ? of_meeting : all};
    EXPECT_TRUE(session->replay(id, 1, nexus::sequence_nr_max, SIZE_MAX,
                                [&](const auto& record) { return r.take(record); }));
    EXPECT_TRUE(r.ends_whole()) << id.str();
  }
  return all;
}

void expect_kept(const account_of& told, const stored_commands& stored) {
  for (const auto& [token, at] : told.acknowledged) {
    const auto found = stored.find(token);
    ASSERT_NE(found, stored.end()) << "lost: " << at.first << " " << token;
    EXPECT_EQ(found->second.at, at) << "the answer tells where it stands";
    EXPECT_EQ(found->second.writer, told.writer);
  }
  for (auto token : told.refused) EXPECT_FALSE(stored.contains(token)) << "refused: " << token;
}

// Reads from both: neither may block because its output is not read.
void read_in_turn(const std::vector<std::unique_ptr<process>>& writers) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  for (bool over = false; !over && std::chrono::steady_clock::now() < end;) {
    over = true;
    for (const auto& one : writers) over = one->read_for(std::chrono::milliseconds{5}) && over;
  }
}

class Rivals : public testing::TestWithParam<nexus::test::kind_of_database> {
 protected:
  /// The output of two writers that write at the same time.
  std::vector<account_of> write_at_once(const std::string& policy) {
    std::vector<std::unique_ptr<process>> writers;
    for (std::uint64_t i = 0; i < 2; ++i) {
      writers.push_back(std::make_unique<process>(
          command_line{RIVAL_WRITER_PROGRAM, in_.uri, std::to_string(entities),
                       std::to_string(rounds), policy, std::to_string(i * tokens_per_writer)}));
    }
    read_in_turn(writers);
    std::vector<account_of> told;
    for (auto& one : writers) {
      EXPECT_EQ(one->wait(), 0) << one->err();
      told.emplace_back(one->out());
    }
    return told;
  }

  void expect_all_kept(const std::vector<account_of>& told) {
    const auto stored = stored_in(in_.uri);
    for (const auto& one : told) {
      expect_kept(one, stored);
      std::cout << one.acknowledged.size() << " acknowledged, " << one.refused.size()
                << " refused, " << one.again << " times decided again\n";
    }
    EXPECT_EQ(stored.size(), told[0].acknowledged.size() + told[1].acknowledged.size());
    std::set<std::string> writers;
    for (const auto& [token, command] : stored) writers.insert(command.writer);
    EXPECT_EQ(writers, (std::set{told[0].writer, told[1].writer})) << "both are seen";
  }

 private:
  nexus::test::database in_ = GetParam().fresh();
};

TEST_P(Rivals, AnOvertakenCommandIsRefusedAndEveryAcknowledgedOneIsThereOnce) {
  const auto told = write_at_once("refuse");
  ASSERT_FALSE(HasFailure());
  for (const auto& one : told) {
    EXPECT_GE(one.refused.size(), entities) << "there was no contest";
    EXPECT_EQ(one.again, 0U);
  }
  expect_all_kept(told);
}

TEST_P(Rivals, AnOvertakenCommandIsDecidedAgainAndEveryAcknowledgedOneIsThereOnce) {
  const auto told = write_at_once("decide_again");
  ASSERT_FALSE(HasFailure());
  std::size_t refused = 0;
  for (const auto& one : told) {
    EXPECT_GE(one.again, entities) << "there was no contest";
    refused += one.refused.size();
  }
  EXPECT_LT(refused, entities * rounds / 100) << "a conflict is rarely one too many";
  expect_all_kept(told);
}

INSTANTIATE_TEST_SUITE_P(Postgres, Rivals, testing::Values(nexus::test::on_postgres),
                         nexus::test::name_of_kind);
INSTANTIATE_TEST_SUITE_P(Sqlite, Rivals, testing::Values(nexus::test::on_sqlite),
                         nexus::test::name_of_kind);

}}  // namespace samples
