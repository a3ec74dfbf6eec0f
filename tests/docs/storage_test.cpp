// The code and the queries of docs/storage.md, compiled and run; its tables against the real ones.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nexus/nexus.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "temporary_folder.hpp"

using namespace std::chrono_literals;

namespace {

struct account {
  static constexpr std::string_view entity_type = "account";

  struct deposit {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdraw {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using command = std::variant<deposit, withdraw>;

  struct deposited {
    static constexpr std::string_view type_name = "deposited";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  struct withdrawn {
    static constexpr std::string_view type_name = "withdrawn";
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };
  using event = std::variant<deposited, withdrawn>;

  struct state {
    std::int64_t cents = 0;
    MSGPACK_DEFINE_MAP(cents)
  };

  static auto decide(const state&, const deposit& c) {
    return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
  }
  static auto decide(const state&, const withdraw& c) {
    return nexus::persist(withdrawn{c.cents}).then_reply(&state::cents);
  }
  static void apply(state& s, const deposited& e) { s.cents += e.cents; }
  static void apply(state& s, const withdrawn& e) { s.cents -= e.cents; }

  template <class Event>
  static std::vector<std::string> tags(const Event& e) {
    if (e.cents < 10'000) return {};
    return {"large"};
  }
};

std::string page() {
  std::ifstream file{PAGES "/storage.md"};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// As `sqlite3 -header -column` prints it.
std::string answer(SQLite::Database& db, const std::string& sql) {
  SQLite::Statement query{db, sql};
  const auto columns = static_cast<std::size_t>(query.getColumnCount());
  std::vector<std::vector<std::string>> rows(2, std::vector<std::string>(columns));
  std::vector<std::size_t> widths(columns);
  for (std::size_t i = 0; i < columns; ++i) rows[0][i] = query.getColumnName(static_cast<int>(i));
  while (query.executeStep()) {
    auto& row = rows.emplace_back();
    for (int i = 0; i < query.getColumnCount(); ++i) row.push_back(query.getColumn(i).getString());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (std::size_t i = 0; i < columns; ++i) rows[1][i] = std::string(widths[i], '-');
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

// The text between "```language\n" and "```" from `at` on, which moves behind it; empty if none.
std::string block(const std::string& text, const std::string& language, std::size_t& at) {
  const auto fence = "```" + language + "\n";
  const auto begin = text.find(fence, at);
  if (begin == std::string::npos) return {};
  const auto end = text.find("```", begin + fence.size());
  at = end + 3;
  return text.substr(begin + fence.size(), end - begin - fence.size());
}

class StoragePage : public testing::Test {
 protected:
  nexus::test::temporary_folder folder;
  std::string address = "sqlite:" + folder.path("bank.db");
};

TEST_F(StoragePage, QueriesAnswerWhatThePageShows) {
  {
    nexus::system sys;
    auto store = nexus::open(address);
    nexus::entities<account> accounts{sys, *store};
    for (auto [id, cents] :
         {std::pair{"alice", 100}, {"bob", 70'000}, {"alice", 20}, {"carol", 5}}) {
      EXPECT_TRUE(accounts.of(id).ask(account::deposit{cents}).get(10s));
    }
    EXPECT_TRUE(accounts.of("bob").ask(account::withdraw{30'000}).get(10s));
  }
  SQLite::Database db{folder.path("bank.db")};
  const auto text = page();
  std::size_t at = 0;
  int queries = 0;
  for (;;) {
    const auto sql = block(text, "sql", at);
    if (sql.empty()) break;
    EXPECT_EQ(answer(db, sql), block(text, "text", at)) << sql;
    ++queries;
  }
  EXPECT_GE(queries, 6);
}

TEST_F(StoragePage, EveryTableAndColumnIsOnThePage) {
  ASSERT_TRUE(nexus::open_schema(address).value()->create());
  SQLite::Database db{folder.path("bank.db")};
  const auto text = page();
  std::set<std::string> told;
  std::istringstream lines{text.substr(text.find("\n## Tables\n"))};
  std::string table;
  for (std::string line; std::getline(lines, line) && line != "## Queries";) {
    if (line.starts_with("### ")) table = line.substr(4);
    if (!line.starts_with("| `")) continue;
    std::string column = table;
    column += "." + line.substr(3, line.find('`', 3) - 3);
    const auto type = line.find("| ", 3) + 2;
    column += " " + line.substr(type, line.find(' ', type) - type);
    told.insert(column);
  }
  std::set<std::string> real;
  SQLite::Statement query{db,
                          "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m "
                          "JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"};
  while (query.executeStep()) real.insert(query.getColumn(0).getString());
  EXPECT_EQ(told, real);
}

TEST_F(StoragePage, Tables) {
  nexus::result<std::unique_ptr<nexus::schema>> tables = nexus::open_schema(address);
  nexus::result<nexus::schema_status> status = (*tables)->check();
  EXPECT_EQ(status->found, 0U);  // no tables
  EXPECT_TRUE((*tables)->create());
  status = (*tables)->check();
  for (const std::string& line : status->differences) std::cerr << line << '\n';
  EXPECT_EQ((*tables)->check()->differences, std::vector<std::string>{});
}

}  // namespace
