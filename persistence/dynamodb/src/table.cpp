#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

/// Random enough that two of ten minutes do not meet.
std::string new_token() {
  thread_local std::mt19937_64 random{(std::uint64_t{std::random_device{}()} << 32U) ^
                                      std::random_device{}()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

}  // namespace

json item_of(json answer) {
  const auto found = answer.find("Item");
  if (found == answer.end()) return nullptr;
  return std::move(*found);
}

page page_of(json answer) {
  page made;
  if (const auto items = answer.find("Items"); items != answer.end() && items->is_array()) {
    for (auto& one : *items) made.items.push_back(std::move(one));
  }
  if (const auto next = answer.find("LastEvaluatedKey"); next != answer.end()) {
    made.next = std::move(*next);
  }
  return made;
}

error table::told(const fault& why) const { return error_of(why, "dynamodb: " + name_); }

request table::get(const item_key& key) const {
  json body;
  body["TableName"] = name_;
  body["Key"] = key_of(key);
  body["ConsistentRead"] = true;
  return {"GetItem", std::move(body)};
}

request table::query(const item_range& range) const {
  json body;
  body["TableName"] = name_;
  body["ConsistentRead"] = true;
  auto& values = body["ExpressionAttributeValues"];
  values[":p"] = text_value(range.p);
  std::string condition = "p = :p";
  if (!range.from.empty()) values[":from"] = text_value(range.from);
  if (!range.to.empty()) values[":to"] = text_value(range.to);
  if (!range.from.empty() && !range.to.empty()) {
    condition += " AND s BETWEEN :from AND :to";
  } else if (!range.from.empty()) {
    condition += " AND s >= :from";
  } else if (!range.to.empty()) {
    condition += " AND s <= :to";
  }
  body["KeyConditionExpression"] = condition;
  if (!range.ascending) body["ScanIndexForward"] = false;
  if (range.limit > 0) body["Limit"] = range.limit;
  if (!range.only.empty()) body["ProjectionExpression"] = range.only;
  if (!range.after.is_null()) body["ExclusiveStartKey"] = range.after;
  return {"Query", std::move(body)};
}

request table::put(json item) const {
  json body;
  body["TableName"] = name_;
  body["Item"] = std::move(item);
  return {"PutItem", std::move(body)};
}

request table::remove(const item_key& key) const {
  json body;
  body["TableName"] = name_;
  body["Key"] = key_of(key);
  return {"DeleteItem", std::move(body)};
}

result<json> table::item(const item_key& key) {
  const auto one = get(key);
  auto got = client_.call(one.operation, one.body);
  if (!got) return fail(told(got.error()));
  return item_of(*std::move(got));
}

result<page> table::items(const item_range& range) {
  // BETWEEN refuses bounds in the wrong order, of which nothing is between.
  if (!range.from.empty() && !range.to.empty() && range.to < range.from) return page{};
  const auto one = query(range);
  auto got = client_.call(one.operation, one.body);
  if (!got) return fail(told(got.error()));
  return page_of(*std::move(got));
}

result<std::vector<json>> table::all_items(item_range range) {
  std::vector<json> all;
  for (;;) {
    auto some = items(range);
    if (!some) return fail(std::move(some.error()));
    std::ranges::move(some->items, std::back_inserter(all));
    if (some->next.is_null()) return all;
    range.after = std::move(some->next);
  }
}

result<std::vector<json>> table::many_items(std::span<const item_key> keys) {
  constexpr std::size_t keys_max = 100;  // of one BatchGetItem
  constexpr int rounds_max = 12;
  std::vector<json> found;
  for (std::size_t at = 0; at < keys.size(); at += keys_max) {
    json wanted = json::array();
    for (const auto& key : keys.subspan(at, std::min(keys_max, keys.size() - at))) {
      wanted.push_back(key_of(key));
    }
    // The rest of an answer of more than 16 MB, or of one that was throttled, is asked for again.
    for (int round = 0; !wanted.empty(); ++round) {
      if (round == rounds_max) {
        return fail(errc::unavailable,
                    fmt::format("dynamodb: {}: {} keys stay unprocessed", name_, wanted.size()));
      }
      json body;
      auto& of_table = body["RequestItems"][name_];
      of_table["Keys"] = std::move(wanted);
      of_table["ConsistentRead"] = true;
      auto got = client_.call("BatchGetItem", body);
      if (!got) return fail(told(got.error()));
      auto& answers = (*got)["Responses"][name_];
      const bool progress = answers.is_array() && !answers.empty();
      for (auto& one : answers) found.push_back(std::move(one));
      auto& left = (*got)["UnprocessedKeys"][name_]["Keys"];
      wanted = left.is_array() ? std::move(left) : json::array();
      if (!wanted.empty() && !progress) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5 << std::min(round, 6)});
      }
    }
  }
  return found;
}

result<void> table::write(request one) {
  auto got = client_.call(one.operation, one.body);
  if (!got) return fail(told(got.error()));
  return {};
}

result<std::vector<json>> table::ask_all(std::span<const request> requests) {
  std::vector<json> all;
  all.reserve(requests.size());
  for (auto& one : client_.call_many(requests)) {
    if (!one) return fail(told(one.error()));
    all.push_back(*std::move(one));
  }
  return all;
}

result<void> table::remove_all(std::span<const item_key> keys) {
  std::vector<request> all;
  all.reserve(keys.size());
  for (const auto& key : keys) all.push_back(remove(key));
  auto done = ask_all(all);
  if (!done) return fail(std::move(done.error()));
  return {};
}

json put_action(std::string_view table, json item, json more) {
  more["TableName"] = table;
  more["Item"] = std::move(item);
  json made;
  made["Put"] = std::move(more);
  return made;
}

json update_action(std::string_view table, const item_key& key, json more) {
  more["TableName"] = table;
  more["Key"] = key_of(key);
  json made;
  made["Update"] = std::move(more);
  return made;
}

json delete_action(std::string_view table, const item_key& key) {
  json made;
  made["Delete"]["TableName"] = table;
  made["Delete"]["Key"] = key_of(key);
  return made;
}

request transaction(json actions) {
  json body;
  body["TransactItems"] = std::move(actions);
  body["ClientRequestToken"] = new_token();
  return {"TransactWriteItems", std::move(body)};
}

}}}  // namespace nexus::v0::dynamodb
