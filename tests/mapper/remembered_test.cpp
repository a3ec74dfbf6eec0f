// What a mapper remembers is what the table has, whatever transactions were rolled back.
#include <algorithm>
#include <map>
#include <nexus/detail/row_mapper.hpp>
#include <random>

#include "orders.hpp"

namespace nexus::test { namespace {

class Remembered : public Orders {
 protected:
  // Everything that the mapper remembers, beside a fresh look at the table.
  void compare(const std::string& after) {
    mapper<order> fresh{s, by};
    std::map<std::int64_t, order> stored;
    for (auto& one : must(fresh.all().get())) stored[one.id] = one;
    for (std::int64_t id = 1; id <= ids_seen; ++id) {
      detail::row_values row(orders.rows().of().columns.size());
      row[orders.rows().of().key.front()] = id;
      const auto key = detail::key_of(orders.rows().of(), row);
      const auto mine = orders.rows().memory().find(key);
      const auto theirs = fresh.rows().memory().find(key);
      ASSERT_TRUE(std::ranges::equal(mine, theirs)) << "order " << id << " after " << after;
      compared += mine.size();
    }
  }

  void step(std::mt19937& random) {
    auto& one = *entities[random() % entities.size()];
    switch (random() % 4) {
      case 0:
        (void)orders.remove(one);
        one.id = 0;
        break;
      case 1:
        one.note = one.note ? std::nullopt : std::optional<std::string>{"note"};
        (void)orders.store(one);
        break;
      default:
        one.cents = static_cast<std::int64_t>(random() % 5);
        (void)orders.store(one);
    }
    ids_seen = std::max(ids_seen, one.id);
  }

  // Some steps and transactions within, of which some are rolled back.
  void within(std::mt19937& random, int depth) {
    (void)transactional(s, [&](session&) -> result<void> {
      for (int i = 0; i < 4; ++i) {
        step(random);
        if (depth > 0 && random() % 3 == 0) within(random, depth - 1);
      }
      if (random() % 2 == 0) return fail(errc::rejected, "rolled back");
      return {};
    });
  }

  std::int64_t ids_seen = 0;
  std::size_t compared = 0;  // values
  std::vector<std::unique_ptr<order>> entities = [] {
    std::vector<std::unique_ptr<order>> made;
    for (int i = 0; i < 5; ++i) {
      made.push_back(std::make_unique<order>(order{.customer = "c" + std::to_string(i)}));
    }
    return made;
  }();
};

TEST_P(Remembered, IsWhatTheTableHasAfterAnyRollbacks) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937 random{seed};
    for (int i = 0; i < 4; ++i) {
      within(random, 2);
      compare("seed " + std::to_string(seed) + ", transaction " + std::to_string(i));
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(compared, 100U);
}

NEXUS_ON_BOTH_DATABASES(Remembered);

struct named {
  std::string id{};
  std::string text{};
  MSGPACK_DEFINE_MAP(id, text)
};

class GeneratedKey : public Mapped {};

TEST_P(GeneratedKey, InAnotherFormThanTheFieldsIsKnownAfterwards) {
  create("notes ({id}, text text NOT NULL)");
  mapping<named> by{"notes"};
  by.generated_key("id");
  by.convert(
      &named::id,
      [](const std::string& id) { return id.empty() ? std::int64_t{0} : std::stoll(id.substr(1)); },
      [](const sql_value& from) { return "n" + std::to_string(std::get<std::int64_t>(from)); });
  ASSERT_EQ(message_of(by.check(s)), "");
  mapper<named> notes{s, by};
  named one{.text = "a"};
  ASSERT_EQ(notes.store(one).what, stored_as::inserted);
  EXPECT_EQ(one.id, "n1");
  one.text = "b";
  EXPECT_EQ(notes.store(one).what, stored_as::updated);
  EXPECT_EQ(rows("SELECT * FROM notes"), "1|b");
}

TEST_P(GeneratedKey, OfTextIsSetAlthoughTheTableHasARowidToo) {
  run(is_sqlite()
          ? "CREATE TABLE notes (id text NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(8)))),"
            " text text NOT NULL)"
          : "CREATE TABLE notes (id text NOT NULL UNIQUE DEFAULT gen_random_uuid()::text, "
            "text text NOT NULL)");
  mapping<named> by{"notes"};
  by.generated_key("id");
  ASSERT_EQ(message_of(by.check(s)), "");
  mapper<named> notes{s, by};
  named one{.text = "a"};
  ASSERT_EQ(notes.store(one).what, stored_as::inserted);
  EXPECT_EQ(one.id, rows("SELECT id FROM notes"));
}

// On SQLite the key is the rowid, which the trigger's INSERT has too, of another table.
TEST_P(GeneratedKey, IsThatOfTheRowAlthoughATriggerInsertsElsewhere) {
  create("orders ({id}, customer text NOT NULL, cents bigint NOT NULL, note text)");
  create("log ({id}, what text NOT NULL)");
  run("INSERT INTO log (what) VALUES ('a'), ('b'), ('c')");
  if (is_sqlite()) {
    run("CREATE TRIGGER logs AFTER INSERT ON orders BEGIN INSERT INTO log (what) VALUES ('x'); "
        "END");
  } else {
    run("CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO log (what) VALUES (''x''); RETURN NEW; END'");
    run("CREATE TRIGGER logs AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION logs()");
  }
  mapping<order> by{"orders"};
  by.generated_key("id");
  ASSERT_EQ(message_of(by.check(s)), "");
  mapper<order> orders{s, by};
  order one{.customer = "ann"};
  ASSERT_EQ(orders.store(one).what, stored_as::inserted);
  EXPECT_EQ(std::to_string(one.id), rows("SELECT id FROM orders"));
}

TEST_P(GeneratedKey, OfARowThatATriggerKeepsOutIsAnError) {
  create("orders ({id}, customer text NOT NULL, cents bigint NOT NULL, note text)");
  if (is_sqlite()) {
    run("CREATE TRIGGER refuses BEFORE INSERT ON orders BEGIN SELECT RAISE(IGNORE); END");
  } else {
    run("CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
    run("CREATE TRIGGER refuses BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuses()");
  }
  mapping<order> by{"orders"};
  by.generated_key("id");
  ASSERT_EQ(message_of(by.check(s)), "");
  mapper<order> orders{s, by};
  order one{.customer = "ann"};
  EXPECT_EQ(code_of(orders.store(one)), "query_failed");
  EXPECT_EQ(one.id, 0);
}

NEXUS_ON_BOTH_DATABASES(GeneratedKey);

// Takes a few rows, and ends then.
class first_rows final : public sql_row_sink {
 public:
  explicit first_rows(std::size_t max) : max_{max} {}
  bool take(std::span<sql_value> row) override {
    taken.push_back(std::get<std::int64_t>(row[0]));
    return taken.size() < max_;
  }
  std::vector<std::int64_t> taken{};

 private:
  std::size_t max_;
};

class RowSink : public Mapped {
 protected:
  RowSink() { create("numbers (n bigint NOT NULL)"); }
  std::unique_ptr<session> plain_ = must(journal_->open_session());
};

TEST_P(RowSink, TakesRowsUntilItHasEnough) {
  run("INSERT INTO numbers VALUES (1), (2), (3)");
  first_rows two{2}, all{9};
  must(plain_->read_sql("SELECT n FROM numbers WHERE n > $1 ORDER BY n",
                        std::array{sql_value{std::int64_t{0}}}, two));
  EXPECT_EQ(two.taken, (std::vector<std::int64_t>{1, 2}));
  must(plain_->read_sql("SELECT n FROM numbers ORDER BY n", {}, all));
  EXPECT_EQ(all.taken, (std::vector<std::int64_t>{1, 2, 3}));
  must(plain_->execute("DELETE FROM numbers"));  // no statement was left open
}

TEST_P(RowSink, GetsNothingFromAStatementThatFails) {
  first_rows none{1};
  EXPECT_EQ(code_of(plain_->read_sql("SELECT n FROM no_such_table", {}, none)), "query_failed");
  EXPECT_TRUE(none.taken.empty());
}

NEXUS_ON_BOTH_DATABASES(RowSink);

}  // namespace
}  // namespace nexus::test
