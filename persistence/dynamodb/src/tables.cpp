#include "tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <thread>

#include "table.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

using kind = fault::kind;
using std::chrono::milliseconds;

const std::string missing_table = "there is no table ";
const item_key meta_key{"meta", std::string{head_place}};

error foreign(const std::string& table, std::string_view why) {
  return {errc::foreign_schema,
          fmt::format("dynamodb: the table {} is not one of Nexus: {}", table, why)};
}

std::string key_text(const json& description) {
  std::string text;
  for (const auto& one : description.value("KeySchema", json::array())) {
    const auto name = one.value("AttributeName", "");
    text += fmt::format("{} {} ", one.value("KeyType", ""), name);
    for (const auto& type : description.value("AttributeDefinitions", json::array())) {
      if (type.value("AttributeName", "") == name) text += type.value("AttributeType", "") + "; ";
    }
  }
  return text;
}

}  // namespace

result<void> open_table(client& by, const std::string& name, const json& shape, bool creates) {
  constexpr int looks_max = 300;
  for (int look = 0; look < looks_max; ++look) {
    json which;
    which["TableName"] = name;
    auto got = by.call("DescribeTable", which);
    if (got) {
      const auto table = got->value("Table", json::object());
      const auto keys = key_text(table);
      if (keys != key_text(shape)) {
        return fail(
            foreign(name, fmt::format("its keys are \"{}\", not \"{}\"", keys, key_text(shape))));
      }
      const auto status = table.value("TableStatus", "");
      if (status == "ACTIVE" || status == "UPDATING") return {};
    } else if (got.error().type == "ResourceNotFoundException") {
      if (!creates) {
        return fail(
            errc::foreign_schema,
            fmt::format("dynamodb: there is no table {}; create it with nexus-schema", name));
      }
      auto made = by.call("CreateTable", shape);
      if (!made && made.error().type != "ResourceInUseException") {
        return fail(error_of(made.error(), "dynamodb: creating the table " + name));
      }
    } else {
      return fail(error_of(got.error(), "dynamodb: opening the table " + name));
    }
    if (by.interrupted()) break;
    std::this_thread::sleep_for(milliseconds{std::min(20 * (look + 1), 500)});
  }
  return fail(errc::unavailable,
              fmt::format("dynamodb: the table {} does not become active", name));
}

namespace {

std::uint64_t new_epoch() {
  std::random_device random;
  return (std::uint64_t{random()} << 31U ^ random()) | 1U;
}

result<bool> is_empty(client& by, const std::string& name) {
  json body;
  body["TableName"] = name;
  body["Limit"] = 1;
  body["ConsistentRead"] = true;
  auto got = by.call("Scan", body);
  if (!got) return fail(error_of(got.error(), "dynamodb: " + name));
  return page_of(*std::move(got)).items.empty();
}

result<journal_meta> meta_in(const json& item, const std::string& name) {
  const auto version = number_in(item, "version");
  const auto strands = number_in(item, "strands");
  const auto epoch = number_in(item, "epoch");
  if (version && *version > journal_meta::version_now) {
    return fail(errc::newer_schema,
                fmt::format("dynamodb: the table {} has version {}; this Nexus knows {}", name,
                            *version, journal_meta::version_now));
  }
  if (!version || *version == 0 || !strands || *strands == 0 ||
      persistence_id::slices % *strands != 0 || !epoch || *epoch == 0) {
    return fail(foreign(name, "its meta item does not fit"));
  }
  const auto indexes = chosen_indexes::from(text_in(item, "indexes").value_or("none"));
  if (!indexes) return fail(foreign(name, "its meta item names unknown indexes"));
  return journal_meta{static_cast<unsigned>(*version), static_cast<std::uint32_t>(*strands), *epoch,
                      *indexes};
}

}  // namespace

json journal_table(std::string_view name) {
  json made;
  made["TableName"] = name;
  made["BillingMode"] = "PAY_PER_REQUEST";
  for (const auto* one : {"p", "s"}) {
    json attribute;
    attribute["AttributeName"] = one;
    attribute["AttributeType"] = "S";
    made["AttributeDefinitions"].push_back(std::move(attribute));
    json key;
    key["AttributeName"] = one;
    key["KeyType"] = *one == 'p' ? "HASH" : "RANGE";
    made["KeySchema"].push_back(std::move(key));
  }
  return made;
}

result<journal_meta> open_tables(client& by, const address& where) {
  const auto name = where.journal_table();
  if (auto done = open_table(by, name, journal_table(name), where.creates); !done)
    return fail(done.error());
  table in{by, name};
  for (int rounds = 0; rounds < 5; ++rounds) {
    auto item = in.item(meta_key);
    if (!item) return fail(std::move(item.error()));
    if (!item->is_null()) {
      auto meta = meta_in(*item, name);
      if (meta && where.strands && *where.strands != meta->strands) {
        return fail(errc::invalid_argument,
                    fmt::format("{}: the journal has {} strands, not {}: they are fixed when it is "
                                "made",
                                where.name(), meta->strands, *where.strands));
      }
      if (meta && where.indexes && *where.indexes != meta->indexes) {
        return fail(
            errc::invalid_argument,
            fmt::format("{}: the journal has indexes={}, not {}: they are fixed when it is "
                        "made",
                        where.name(), meta->indexes.to_string(), where.indexes->to_string()));
      }
      return meta;
    }
    // Another process may be faster by the meta item.
    auto empty = is_empty(by, name);
    if (!empty) return fail(std::move(empty.error()));
    if (!*empty && rounds > 0) return fail(foreign(name, "it has items, but no meta item"));
    if (!*empty) continue;
    auto made = key_of(meta_key);
    const auto indexes = where.indexes.value_or(chosen_indexes{});
    made["version"] = number_value(journal_meta::version_of(indexes));
    made["strands"] = number_value(where.strands.value_or(address::default_strands));
    made["epoch"] = number_value(new_epoch());
    made["indexes"] = text_value(indexes.to_string());
    auto put = in.put(std::move(made));
    put.body["ConditionExpression"] = "attribute_not_exists(p)";
    auto done = by.call(put.operation, put.body);
    if (!done && done.error().what != kind::condition) return fail(in.told(done.error()));
  }
  return fail(foreign(name, "its meta item does not stay"));
}

result<std::optional<std::string>> compare_table(client& by, const json& shape) {
  const auto name = shape.value("TableName", "");
  json which;
  which["TableName"] = name;
  auto got = by.call("DescribeTable", which);
  if (!got && got.error().type == "ResourceNotFoundException") return missing_table + name;
  if (!got) return fail(error_of(got.error(), "dynamodb: checking the table " + name));
  const auto keys = key_text(got->value("Table", json::object()));
  if (keys == key_text(shape)) return std::nullopt;
  return fmt::format("the keys of {} are \"{}\", not \"{}\"", name, keys, key_text(shape));
}

bool is_missing(std::string_view difference) { return difference.starts_with(missing_table); }

result<std::optional<journal_meta>> read_meta(client& by, const address& where) {
  const auto name = where.journal_table();
  table in{by, name};
  auto item = in.item(meta_key);
  if (!item) return fail(std::move(item.error()));
  if (!item->is_null()) return meta_in(*item, name);
  auto empty = is_empty(by, name);
  if (!empty) return fail(std::move(empty.error()));
  if (!*empty) return fail(foreign(name, "it has items, but no meta item"));
  return std::nullopt;
}

result<std::size_t> actions_of(client& by, const address& where) {
  if (where.actions) return *where.actions;
  if (where.on_aws) return address::actions_max;
  json actions = json::array();
  for (std::size_t i = 0; i < address::actions_max; ++i) {
    json check;
    check["TableName"] = where.journal_table();
    check["Key"] = key_of({"probe", in_order(i)});
    check["ConditionExpression"] = "attribute_not_exists(p)";
    json action;
    action["ConditionCheck"] = std::move(check);
    actions.push_back(std::move(action));
  }
  const auto all = transaction(std::move(actions));
  auto got = by.call(all.operation, all.body);
  if (got) return address::actions_max;
  if (got.error().type != "ValidationException") {
    return fail(error_of(got.error(), "dynamodb: " + where.journal_table()));
  }
  // "Member must have length less than or equal to 10"
  constexpr std::string_view bound = "less than or equal to ";
  const auto& told = got.error().message;
  std::size_t most = 0;
  if (const auto found = told.find(bound); found != std::string::npos) {
    std::from_chars(told.data() + found + bound.size(), told.data() + told.size(), most);
  }
  return std::clamp(most, address::actions_min, address::actions_max);
}

}}}  // namespace nexus::v0::dynamodb
