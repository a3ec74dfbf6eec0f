#include "documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <thread>

#include "table.hpp"
#include "tables.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

using kind = fault::kind;

json key_in(std::string_view name, std::string_view id) {
  json made;
  made["Name"] = text_value(name);
  made["Id"] = text_value(id);
  return made;
}

/// The payload of an item.
std::string data_of(const document_view& document) {
  json made;
  made["id"] = document.id;
  made["type"] = document.type;
  made["schema_version"] = document.schema_version;
  made["codec"] = document.codec;
  if (document.codec == "json") {
    made["data"] = document.data;
    try {
      return made.dump();
    } catch (const json::exception&) {  // no UTF-8
      made.erase("data");
    }
  }
  made["base64"] = to_base64(document.data);
  return made.dump();
}

/// What `find` compares: the fields that the writer indexes, and their values.
std::string index_of(std::span<const std::string> indexed, std::span<const indexed_value> values) {
  json made;
  made["fields"] = json::array();
  for (const auto& one : indexed) made["fields"].push_back(one);
  made["values"] = json::array();
  for (const auto& one : values) made["values"].push_back({one.field, one.value});
  return made.dump();
}

struct index_in {
  std::set<std::string> fields;
  std::set<indexed_value> values;

  static index_in of(const json& item) {
    index_in made;
    const auto parsed = json::parse(text_in(item, "Index").value_or(""), nullptr, false);
    if (!parsed.is_object()) return made;
    for (const auto& one : parsed.value("fields", json::array())) {
      if (one.is_string()) made.fields.insert(one.get<std::string>());
    }
    for (const auto& one : parsed.value("values", json::array())) {
      if (!one.is_array() || one.size() != 2 || !one[0].is_string() || !one[1].is_string())
        continue;
      made.values.insert({one[0].get<std::string>(), one[1].get<std::string>()});
    }
    return made;
  }
};

error refused_answer(const std::string& table, std::string_view why) {
  return {errc::unavailable,
          fmt::format("dynamodb: {}: the answer of BatchGetItem {}", table, why)};
}

}  // namespace

json read_models_table(std::string_view name) {
  auto made = journal_table(name);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto* const attribute = i == 0 ? "Name" : "Id";
    made["AttributeDefinitions"][i]["AttributeName"] = attribute;
    made["KeySchema"][i]["AttributeName"] = attribute;
  }
  return made;
}

result<batch_answer> checked_answer(json answer, const std::string& table, std::string_view name,
                                    std::span<const std::string_view> asked) {
  batch_answer made;
  std::set<std::string> open{asked.begin(), asked.end()};
  const auto refuse = [&table](std::string_view why) { return fail(refused_answer(table, why)); };
  const auto close = [&](const json& key) -> std::optional<std::string> {
    const auto id = text_in(key, "Id");
    if (!id || id->empty() || text_in(key, "Name") != std::string{name}) return std::nullopt;
    return open.erase(*id) == 1 ? id : std::nullopt;
  };
  auto responses = answer.value("Responses", json::object());
  for (auto& [of, items] : responses.items()) {
    if (of != table) return refuse(fmt::format("has a foreign table: {}", one_line(of)));
    if (!items.is_array()) return refuse("has no list of items");
    for (auto& item : items) {
      if (!close(item)) return refuse("has an item that was not asked for, or one twice");
      made.items.push_back(std::move(item));
    }
  }
  const auto unprocessed = answer.value("UnprocessedKeys", json::object());
  for (const auto& [of, left] : unprocessed.items()) {
    if (of != table) return refuse(fmt::format("has keys of a foreign table: {}", one_line(of)));
    const auto keys = left.is_object() ? left.value("Keys", json{}) : json{};
    if (!keys.is_array()) return refuse("has malformed unprocessed keys");
    for (const auto& key : keys) {
      if (!key.is_object() || key.size() != 2) return refuse("has malformed unprocessed keys");
      auto id = close(key);
      if (!id) return refuse("has unprocessed keys that were not asked for, or answered, or twice");
      made.left.push_back(*std::move(id));
    }
  }
  return made;
}

error dynamodb_documents::told(const fault& why) const {
  return error_of(why, "dynamodb: " + table());
}

result<void> dynamodb_documents::need_table() {
  if (client_.interrupted()) {
    return fail(errc::pool_closed, "dynamodb: the session was interrupted: the pool closed");
  }
  if (core_.has_read_models) return {};
  auto done = open_table(client_, table(), read_models_table(table()), core_.where.creates);
  if (done) core_.has_read_models = true;
  return done;
}

result<stored_document> dynamodb_documents::document_in(std::string_view name,
                                                        const json& item) const {
  const auto id = text_in(item, "Id").value_or("");
  const auto corrupt = [&](std::string_view why) {
    return fail(errc::corrupt, fmt::format("dynamodb: {}: document {} of {}: {}", table(),
                                           one_line(id), name, why));
  };
  const auto data = json::parse(text_in(item, "Data").value_or(""), nullptr, false);
  if (!data.is_object()) return corrupt("Data is no JSON object");
  const auto text = [&data](const char* field) {
    const auto found = data.find(field);
    return found != data.end() && found->is_string() ? std::optional{found->get<std::string>()}
                                                     : std::nullopt;
  };
  if (text("id") != id) return corrupt("the id in Data is another");
  const auto type = text("type");
  const auto codec = text("codec");
  const auto version = data.find("schema_version");
  if (!type || !codec || version == data.end() || !version->is_number_unsigned()) {
    return corrupt("Data lacks type, codec or schema_version");
  }
  auto bytes = text("data");
  if (!bytes) bytes = from_base64(text("base64").value_or("?"));
  if (!bytes) return corrupt("Data has neither data nor base64");
  return stored_document{id, *type, version->get<std::uint32_t>(), *codec, *std::move(bytes)};
}

result<void> dynamodb_documents::put(std::string_view name, std::span<const document_write> writes,
                                     std::span<const std::string> indexed) {
  auto sorted = checked(name, writes, indexed);
  if (!sorted) return fail(std::move(sorted.error()));
  std::vector<request> all;
  for (const auto* one : *sorted) {
    auto data = data_of(one->document);
    auto index = index_of(indexed, one->values);
    const auto bytes = data.size() + index.size() + name.size() + one->document.id.size() + 64;
    if (bytes > item_bytes_max) {
      return fail(errc::too_large,
                  fmt::format("document {} of {}: its item has {} bytes, at most {} are allowed",
                              one->document.id, name, bytes, item_bytes_max));
    }
    json body;
    body["TableName"] = table();
    body["Item"] = key_in(name, one->document.id);
    body["Item"]["Data"] = text_value(data);
    if (!indexed.empty()) body["Item"]["Index"] = text_value(index);
    all.push_back({"PutItem", std::move(body)});
  }
  if (auto done = need_table(); !done) return done;
  if (held_.on()) {
    for (auto& one : all) {
      auto id = text_in(one.body["Item"], "Id").value_or("");
      held_.written[{std::string{name}, std::move(id)}] = std::move(one.body["Item"]);
    }
    return {};
  }
  for (const auto& one : client_.call_many(all)) {
    if (!one) return fail(told(one.error()));
  }
  return {};
}

result<std::optional<stored_document>> dynamodb_documents::get(std::string_view name,
                                                               std::string_view id,
                                                               consistency wanted) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  if (auto why = fault_of_document_id(id)) return fail(*std::move(why));
  if (auto done = need_table(); !done) return fail(std::move(done.error()));
  if (const auto* held = held_.found(name, id)) {
    if (held->is_null()) return std::nullopt;
    return document_in(name, *held);
  }
  json body;
  body["TableName"] = table();
  body["Key"] = key_in(name, id);
  body["ConsistentRead"] = wanted == consistency::strong || held_.on();
  auto got = client_.call("GetItem", body);
  if (!got) return fail(told(got.error()));
  const auto item = item_of(*std::move(got));
  if (held_.on()) held_.saw(name, std::string{id}, item);
  if (item.is_null()) return std::nullopt;
  return document_in(name, item);
}

// Asks again only for what is unprocessed.
result<void> dynamodb_documents::get_chunk(std::string_view name,
                                           std::span<const std::string_view> ids,
                                           consistency wanted, std::vector<json>& into) {
  constexpr std::array<unsigned, 3> pauses_ms{25, 50, 100};
  thread_local std::minstd_rand random{std::random_device{}()};
  std::vector<std::string_view> open{ids.begin(), ids.end()};
  for (std::size_t attempt = 0;; ++attempt) {
    json body;
    auto& of_table = body["RequestItems"][table()];
    of_table["ConsistentRead"] = wanted == consistency::strong;
    for (const auto id : open) of_table["Keys"].push_back(key_in(name, id));
    auto got = client_.call("BatchGetItem", body);
    if (!got) return fail(told(got.error()));
    auto answer = checked_answer(*std::move(got), table(), name, open);
    if (!answer) return fail(std::move(answer.error()));
    std::ranges::move(answer->items, std::back_inserter(into));
    std::erase_if(open, [&answer](std::string_view id) {
      return std::ranges::find(answer->left, id) == answer->left.end();
    });
    if (open.empty()) return {};
    if (attempt == pauses_ms.size()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{random() % pauses_ms[attempt]});
  }
  std::string missing;
  for (const auto id : open) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", id);
  return fail(errc::unavailable, fmt::format("dynamodb: {}: documents of {} stay unprocessed: {}",
                                             table(), name, one_line(missing)));
}

result<std::vector<stored_document>> dynamodb_documents::get_many(std::string_view name,
                                                                  std::span<const std::string> ids,
                                                                  consistency wanted) {
  constexpr std::size_t keys_max = 100;
  if (auto why = fault_of_document_ids(name, ids)) return fail(*std::move(why));
  if (auto done = need_table(); !done) return fail(std::move(done.error()));
  const auto distinct = without_repeats(ids);
  std::vector<std::string_view> all_to_read;
  std::vector<json> items;
  for (const auto id : distinct) {
    const auto* const held = held_.found(name, id);
    if (held == nullptr) {
      all_to_read.push_back(id);
    } else if (!held->is_null()) {
      items.push_back(*held);
    }
  }
  const std::span<const std::string_view> all{all_to_read};
  for (std::size_t at = 0; at < all.size(); at += keys_max) {
    auto done = get_chunk(name, all.subspan(at, std::min(keys_max, all.size() - at)),
                          held_.on() ? consistency::strong : wanted, items);
    if (!done) return fail(std::move(done.error()));
  }
  std::map<std::string, const json*, std::less<>> by_id;
  for (const auto& one : items) by_id.emplace(text_in(one, "Id").value_or(""), &one);
  for (std::size_t i = 0; held_.on() && i < all.size(); ++i) {
    const auto one = by_id.find(all[i]);
    held_.saw(name, std::string{all[i]}, one == by_id.end() ? json{} : *one->second);
  }
  std::vector<stored_document> found;
  for (const auto id : distinct) {
    const auto one = by_id.find(id);
    if (one == by_id.end()) continue;
    auto document = document_in(name, *one->second);
    if (!document) return fail(std::move(document.error()));
    found.push_back(*std::move(document));
  }
  return found;
}

result<std::size_t> dynamodb_documents::remove(std::string_view name,
                                               std::span<const std::string> ids) {
  if (auto why = fault_of_document_ids(name, ids)) return fail(*std::move(why));
  if (auto done = need_table(); !done) return fail(std::move(done.error()));
  if (held_.on()) {
    auto there = get_many(name, ids, consistency::strong);
    if (!there) return fail(std::move(there.error()));
    for (const auto& one : *there) held_.written[{std::string{name}, one.id}] = nullptr;
    return there->size();
  }
  std::vector<request> all;
  for (const auto id : without_repeats(ids)) {
    json body;
    body["TableName"] = table();
    body["Key"] = key_in(name, id);
    body["ReturnValues"] = "ALL_OLD";
    all.push_back({"DeleteItem", std::move(body)});
  }
  std::size_t removed = 0;
  for (const auto& one : client_.call_many(all)) {
    if (!one) return fail(told(one.error()));
    if (one->contains("Attributes")) ++removed;
  }
  return removed;
}

template <class Sink>
result<void> dynamodb_documents::each_item(std::string_view name, consistency wanted,
                                           const std::string& only, Sink sink) {
  if (!held_.on()) return each_stored_item(name, wanted, only, std::move(sink));
  const auto end_of_name = std::string{name} + '\0';
  auto held = held_.written.lower_bound({std::string{name}, {}});
  const auto end = held_.written.lower_bound({end_of_name, {}});
  std::vector<json> before;  // a copy, since the sink may write
  for (; held != end; ++held) {
    before.push_back(held->second.is_null() ? key_in(name, held->first.second) : held->second);
  }
  auto next = before.begin();
  bool more = true;
  const auto pass = [&](const json& item) -> result<bool> {
    if (!item.contains("Data")) return true;  // removed
    auto wants = sink(item);
    more = wants && *wants;
    return wants;
  };
  auto read =
      each_stored_item(name, consistency::strong, only, [&](const json& item) -> result<bool> {
        const auto id = text_in(item, "Id").value_or("");
        if (item.contains("Data")) held_.saw(name, id, item);
        for (; next != before.end() && text_in(*next, "Id") < id; ++next) {
          auto wants = pass(*next);
          if (!wants || !*wants) return wants;
        }
        if (next != before.end() && text_in(*next, "Id") == id) return pass(*next++);
        auto wants = sink(item);
        more = wants && *wants;
        return wants;
      });
  if (!read) return read;
  for (; more && next != before.end(); ++next) {
    if (auto wants = pass(*next); !wants) return fail(std::move(wants.error()));
  }
  return {};
}

template <class Sink>
result<void> dynamodb_documents::each_stored_item(std::string_view name, consistency wanted,
                                                  const std::string& only, Sink sink) {
  json after;
  do {
    json body;
    body["TableName"] = table();
    body["ConsistentRead"] = wanted == consistency::strong;
    body["KeyConditionExpression"] = "#name = :name";
    body["ExpressionAttributeNames"]["#name"] = "Name";  // a reserved word
    body["ExpressionAttributeValues"][":name"] = text_value(name);
    if (!only.empty()) {
      body["ProjectionExpression"] = only;
      if (only.find("#index") != std::string::npos) {
        body["ExpressionAttributeNames"]["#index"] = "Index";
      }
    }
    if (!after.is_null()) body["ExclusiveStartKey"] = after;
    auto got = client_.call("Query", body);
    if (!got) return fail(told(got.error()));
    auto some = page_of(*std::move(got));
    for (const auto& one : some.items) {
      auto more = sink(one);
      if (!more) return fail(std::move(more.error()));
      if (!*more) return {};
    }
    after = std::move(some.next);
  } while (!after.is_null());
  return {};
}

result<void> dynamodb_documents::all(std::string_view name, consistency wanted,
                                     const document_sink& sink) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  if (auto done = need_table(); !done) return done;
  return each_item(name, wanted, {}, [&](const json& item) -> result<bool> {
    auto one = document_in(name, item);
    if (!one) return fail(std::move(one.error()));
    return sink(one->view());
  });
}

result<std::size_t> dynamodb_documents::remove_all(std::string_view name) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  if (auto done = need_table(); !done) return fail(std::move(done.error()));
  std::vector<std::string> ids;
  auto read = each_item(name, consistency::strong, "Id", [&ids](const json& item) -> result<bool> {
    ids.push_back(text_in(item, "Id").value_or(""));
    return true;
  });
  if (!read) return fail(std::move(read.error()));
  return remove(name, ids);
}

result<std::optional<std::vector<std::string>>> dynamodb_documents::find(
    std::string_view name, std::span<const indexed_value> values, consistency wanted) {
  if (auto why = fault_of_search(name, values)) return fail(*std::move(why));
  if (auto done = need_table(); !done) return fail(std::move(done.error()));
  std::vector<std::string> ids;
  bool complete = true;
  auto read = each_item(name, wanted, "Id, #index", [&](const json& item) -> result<bool> {
    const auto index = index_in::of(item);
    complete = std::ranges::all_of(
        values, [&index](const auto& one) { return index.fields.contains(one.field); });
    if (complete && std::ranges::all_of(
                        values, [&index](const auto& one) { return index.values.contains(one); })) {
      ids.push_back(text_in(item, "Id").value_or(""));
    }
    return complete;
  });
  if (!read) return fail(std::move(read.error()));
  if (!complete) return std::nullopt;
  return ids;
}

// Each document by itself, on the condition that it is still the one that was indexed.
result<std::size_t> dynamodb_documents::reindex(std::string_view name,
                                                std::span<const std::string> indexed,
                                                const document_indexer& values_of) {
  if (auto why = fault_of_collection(name)) return fail(*std::move(why));
  if (auto why = fault_of_indexes(indexed)) return fail(*std::move(why));
  if (auto done = need_table(); !done) return fail(std::move(done.error()));
  if (held_.on()) {
    return fail(errc::invalid_argument,
                fmt::format("dynamodb: {}: {} cannot be indexed within a handler", table(), name));
  }
  constexpr int rounds_max = 100;
  std::set<std::string> left;
  std::size_t count = 0;
  for (int round = 0; round < rounds_max; ++round) {
    std::vector<request> all;
    auto read = each_item(name, consistency::strong, {}, [&](const json& item) -> result<bool> {
      const auto id = text_in(item, "Id").value_or("");
      if (round > 0 && !left.contains(id)) return true;
      auto one = document_in(name, item);
      if (!one) return fail(std::move(one.error()));
      auto values = values_of(one->view());
      if (!values) return fail(std::move(values.error()));
      json body;
      body["TableName"] = table();
      body["Key"] = key_in(name, id);
      body["UpdateExpression"] = "SET #index = :index";
      body["ConditionExpression"] = "#data = :data";
      body["ExpressionAttributeNames"]["#index"] = "Index";
      body["ExpressionAttributeNames"]["#data"] = "Data";
      body["ExpressionAttributeValues"][":index"] = text_value(index_of(indexed, *values));
      body["ExpressionAttributeValues"][":data"] = item.at("Data");
      all.push_back({"UpdateItem", std::move(body)});
      return true;
    });
    if (!read) return fail(std::move(read.error()));
    if (round == 0) count = all.size();
    const auto answers = client_.call_many(all);
    left.clear();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (answers[i]) continue;
      if (answers[i].error().what != kind::condition) return fail(told(answers[i].error()));
      left.insert(text_in(all[i].body["Key"], "Id").value_or(""));
    }
    if (left.empty()) return count;
  }
  return fail(
      errc::unavailable,
      fmt::format("dynamodb: {}: documents of {} change too often to be indexed", table(), name));
}

}}}  // namespace nexus::v0::dynamodb
