// What a mapping says of a struct, and how it is compared with the database.
#include "fixture.hpp"

namespace nexus::test { namespace {

struct address {
  std::string street{};
  std::vector<int> floors{};
  MSGPACK_DEFINE_MAP(street, floors)
};

enum class colour { red, green = 7 };

struct thing {
  std::int64_t id = 0;
  std::string name{};
  colour paint = colour::red;
  double weight = 0;
  bool fragile = false;
  std::optional<std::int64_t> count{};
  timestamp made{};
  address where{};
  std::vector<unsigned char> picture{};
  MSGPACK_DEFINE_MAP(id, name, paint, weight, fragile, count, made, where, picture)
};

class Mapping : public Mapped {
 protected:
  void create_things() {
    create(
        is_sqlite()
            ? "things ({id}, name text NOT NULL, paint integer NOT NULL, weight real NOT NULL, "
              "fragile boolean NOT NULL, count integer, made text NOT NULL, place text NOT NULL, "
              "picture blob NOT NULL)"
            : "things ({id}, name text NOT NULL, paint integer NOT NULL, weight double precision "
              "NOT NULL, fragile boolean NOT NULL, count bigint, made timestamptz NOT NULL, "
              "place jsonb NOT NULL, picture bytea NOT NULL)");
  }
  static mapping<thing> things() {
    mapping<thing> made{"things"};
    made.generated_key("id").column("where", "place");
    return made;
  }
};

TEST_P(Mapping, EveryKindOfFieldComesBackEqual) {
  create_things();
  const auto by = things();
  ASSERT_EQ(message_of(by.check(s)), "");
  thing one{};
  one.name = "x'; DROP TABLE things; --\"";
  one.paint = colour::green;
  one.weight = 0.1;
  one.fragile = true;
  one.made = timestamp{std::chrono::microseconds{1'767'225'600'123'456}};
  one.where = {"Ärger \"1\"\n\\", {1, 2, 3}};
  one.picture = {0, 255, 39};
  ASSERT_EQ(message_of(mapper(s, by).store(one)), "");
  EXPECT_NE(one.id, 0);

  const auto found = must(mapper(s, by).find_or_error(one.id));
  EXPECT_EQ(found.name, one.name);
  EXPECT_EQ(found.paint, colour::green);
  EXPECT_EQ(found.weight, 0.1);
  EXPECT_TRUE(found.fragile);
  EXPECT_EQ(found.count, std::nullopt);
  EXPECT_EQ(found.made, one.made);
  EXPECT_EQ(found.where.street, one.where.street);
  EXPECT_EQ(found.where.floors, one.where.floors);
  EXPECT_EQ(found.picture, one.picture);
  EXPECT_EQ(rows("SELECT paint, count FROM things"), "7|-");
}

TEST_P(Mapping, ARowThatWasOnlyLoadedIsUnchanged) {
  create_things();
  const auto by = things();
  thing one{.name = "a", .where = {"s", {1}}};
  ASSERT_TRUE((mapper(s, by).store(one)));
  mapper<thing> again{s, by};
  auto found = must(again.find_or_error(one.id));
  s.take();
  EXPECT_EQ(again.store(found).what, stored_as::unchanged);
  EXPECT_TRUE(s.take().empty());
}

TEST_P(Mapping, AMissingTableIsNamedWithKeyAndField) {
  EXPECT_EQ(message_of(things().check(s)),
            "table things, column id (field id): there is no such table");
}

TEST_P(Mapping, EveryDifferenceIsNamedWithTableColumnAndField) {
  create(is_sqlite() ? "things (id bigint, name integer NOT NULL, paint integer NOT NULL, "
                       "weight real, fragile boolean NOT NULL, count integer, made text NOT NULL, "
                       "picture blob NOT NULL, extra integer NOT NULL)"
                     : "things (id bigint NOT NULL, name integer NOT NULL, paint integer NOT NULL, "
                       "weight real, fragile boolean NOT NULL, count integer, made text NOT NULL, "
                       "picture bytea NOT NULL, extra integer NOT NULL)");
  const auto why = message_of(things().check(s));
  for (const std::string wanted :
       {"table things, column name (field name): the column is ",
        "table things, column weight (field weight): the column may be NULL, and the field is no "
        "std::optional",
        "table things, column place (field where): the table has no such column",
        "table things, column extra: no field has this column, which must have a value",
        "table things, column id (field id): the key is not unique",
        "table things, column id (field id): the database makes no value for the generated key"}) {
    EXPECT_NE(why.find(wanted), std::string::npos) << wanted << "\nin: " << why;
  }
}

TEST_P(Mapping, AWrongNameIsAnErrorOfEveryCall) {
  mapping<thing> wrong{"things"};
  wrong.generated_key("id").column("nmae", "name");
  EXPECT_EQ(message_of(wrong.check(s)), "mapping of things: there is no field nmae");
  thing one{};
  EXPECT_EQ(code_of(mapper(s, wrong).store(one)), "invalid_argument");
  EXPECT_EQ(code_of(mapper(s, wrong).find(1)), "invalid_argument");
  EXPECT_TRUE(s.take().empty());
}

TEST_P(Mapping, AMappingWithoutAKeyIsAnError) {
  mapping<thing> keyless{"things"};
  EXPECT_EQ(message_of(keyless.check(s)),
            "mapping of things: it has no key: name its fields with key(…)");
}

struct named {
  std::int64_t id = 0;
  std::string name{};
  MSGPACK_DEFINE_MAP(id, name)
};

TEST_P(Mapping, ARowThatDoesNotFitIsCorruptAndNamesColumnAndField) {
  create("things ({id}, name text)");
  mapping<named> by{"things"};
  by.generated_key("id");
  run("INSERT INTO things (id, name) VALUES (5, NULL)");
  const auto found = mapper(s, by).find(5);
  EXPECT_EQ(code_of(found), "corrupt");
  EXPECT_EQ(message_of(found),
            "table things, column name (field name): cannot read things 5: the value is NULL, not "
            "text");
}

struct event {
  std::int64_t id = 0;
  timestamp at{};
  colour paint = colour::red;
  std::string hidden{};
  MSGPACK_DEFINE_MAP(id, at, paint, hidden)
};

TEST_P(Mapping, TimesInAChosenFormatAndConversionsOfTheProgram) {
  create("events ({id}, at bigint NOT NULL, paint text NOT NULL)");
  mapping<event> by{"events"};
  by.generated_key("id").format("at", time_format::milliseconds).without("hidden");
  by.convert(
      &event::paint, [](colour c) { return std::string{c == colour::red ? "red" : "green"}; },
      [](const sql_value& from) {
        return std::get<std::string>(from) == "red" ? colour::red : colour::green;
      });
  ASSERT_EQ(message_of(by.check(s)), "");
  event one{.at = timestamp{std::chrono::milliseconds{12}}, .paint = colour::green};
  ASSERT_EQ(message_of(mapper(s, by).store(one)), "");
  EXPECT_EQ(rows("SELECT at, paint FROM events"), "12|green");
  const auto found = must(mapper(s, by).find_or_error(one.id));
  EXPECT_EQ(found.paint, colour::green);
  EXPECT_EQ(found.at, one.at);
}

TEST_P(Mapping, AColumnThatDehydrateLeavesOutIsNotWritten) {
  create("events ({id}, at bigint NOT NULL DEFAULT 5, paint bigint NOT NULL, note text)");
  mapping<event> by{"events"};
  by.generated_key("id").without("hidden").format("at", time_format::microseconds).column("note");
  by.dehydrate([](const event& e, column_values& to) {
    to.leave_out("at");
    to.set("note", e.hidden + "!");
  });
  by.hydrate([](event& e, const column_values& from, session&) -> result<void> {
    e.hidden = std::get<std::string>(*from.find("note"));
    e.hidden.pop_back();
    return {};
  });
  mapper<event> events{s, by};
  event one{.at = timestamp{std::chrono::microseconds{99}}, .hidden = "psst"};
  ASSERT_EQ(message_of(events.store(one)), "");
  EXPECT_EQ(rows("SELECT at, note FROM events"), "5|psst!");
  EXPECT_EQ(must(mapper(s, by).find_or_error(one.id)).hidden, "psst");
  one.at = {};
  EXPECT_EQ(events.store(one).what, stored_as::unchanged);
}

TEST_P(Mapping, ColumnsOfTheDatabaseAreNeverWrittenAndReadAgain) {
  create("events ({id}, at bigint NOT NULL, paint bigint NOT NULL DEFAULT 7)");
  mapping<event> by{"events"};
  by.generated_key("id").without("hidden").format("at", time_format::microseconds);
  by.of_database("paint");
  mapper<event> events{s, by};
  event one;
  ASSERT_EQ(message_of(events.store(one)), "");
  EXPECT_EQ(one.paint, colour::green);
  one.paint = colour::red;
  EXPECT_EQ(events.store(one).what, stored_as::unchanged);
  one.at = timestamp{std::chrono::seconds{1}};
  EXPECT_EQ(events.store(one).what, stored_as::updated);
  EXPECT_EQ(one.paint, colour::green);
}

TEST_P(Mapping, WhatATriggerSetsIsReadAgain) {
  create("events ({id}, at bigint NOT NULL, paint bigint NOT NULL DEFAULT 0)");
  if (is_sqlite()) {
    run("CREATE TRIGGER t AFTER UPDATE OF at ON events BEGIN "
        "UPDATE events SET paint = 7 WHERE id = NEW.id; END");
  } else {
    run("CREATE FUNCTION t () RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN UPDATE events SET paint = 7 WHERE id = NEW.id; RETURN NULL; END'");
    run("CREATE TRIGGER t AFTER UPDATE OF at ON events FOR EACH ROW EXECUTE FUNCTION t ()");
  }
  mapping<event> by{"events"};
  by.generated_key("id").without("hidden").format("at", time_format::microseconds);
  by.of_database("paint");
  mapper<event> events{s, by};
  event one{};
  ASSERT_EQ(message_of(events.store(one)), "");
  EXPECT_EQ(one.paint, colour::red);
  one.at = timestamp{std::chrono::seconds{1}};
  ASSERT_EQ(message_of(events.store(one)), "");
  EXPECT_EQ(one.paint, colour::green);
}

TEST_P(Mapping, AValueThatNoColumnHoldsIsRefusedBeforeAnyStatement) {
  create_things();
  const auto by = things();
  thing one{.weight = std::numeric_limits<double>::quiet_NaN()};
  s.take();
  const auto done = mapper(s, by).store(one);
  EXPECT_EQ(message_of(done),
            "table things, column weight (field weight): cannot write: the value is not a number "
            "(NaN), which SQLite would store as NULL");
  EXPECT_TRUE(s.take().empty());
}

NEXUS_ON_BOTH_DATABASES(Mapping);

}  // namespace
}  // namespace nexus::test
