#include "head.hpp"

#include "table.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

head head::of(const json& item) {
  head made;
  if (!item.is_object()) return made;
  made.highest = number_in(item, "h").value_or(0);
  made.generation = number_in(item, "g").value_or(0);
  made.erased = number_in(item, "e").value_or(0);
  made.version = number_in(item, "v").value_or(0);
  made.tombstone = item.contains("x");
  if (const auto due = signed_in(item, "u")) {
    made.due = timestamp{std::chrono::microseconds{*due}};
    made.due_writer = text_in(item, "w").value_or("");
  }
  return made;
}

std::optional<stored_alarm> head::alarm(const persistence_id& id) const {
  if (!due) return std::nullopt;
  return stored_alarm{id, *due, ulid::parse(due_writer).value_or(ulid{})};
}

head_update::head_update(const char* number, sequence_nr expected, const assumption& assumed) {
  // A missing number is 0. Both in one condition would accept any expected number of a new id.
  if (expected == 0) {
    condition_ = fmt::format("attribute_not_exists({})", number);
  } else {
    condition_ = fmt::format("{} = :expected", number);
    values_[":expected"] = number_value(expected);
  }
  if (assumed.generation == 0) {
    condition_ += " AND attribute_not_exists(g)";
  } else {
    condition_ += " AND g = :g";
    values_[":g"] = number_value(assumed.generation);
  }
}

void head_update::set(const char* attribute, json value) {
  sets_ += fmt::format("{}{} = :new_{}", sets_.empty() ? "SET " : ", ", attribute, attribute);
  values_[fmt::format(":new_{}", attribute)] = std::move(value);
}

void head_update::remove(const char* attribute) {
  removes_ += fmt::format("{}{}", removes_.empty() ? "REMOVE " : ", ", attribute);
}

void head_update::change_alarm(const due_change& to, const assumption& assumed,
                               const ulid& writer) {
  if (!to) return;
  if (assumed.due) {
    also("u = :due");
    value(":due", number_value(assumed.due->time_since_epoch().count()));
  } else {
    also("attribute_not_exists(u)");
  }
  if (to.what == due_change::kind::set) {
    set("u", number_value(to.at.time_since_epoch().count()));
    set("w", text_value(writer.to_string()));
  } else if (assumed.due) {
    remove("u");
    remove("w");
  }
}

json head_update::body(std::string_view table, const persistence_id& id) const {
  json made;
  made["TableName"] = table;
  made["Key"] = key_of(head_of(id));
  made["ConditionExpression"] = condition_;
  made["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD";
  const auto changes = sets_ + (sets_.empty() || removes_.empty() ? "" : " ") + removes_;
  if (!changes.empty()) made["UpdateExpression"] = changes;
  if (!values_.empty()) made["ExpressionAttributeValues"] = values_;
  return made;
}

json head_update::action(std::string_view table, const persistence_id& id) const {
  json made;
  auto all = body(table, id);
  const bool changes = all.contains("UpdateExpression");
  made[changes ? "Update" : "ConditionCheck"] = std::move(all);
  return made;
}

void add_alarm_actions(json& to, std::string_view table, std::uint32_t strand,
                       const persistence_id& id, const due_change& change,
                       const assumption& assumed, const ulid& writer) {
  if (!change) return;
  const bool sets = change.what == due_change::kind::set;
  if (assumed.due && !(sets && *assumed.due == change.at)) {
    to.push_back(delete_action(table, alarm_at(strand, id, *assumed.due)));
  }
  if (!sets) return;
  auto item = key_of(alarm_at(strand, id, change.at));
  item["w"] = text_value(writer.to_string());
  to.push_back(put_action(table, std::move(item)));
}

}}}  // namespace nexus::v0::dynamodb
