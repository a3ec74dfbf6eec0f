// Erasing events: first one transaction says that they are erased, in the head and in the mark of the
// strand, on the condition that no reader was registered meanwhile; then their items are removed. What
// a crash leaves behind, the next call for the id removes.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "readers.hpp"
#include "records.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {
namespace {

constexpr int rivals_max = 100;

}  // namespace

result<std::string> dynamodb_session::erase(const persistence_id& id, sequence_nr to, erasing how) {
  for (int rivals = 0; rivals < rivals_max; ++rivals) {
    auto known = head_now(id);
    if (!known) return fail(std::move(known.error()));
    const auto wanted = std::min(to, known->highest);
    if (wanted <= known->erased) {
      auto removed = remove_events(id, known->erased);
      if (!removed) return fail(std::move(removed.error()));
      return std::string{};
    }
    auto seen = state_of(strand(id));
    if (!seen) return fail(std::move(seen.error()));
    const auto* slowest = how == erasing::forced ? nullptr : seen->slowest();
    // The items from the one that has the first number to erase.
    auto items = table_.all_items({.p = of_id(id),
                                   .from = events_from(0),
                                   .to = events_from(wanted),
                                   .only = "s, c, k, n, i"});
    if (!items) return fail(std::move(items.error()));
    auto end = known->erased;
    position last_erased;
    for (const auto& one : *items) {
      auto item = item_in(one);
      if (item.last() <= known->erased) continue;
      auto last = std::min(item.last(), wanted);
      auto last_at = at(strand(id), item.n, item.i + (last - item.first));
      if (slowest != nullptr && !(last_at <= slowest->at)) {
        if (slowest->at.is_start() || slowest->at < at(strand(id), item.n, item.i)) break;
        last_at = slowest->at;  // in the midst of this item
        last = item.first + (slowest->at.minor - item.i);
        if (last <= known->erased) break;
      }
      end = last;
      last_erased = last_at;
      if (end < std::min(item.last(), wanted)) break;
    }
    if (end > known->erased) {
      auto marked = mark_erased(id, end, last_erased, *seen);
      if (!marked) return fail(std::move(marked.error()));
      if (!*marked) continue;
      if (auto done = remove_events(id, end); !done) return fail(std::move(done.error()));
      if (auto done = remove_bare_alarm(id); !done) return fail(std::move(done.error()));
    }
    return end < wanted && slowest != nullptr ? slowest->name : std::string{};
  }
  return fail(errc::unavailable,
              fmt::format("{}: erasing of {}: others change it", core_->name, id.str()));
}

// False: something has changed since `seen`.
result<bool> dynamodb_session::mark_erased(const persistence_id& id, sequence_nr to,
                                           const position& last, const strand_state& seen) {
  const auto& erased = seen.erased;
  const auto mark = erased.major > 0 && last < erased ? erased : last;
  json of_mark;
  of_mark["UpdateExpression"] = "SET n = :n, i = :i, v = :v";
  auto& values = of_mark["ExpressionAttributeValues"];
  values[":n"] = number_value(mark.major);
  values[":i"] = number_value(mark.minor);
  values[":v"] = number_value(seen.version + 1);
  if (seen.version == 0) {
    of_mark["ConditionExpression"] = "attribute_not_exists(v)";
  } else {
    of_mark["ConditionExpression"] = "v = :seen";
    values[":seen"] = number_value(seen.version);
  }
  json of_head;
  of_head["UpdateExpression"] = "SET e = :e";
  of_head["ConditionExpression"] = "h >= :e AND (attribute_not_exists(e) OR e < :e)";
  of_head["ExpressionAttributeValues"][":e"] = number_value(to);
  json actions = json::array();
  actions.push_back(update_action(core_->table, mark_of(strand(id)), std::move(of_mark)));
  actions.push_back(update_action(core_->table, head_of(id), std::move(of_head)));
  const auto all = transaction(std::move(actions));
  auto done = client_.call(all.operation, all.body);
  if (done) return true;
  if (done.error().what == fault::kind::condition) return false;
  return fail(table_.told(done.error()));
}

// Removes what the head says is erased; repeatable.
result<void> dynamodb_session::remove_events(const persistence_id& id, sequence_nr to) {
  if (to == 0) return {};
  auto items = table_.all_items(
      {.p = of_id(id), .from = events_from(0), .to = events_from(to), .only = "s, c, k, n, i"});
  if (!items) return fail(std::move(items.error()));
  std::vector<item_key> all;
  for (const auto& one : *items) {
    const auto item = item_in(one);
    item_key key{of_id(id), text_in(one, "s").value_or("")};
    if (item.last() <= to) {
      all.push_back(std::move(key));
      continue;
    }
    const auto gone = to - item.first + 1;
    if (gone <= item.missing) continue;
    // The item keeps its place, and the events behind.
    auto whole = table_.item(key);
    if (!whole) return fail(std::move(whole.error()));
    const auto bytes = bytes_in(*whole, "d");
    const auto missing = number_in(*whole, "k").value_or(0);
    if (!bytes || gone <= missing) continue;
    event_reader events{*bytes};
    for (auto skipped = missing; skipped < gone; ++skipped) events.skip();
    (*whole)["d"] = bytes_value(events.rest());
    (*whole)["k"] = number_value(gone);
    auto rest = table_.put(*std::move(whole));
    rest.body["ConditionExpression"] =
        "attribute_exists(p) AND (attribute_not_exists(k) OR k < :k)";
    rest.body["ExpressionAttributeValues"][":k"] = number_value(gone);
    auto done = client_.call(rest.operation, rest.body);
    if (!done && done.error().what != fault::kind::condition)
      return fail(table_.told(done.error()));
  }
  return table_.remove_all(all);
}

// Removes the id's alarm if events of it were erased, and neither events nor snapshots are left.
result<void> dynamodb_session::remove_bare_alarm(const persistence_id& id) {
  auto known = head_now(id);
  if (!known) return fail(std::move(known.error()));
  if (!known->due || known->highest == 0 || known->erased < known->highest) return {};
  auto kept = table_.items({.p = of_id(id),
                            .from = snapshot_at(0),
                            .to = snapshot_at(sequence_nr_max),
                            .limit = 1,
                            .only = "s"});
  if (!kept) return fail(std::move(kept.error()));
  if (!kept->items.empty()) return {};
  const auto assumed = assumption::of(*known);
  head_update update{"h", known->highest, assumed};
  update.change_alarm(due_change::clear(), assumed, {});
  json actions = json::array();
  actions.push_back(update.action(core_->table, id));
  add_alarm_actions(actions, core_->table, strand(id), id, due_change::clear(), assumed, {});
  const auto all = transaction(std::move(actions));
  auto done = client_.call(all.operation, all.body);
  // A failed condition: what was stored meanwhile keeps the alarm.
  if (!done && done.error().what != fault::kind::condition) return fail(table_.told(done.error()));
  return {};
}

result<void> dynamodb_session::erase_to(const persistence_id& id, sequence_nr to, erasing how) {
  if (auto why = stopped()) return fail(*std::move(why));
  auto held = erase(id, to, how);
  if (!held) return fail(std::move(held.error()));
  if (!held->empty()) return fail(held_back_by(*held, id, core_->name));
  return {};
}

result<void> dynamodb_session::leave_to_readers(const persistence_id& id, sequence_nr to) {
  json body;
  body["TableName"] = core_->table;
  body["Key"] = key_of(left_to_prune(id));
  body["UpdateExpression"] = "SET c = :c";
  body["ConditionExpression"] = "attribute_not_exists(c) OR c < :c";
  body["ExpressionAttributeValues"][":c"] = number_value(std::min(to, sequence_nr_max));
  auto done = client_.call("UpdateItem", body);
  if (!done && done.error().what != fault::kind::condition) return fail(table_.told(done.error()));
  return {};
}

result<void> dynamodb_session::prune(std::span<const prune_request> requests) {
  if (auto why = stopped()) return fail(*std::move(why));
  for (const auto& [id, snapshots_below, events_to] : requests) {
    if (snapshots_below > 0) {
      auto done = erase_snapshots(id, {.from = 0, .to = snapshots_below - 1});
      if (!done) return done;
    }
    if (events_to == 0) continue;
    auto held = erase(id, events_to, erasing::up_to_readers);
    if (!held) return fail(std::move(held.error()));
    if (held->empty()) continue;
    if (auto done = leave_to_readers(id, events_to); !done) return done;
  }
  return {};
}

result<std::size_t> dynamodb_session::prune_held_back(std::size_t max) {
  if (auto why = stopped()) return fail(*std::move(why));
  auto all = table_.all_items({.p = std::string{prune_part}});
  if (!all) return fail(std::move(all.error()));
  std::size_t pruned = 0;
  for (const auto& item : *all) {
    if (pruned == max) return pruned;
    auto id = persistence_id::parse(text_in(item, "s").value_or(""));
    const auto to = number_in(item, "c");
    if (!id || !to) continue;
    auto before = head_now(*id);
    if (!before) return fail(std::move(before.error()));
    auto held = erase(*id, *to, erasing::up_to_readers);
    if (!held) return fail(std::move(held.error()));
    if (held->empty()) {
      auto done = table_.remove(left_to_prune(*id));
      done.body["ConditionExpression"] = "c = :c";
      done.body["ExpressionAttributeValues"][":c"] = number_value(*to);
      auto removed = client_.call(done.operation, done.body);
      if (!removed && removed.error().what != fault::kind::condition) {
        return fail(table_.told(removed.error()));
      }
      ++pruned;
      continue;
    }
    auto after = head_now(*id);
    if (!after) return fail(std::move(after.error()));
    if (after->erased != before->erased) ++pruned;
  }
  return pruned;
}

}}}  // namespace nexus::v0::dynamodb
