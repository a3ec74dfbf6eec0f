#include "layout.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

constexpr std::span<const migration> no_steps_yet{};  // version 1 is the first

constexpr std::array<column, 2> meta{
    {{"name", "text", true, "schema_version"}, {"value", "bigint", true, ""}}};

constexpr std::array<column, 13> journal{
    {{"persistence_id", "text", true, "type|id"},
     {"sequence_nr", "bigint", true, "1, 2, 3 ... within the id"},
     {"transaction_id", "xid8", true, "of the append; the first part of the position"},
     {"position", "bigint", true, "1, 2, 3 ... within the transaction; the second part"},
     {"event_type", "text", true, ""},
     {"schema_version", "bigint", true, "of that type"},
     {"codec", "text", true, "how event_data is encoded, e.g. msgpack"},
     {"event_data", "bytea", true, ""},
     {"metadata", "bytea", true, ""},
     {"writer_id", "text", true, "a ULID, of the system that wrote it"},
     {"timestamp", "timestamp with time zone", true, "when it was decided"},
     {"slice", "integer", true, "0 to 1023, by the persistence_id"},
     {"key_id", "text", false, "reserved, always NULL: nothing is encrypted"}}};

constexpr std::array<column, 3> event_tags{{{"tag", "text", true, ""},
                                            {"transaction_id", "xid8", true, "of the event"},
                                            {"position", "bigint", true, "of the event"}}};

constexpr std::array<column, 2> erased{
    {{"persistence_id", "text", true, ""},
     {"sequence_nr", "bigint", true, "the highest that was erased"}}};

constexpr std::array<column, 9> snapshots{
    {{"persistence_id", "text", true, ""},
     {"sequence_nr", "bigint", true, "of the last event in the state"},
     {"state_type", "text", true, ""},
     {"schema_version", "bigint", true, "of that type"},
     {"codec", "text", true, ""},
     {"state_data", "bytea", true, ""},
     {"writer_id", "text", true, ""},
     {"timestamp", "timestamp with time zone", true, ""},
     {"key_id", "text", false, ""}}};

constexpr std::array<column, 11> states{
    {{"persistence_id", "text", true, ""},
     {"version", "bigint", true, "only rises"},
     {"previous_version", "bigint", true, "the version it replaced"},
     {"state_type", "text", true, ""},
     {"schema_version", "bigint", true, "of that type"},
     {"codec", "text", true, ""},
     {"state_data", "bytea", false, "NULL: erased; the version keeps rising"},
     {"writer_id", "text", true, ""},
     {"timestamp", "timestamp with time zone", true, ""},
     {"slice", "integer", true, ""},
     {"key_id", "text", false, ""}}};

// Room in each page for the next version of an updated row, so that an update changes no index.
constexpr std::string_view updated = " WITH (fillfactor = 80)";

constexpr std::array<table, 6> all_tables{
    {{"nexus_meta", meta, "name", ""},
     {"nexus_event_journal", journal, "persistence_id, sequence_nr", ""},
     {"nexus_event_tags", event_tags, "tag, transaction_id, position", ""},
     {"nexus_erased", erased, "persistence_id", ""},
     {"nexus_snapshot_store", snapshots, "persistence_id, sequence_nr", ""},
     {"nexus_durable_state", states, "persistence_id", updated}}};

constexpr index always[] = {
    {"nexus_event_journal_by_position", "nexus_event_journal", "transaction_id, position", true},
    {"nexus_event_tags_by_position", "nexus_event_tags", "transaction_id, position"}};
constexpr index by_type{"nexus_event_journal_by_type", "nexus_event_journal",
                        "event_type, transaction_id, position", false, true};
constexpr index by_time{"nexus_event_journal_by_time", "nexus_event_journal", "timestamp", false,
                        true};

// Keeps numbers from being reused after any deletion, also one by hand in SQL; and deletes the
// tags.
constexpr std::string_view body = R"sql(
BEGIN
  INSERT INTO nexus_erased AS e (persistence_id, sequence_nr)
    SELECT d.persistence_id, max(d.sequence_nr) FROM deleted d
      GROUP BY d.persistence_id ORDER BY d.persistence_id
    ON CONFLICT (persistence_id) DO UPDATE
      SET sequence_nr = greatest(e.sequence_nr, excluded.sequence_nr);
  DELETE FROM nexus_event_tags t USING deleted d
    WHERE t.transaction_id = d.transaction_id AND t.position = d.position;
  RETURN NULL;
END )sql";

// The function must find the tables whatever search_path the deleting session has.
std::string erasing(const schema_choices& chosen) {
  return fmt::format(
      "\nCREATE FUNCTION {0}() RETURNS trigger\n  LANGUAGE plpgsql SET search_path FROM CURRENT AS "
      "$${1}$$;\nCREATE TRIGGER {2} AFTER DELETE ON {3}\n  REFERENCING OLD TABLE AS deleted\n"
      "  FOR EACH STATEMENT EXECUTE FUNCTION {0}();\n",
      chosen.named(erased_function), erased_body(chosen), chosen.named(erased_trigger),
      chosen.named("nexus_event_journal"));
}

std::string create(const table& made) {
  std::string out = fmt::format("CREATE TABLE {} (\n", made.name);
  for (const auto& c : made.columns) {
    const auto type = c.type == "text" ? std::string{"text COLLATE \"C\""} : std::string{c.type};
    const auto line = fmt::format("  {:16} {}{},", c.name, type, c.required ? " NOT NULL" : "");
    out += c.meaning.empty() ? line + "\n" : fmt::format("{:52} -- {}\n", line, c.meaning);
  }
  return out + fmt::format("  PRIMARY KEY ({})\n){};\n\n", made.primary_key, made.options);
}

}  // namespace

std::span<const migration> migrations() noexcept { return no_steps_yet; }

std::string erased_body(const schema_choices& chosen) { return chosen.named(body); }

std::span<const table> tables() noexcept { return all_tables; }

std::vector<index> indexes(const schema_choices& chosen) {
  std::vector<index> made{std::begin(always), std::end(always)};
  if (chosen.index_type) made.push_back(by_type);
  if (chosen.index_time) made.push_back(by_time);
  return made;
}

std::string ddl(const index& made, const schema_choices& chosen) {
  return chosen.named(fmt::format("CREATE {}INDEX IF NOT EXISTS {} ON {} ({});\n",
                                  made.unique ? "UNIQUE " : "", made.name, made.table,
                                  made.columns));
}

std::string ddl(const schema_choices& chosen, std::string_view schema) {
  std::string out;
  if (!schema.empty()) {
    out +=
        fmt::format("CREATE SCHEMA IF NOT EXISTS {0};\nSET LOCAL search_path = {0};\n\n", schema);
  }
  for (const auto& made : all_tables) out += chosen.named(create(made));
  for (const auto& made : indexes(chosen)) out += ddl(made, chosen);
  out += erasing(chosen);
  out += chosen.named(
      fmt::format("\nINSERT INTO nexus_meta VALUES ('schema_version', {});\n", schema_version));
  return out;
}

}}}  // namespace nexus::v0::postgres
