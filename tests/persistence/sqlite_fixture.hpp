// A scratch folder with a journal, short names for the contract's calls, and raw SQL.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "nexus/sqlite.hpp"
#include "temporary_folder.hpp"

class SqliteTest : public testing::Test {
 public:
 protected:
  [[nodiscard]] std::string path(const std::string& name = "j.db") const {
    return folder_.path(name);
  }

  [[nodiscard]] static nexus::result<std::shared_ptr<nexus::journal>> open(
      const std::string& text) {
    auto where = nexus::uri::parse(text);
    if (!where) return nexus::fail(where.error());
    return nexus::sqlite_backend().open(*where);
  }

  [[nodiscard]] std::unique_ptr<nexus::journal_session> session(
      const std::string& parameters = "") {
    if (!journal_) journal_ = open("sqlite:" + path() + parameters).value();
    return journal_->open_session().value();
  }

  static nexus::persistence_id id(const std::string& name) {
    return nexus::persistence_id::make("t", name).value();
  }

  /// `count` events of one byte each, after `expected`.
  struct batch {
    explicit batch(const std::string& name, nexus::sequence_nr expected = 0, std::size_t count = 1)
        : events(count), request{.id = id(name), .expected = expected, .writer = {}, .events = {}} {
      for (auto& event : events) {
        event.type = "happened";
        event.data = data;
      }
      request.events = events;
      request.writer.bytes[15] = 7;
    }
    batch(const batch&) = delete;
    batch& operator=(const batch&) = delete;

    std::string data = "x";
    std::vector<nexus::event_view> events;
    nexus::append_request request;
  };

  static nexus::append_outcome append(nexus::journal_session& s, const batch& b) {
    return s.append({&b.request, 1}).at(0);
  }

  static nexus::position position_of(const nexus::append_outcome& outcome) {
    return std::get<nexus::stored>(outcome).last;
  }

  static nexus::result<std::vector<nexus::sequence_nr>> numbers(nexus::journal_session& s,
                                                                const std::string& name) {
    std::vector<nexus::sequence_nr> found;
    auto done =
        s.replay(id(name), 1, nexus::sequence_nr_max, 1'000,
                 [&](const nexus::record_view& r) { return found.push_back(r.number), true; });
    if (!done) return nexus::fail(done.error());
    return found;
  }

  /// Runs SQL on its own connection; the first column of the last row, if any.
  std::string sql(const std::string& text, const std::string& file = "j.db") const {
    sqlite3* db = nullptr;
    sqlite3_open(path(file).c_str(), &db);
    std::string answer;
    char* error = nullptr;
    auto row = [](void* into, int, char** columns, char**) {
      *static_cast<std::string*>(into) = columns[0] ? columns[0] : "NULL";
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, text.c_str(), row, &answer, &error), SQLITE_OK) << error;
    sqlite3_free(error);
    sqlite3_close(db);
    return answer;
  }

  nexus::test::temporary_folder folder_;
  std::shared_ptr<nexus::journal> journal_;
};

/// One line that names the thing.
inline void expect_names(const nexus::error& why, const std::string& name) {
  EXPECT_NE(why.message.find(name), std::string::npos) << why.message;
  EXPECT_EQ(why.message.find('\n'), std::string::npos) << why.message;
}
