#include "layout.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

constexpr std::array<column, 2> meta{
    {{"name", "text", true, "schema_version"}, {"value", "bigint", true, ""}}};

constexpr std::array<column, 14> journal{
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
     {"key_id", "text", false, "reserved, always NULL: nothing is encrypted"},
     {"tags", "text[]", false, "sorted; NULL: none. nexus_event_tags finds them"}}};

constexpr std::array<column, 3> event_tags{{{"tag", "text", true, ""},
                                            {"transaction_id", "xid8", true, "of the event"},
                                            {"position", "bigint", true, "of the event"}}};

constexpr std::array<column, 4> erased{
    {{"persistence_id", "text", true, ""},
     {"sequence_nr", "bigint", true, "the highest that was erased"},
     {"transaction_id", "xid8", true, "the highest position that was erased"},
     {"position", "bigint", true, ""}}};

constexpr std::array<column, 5> readers{
    {{"name", "text", true, "of a registered reader"},
     {"strand", "integer", true, ""},
     {"transaction_id", "xid8", true, "it has read up to this position:"},
     {"position", "bigint", true, "later events are kept for it"},
     {"timestamp", "timestamp with time zone", true, ""}}};

constexpr std::array<column, 4> pruning{
    {{"persistence_id", "text", true, "retention left its events to a reader"},
     {"sequence_nr", "bigint", true, "to erase up to"},
     {"transaction_id", "xid8", true, "the position of the first event left"},
     {"position", "bigint", true, ""}}};

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

constexpr std::array<column, 13> states{
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
     {"key_id", "text", false, ""},
     {"transaction_id", "xid8", true, "of the last change; the first part of its position"},
     {"position", "bigint", true, "within the transaction; the second part"}}};

constexpr std::array<column, 5> projections{
    {{"projection", "text", true, ""},
     {"version", "bigint", true, ""},
     {"reads", "text", true, "which events, e.g. account; never changes"},
     {"paused", "bigint", true, "1: no process works on it"},
     {"timestamp", "timestamp with time zone", true, ""}}};

constexpr std::array<column, 8> projection_offsets{
    {{"projection", "text", true, ""},
     {"version", "bigint", true, ""},
     {"cell", "bigint", true, "strand * 64 + 0 to 63: a range of slices"},
     {"position", "text", true, "everything up to here is done"},
     {"owner", "text", true, "a ULID; empty: none"},
     {"lease", "bigint", true, "rises with all that the owner does"},
     {"wanted_by", "text", true, "who asked the owner for it"},
     {"timestamp", "timestamp with time zone", true, ""}}};

constexpr std::array<column, 9> projection_failures{
    {{"projection", "text", true, "skipped this event"},
     {"version", "bigint", true, ""},
     {"persistence_id", "text", true, ""},
     {"sequence_nr", "bigint", true, ""},
     {"position", "text", true, ""},
     {"event_type", "text", true, ""},
     {"error", "text", true, ""},
     {"attempts", "bigint", true, ""},
     {"timestamp", "timestamp with time zone", true, ""}}};

constexpr std::array<column, 7> read_models{{{"name", "text", true, "of the repository"},
                                             {"id", "text", true, ""},
                                             {"model_type", "text", true, ""},
                                             {"schema_version", "bigint", true, "of that type"},
                                             {"codec", "text", true, ""},
                                             {"data", "bytea", true, ""},
                                             {"timestamp", "timestamp with time zone", true, ""}}};

constexpr std::array<column, 4> read_model_fields{{{"name", "text", true, "of the repository"},
                                                   {"field", "text", true, "an indexed one"},
                                                   {"value", "text", true, ""},
                                                   {"id", "text", true, ""}}};

constexpr std::array<column, 5> alarms{{{"persistence_id", "text", true, "wants to be woken"},
                                        {"entity_type", "text", true, ""},
                                        {"due", "timestamp with time zone", true, ""},
                                        {"slice", "integer", true, ""},
                                        {"writer_id", "text", true, "who set it"}}};

constexpr std::array<column, 4> row_writers{
    {{"writer", "text", true, "a ULID: writes relational entities' rows"},
     {"batch", "bigint", true, "its last commit: 1, 2, 3 ..."},
     {"settled", "bigint", true, "how often it asked"},
     {"timestamp", "bigint", true, "microseconds since 1970"}}};

constexpr std::array<column, 4> row_alarms{{{"entity_type", "text", true, "of a relational entity"},
                                            {"id", "text", true, "wants to be woken"},
                                            {"due", "bigint", true, "microseconds since 1970"},
                                            {"writer_id", "text", true, "who set it"}}};

// Room in each page for the next version of an updated row, so that an update changes no index.
constexpr std::string_view updated = " WITH (fillfactor = 80)";

constexpr std::array<table, 16> all_tables{
    {{"nexus_meta", meta, "name", ""},
     {"nexus_event_journal", journal, "persistence_id, sequence_nr", ""},
     {"nexus_event_tags", event_tags, "tag, transaction_id, position", ""},
     {"nexus_erased", erased, "persistence_id", ""},
     {"nexus_readers", readers, "name, strand", ""},
     {"nexus_pruning", pruning, "persistence_id", ""},
     {"nexus_snapshot_store", snapshots, "persistence_id, sequence_nr", ""},
     {"nexus_durable_state", states, "persistence_id", updated},
     {"nexus_projections", projections, "projection, version", ""},
     {"nexus_projection_offsets", projection_offsets, "projection, version, cell", updated},
     {"nexus_projection_failures", projection_failures,
      "projection, version, persistence_id, sequence_nr", ""},
     {"nexus_read_models", read_models, "name, id", updated},
     {"nexus_read_model_fields", read_model_fields, "name, field, value, id", ""},
     {"nexus_alarms", alarms, "persistence_id", ""},
     {"nexus_row_writers", row_writers, "writer", updated},
     {"nexus_row_alarms", row_alarms, "entity_type, id", ""}}};
constexpr std::size_t tables_of_version_2 = 8;

constexpr index always[] = {
    {"nexus_event_journal_by_position", "nexus_event_journal", "transaction_id, position", true},
    {"nexus_event_tags_by_position", "nexus_event_tags", "transaction_id, position"},
    {"nexus_erased_by_position", "nexus_erased", "transaction_id, position"},
    {"nexus_pruning_by_position", "nexus_pruning", "transaction_id, position"},
    {"nexus_read_model_fields_by_id", "nexus_read_model_fields", "name, id"},
    {"nexus_alarms_by_due", "nexus_alarms", "entity_type, due, persistence_id"},
    {"nexus_row_alarms_by_due", "nexus_row_alarms", "entity_type, due, id"}};

struct chosen_index {
  bool index_choices::*chosen;
  index made;
};
constexpr chosen_index chosen_indexes[] = {
    {&index_choices::type,
     {"nexus_event_journal_by_type", "nexus_event_journal",
      "event_type, transaction_id, position"}},
    {&index_choices::time, {"nexus_event_journal_by_time", "nexus_event_journal", "timestamp"}},
    {&index_choices::slice,
     {"nexus_event_journal_by_slice", "nexus_event_journal", "slice, transaction_id, position"}},
    {&index_choices::instance,
     {"nexus_event_journal_by_instance", "nexus_event_journal",
      "substr(persistence_id, (strpos(persistence_id, '|'::text) + 1)), transaction_id, position"}},
    {&index_choices::states,
     {"nexus_durable_state_by_position", "nexus_durable_state", "transaction_id, position"}}};

// Keeps numbers from being reused after any deletion, also one by hand in SQL; and deletes the
// tags.
constexpr std::string_view body = R"sql(
BEGIN
  INSERT INTO nexus_erased AS e (persistence_id, sequence_nr, transaction_id, position)
    SELECT DISTINCT ON (d.persistence_id) d.persistence_id, d.sequence_nr, d.transaction_id,
        d.position
      FROM deleted d ORDER BY d.persistence_id, d.sequence_nr DESC
    ON CONFLICT (persistence_id) DO UPDATE
      SET sequence_nr = excluded.sequence_nr, transaction_id = excluded.transaction_id,
        position = excluded.position
      WHERE e.sequence_nr < excluded.sequence_nr;
  DELETE FROM nexus_event_tags t USING deleted d
    WHERE t.transaction_id = d.transaction_id AND t.position = d.position;
  RETURN NULL;
END )sql";

// The function must find the tables whatever search_path the deleting session has.
std::string erasing_function() {
  return fmt::format(
      "CREATE OR REPLACE FUNCTION {}() RETURNS trigger\n"
      "  LANGUAGE plpgsql SET search_path FROM CURRENT AS $${}$$;\n",
      erased_function, body);
}

std::string erasing() {
  return fmt::format(
      "\n{}CREATE TRIGGER {} AFTER DELETE ON nexus_event_journal\n"
      "  REFERENCING OLD TABLE AS deleted\n  FOR EACH STATEMENT EXECUTE FUNCTION {}();\n",
      erasing_function(), erased_trigger, erased_function);
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

std::string create(const index& made) {
  return fmt::format("CREATE {}INDEX IF NOT EXISTS {} ON {} ({});\n", made.unique ? "UNIQUE " : "",
                     made.name, made.table, made.columns);
}

// Positions of what was erased before are not known: the first event that is left of an id is just
// past them, and without one the last event of the journal.
std::string readers_step() {
  std::string sql =
      "ALTER TABLE nexus_erased ADD COLUMN transaction_id xid8, ADD COLUMN position bigint;\n"
      "UPDATE nexus_erased e SET (transaction_id, position) = (SELECT transaction_id, position "
      "FROM (\n"
      "  (SELECT 1 AS choice, j.transaction_id, j.position FROM nexus_event_journal j\n"
      "    WHERE j.persistence_id = e.persistence_id ORDER BY j.sequence_nr LIMIT 1)\n"
      "  UNION ALL (SELECT 2, j.transaction_id, j.position FROM nexus_event_journal j\n"
      "    ORDER BY j.transaction_id DESC, j.position DESC LIMIT 1)\n"
      "  UNION ALL SELECT 3, '1'::xid8, 0) AS found ORDER BY choice LIMIT 1);\n"
      "ALTER TABLE nexus_erased ALTER COLUMN transaction_id SET NOT NULL, "
      "ALTER COLUMN position SET NOT NULL;\n"
      "ALTER TABLE nexus_event_journal ADD COLUMN tags text[];\n"
      "UPDATE nexus_event_journal j SET tags = t.tags FROM\n"
      "  (SELECT transaction_id, position, array_agg(tag ORDER BY tag) AS tags\n"
      "     FROM nexus_event_tags GROUP BY transaction_id, position) t\n"
      "  WHERE j.transaction_id = t.transaction_id AND j.position = t.position;\n"
      "ALTER TABLE nexus_durable_state ADD COLUMN transaction_id xid8, ADD COLUMN position "
      "bigint;\n"
      "UPDATE nexus_durable_state s SET transaction_id = '1', position = n.n FROM\n"
      "  (SELECT persistence_id, row_number() OVER (ORDER BY persistence_id) AS n\n"
      "     FROM nexus_durable_state) n WHERE n.persistence_id = s.persistence_id;\n"
      "ALTER TABLE nexus_durable_state ALTER COLUMN transaction_id SET NOT NULL, "
      "ALTER COLUMN position SET NOT NULL;\n";
  for (const auto& made : all_tables) {
    if (made.name == "nexus_readers" || made.name == "nexus_pruning") sql += create(made);
  }
  for (const auto& made : always) {
    if (made.table == "nexus_erased" || made.table == "nexus_pruning") sql += create(made);
  }
  sql += erasing_function();
  return sql + fmt::format("INSERT INTO nexus_meta VALUES ('epoch', {});\n", new_epoch);
}

std::string read_side_step() {
  std::string sql;
  for (const auto& made : std::span{all_tables}.subspan(tables_of_version_2)) {
    sql += create(made);
    for (const auto& one : always) {
      if (one.table == made.name) sql += create(one);
    }
  }
  return sql;
}

}  // namespace

std::span<const migration> migrations() {
  static const std::array<migration, 2> steps{{{1, readers_step()}, {2, read_side_step()}}};
  return steps;
}

std::string erased_body(const schema_choices& chosen) { return chosen.named(body); }

std::span<const table> tables() noexcept { return all_tables; }

std::vector<index> indexes(const schema_choices& chosen) {
  std::vector<index> made{std::begin(always), std::end(always)};
  for (const auto& one : chosen_indexes) {
    if (chosen.indexes.*one.chosen) made.push_back(one.made);
  }
  return made;
}

std::string ddl(const index& made, const schema_choices& chosen) {
  return chosen.named(create(made));
}

std::string ddl(const schema_choices& chosen, std::string_view schema) {
  std::string out;
  if (!schema.empty()) {
    out +=
        fmt::format("CREATE SCHEMA IF NOT EXISTS {0};\nSET LOCAL search_path = {0};\n\n", schema);
  }
  for (const auto& made : all_tables) out += chosen.named(create(made));
  for (const auto& made : indexes(chosen)) out += ddl(made, chosen);
  out += chosen.named(erasing());
  out += chosen.named(
      fmt::format("\nINSERT INTO nexus_meta VALUES ('schema_version', {}), ('epoch', {});\n",
                  schema_version, new_epoch));
  return out;
}

}}}  // namespace nexus::v0::postgres
