// Durable states: the value is in the head. A change of the value alone is one conditional write;
// with a new id, a tombstone or an alarm it is a transaction. With indexes=states, changes.cpp
// writes them.
#include "states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "records.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

using kind = fault::kind;

namespace {

constexpr unsigned state_tries_max = 50;

}  // namespace

result<std::optional<stored_state>> state_in(const json& item, const persistence_id& id,
                                             std::string_view journal) {
  const auto version = head::of(item).version;
  if (version == 0) return std::nullopt;
  auto value = unpack_value(bytes_in(item, "d").value_or(""));
  if (!value) {
    return fail(corrupt_row(journal, stored_kind::state, id, column_nr(version), "d"));
  }
  value->version = version;
  return value;
}

head_update dynamodb_session::update_of(const change& one, json& others) const {
  const auto& sent = *one.sent;
  head_update update{"v", sent.expected, one.assumed};
  if (!sent.only_due()) {
    const bool was_listed = sent.expected > 0 && !one.assumed.tombstone;
    if (sent.expected > 0) {
      update.also(one.assumed.tombstone ? "attribute_exists(x)" : "attribute_not_exists(x)");
    }
    update.set("v", number_value(sent.next));
    update.set("d", bytes_value(one.value));
    if (!sent.value) {
      update.set("x", number_value(1));
    } else if (one.assumed.tombstone) {
      update.remove("x");
    }
    const item_key place{list_of(listing::states, strand(sent.id), sent.id.type()), sent.id.str()};
    if (sent.value && !was_listed) others.push_back(put_action(core_->table, key_of(place)));
    if (!sent.value && was_listed) others.push_back(delete_action(core_->table, place));
  }
  update.change_alarm(sent.due, one.assumed, sent.writer);
  add_alarm_actions(others, core_->table, strand(sent.id), sent.id, sent.due, one.assumed,
                    sent.writer);
  return update;
}

request dynamodb_session::request_of(const change& one) const {
  const auto& sent = *one.sent;
  json others = json::array();
  const auto update = update_of(one, others);
  if (others.empty() && !sent.only_due()) return {"UpdateItem", update.body(core_->table, sent.id)};
  json actions = json::array();
  actions.push_back(update.action(core_->table, sent.id));
  for (auto& other : others) actions.push_back(std::move(other));
  return transaction(std::move(actions));
}

std::vector<append_outcome> dynamodb_session::upsert(std::span<const upsert_request> requests) {
  if (auto why = stopped()) return {requests.size(), failed{*std::move(why)}};
  std::vector<append_outcome> outcomes(requests.size(), failed{});
  std::vector<std::size_t> order;
  take_faultless(requests, core_->limits(), outcomes, order);
  std::vector<change> changes;
  std::vector<const persistence_id*> ids;
  std::vector<const persistence_id*> alarmed;
  for (const auto i : order) {
    const auto& one = requests[i];
    const auto* const value = one.value ? &*one.value : nullptr;
    change made{i, &one, one.only_due() ? "" : pack_value(value, one.writer, one.time),
                assumed(one.id)};
    if (made.value.size() > packed_bytes_max) {
      outcomes[i] =
          rejected{{errc::too_large,
                    fmt::format("state {} of {}: {} bytes with its type, at most {} are "
                                "allowed",
                                one.next, one.id.str(), made.value.size(), packed_bytes_max)}};
      continue;
    }
    changes.push_back(std::move(made));
    if (one.expected == 0 && one.value) ids.push_back(&one.id);
    if (one.due.what == due_change::kind::set) alarmed.push_back(&one.id);
  }
  auto listed = list_types(listing::states, ids);
  if (listed) listed = list_types(listing::alarms, alarmed);
  if (!listed) {
    for (const auto& one : changes) outcomes[one.index] = failed{listed.error()};
    return outcomes;
  }
  if (!core_->indexes.states) {
    upsert_changes(changes, outcomes);
    return outcomes;
  }
  // A change of the alarm alone has no number.
  const auto numbered = std::stable_partition(
      changes.begin(), changes.end(), [](const change& one) { return one.sent->only_due(); });
  std::vector<change> of_states{std::make_move_iterator(numbered),
                                std::make_move_iterator(changes.end())};
  changes.erase(numbered, changes.end());
  upsert_changes(changes, outcomes);
  upsert_numbered(of_states, outcomes);
  if (any_to_read(requests, outcomes)) core_->appended->notify();
  return outcomes;
}

void dynamodb_session::state_stored(const change& one, append_outcome& outcome) {
  const auto& sent = *one.sent;
  outcome = stored{};
  auto now = one.assumed;
  if (!sent.only_due()) now.tombstone = !sent.value;
  if (sent.due) {
    now.due = sent.due.what == due_change::kind::set ? std::optional{sent.due.at} : std::nullopt;
  }
  remember(sent.id, now);
}

bool dynamodb_session::state_refused(change& one, const json& item, append_outcome& outcome) {
  const auto& sent = *one.sent;
  const auto found = head::of(item);
  remember(sent.id, assumption::of(found));
  if (found.version != sent.expected) {
    outcome = conflict{found.version};
    return false;
  }
  one.assumed = assumption::of(found);
  if (++one.refused <= state_tries_max) return true;
  outcome = failed{{errc::unavailable, fmt::format("{}: state {} of {}: others change it",
                                                   core_->name, sent.next, sent.id.str())}};
  return false;
}

void dynamodb_session::upsert_changes(std::vector<change>& changes,
                                      std::vector<append_outcome>& outcomes) {
  while (!changes.empty()) {
    std::vector<request> requests;
    for (const auto& one : changes) requests.push_back(request_of(one));
    auto answers = client_.call_many(requests);
    std::vector<change> again;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      auto& one = changes[i];
      auto& outcome = outcomes[one.index];
      if (answers[i]) {
        state_stored(one, outcome);
        continue;
      }
      const auto& why = answers[i].error();
      if (why.what != kind::condition) {
        outcome = outcome_of(why);
        continue;
      }
      const bool of_transaction = !why.reasons.empty();
      // DynamoDB Local returns no item with the refusal of a single write.
      auto item = of_transaction ? why.reasons[0].value("Item", json{}) : why.item;
      if (!of_transaction && item.is_null()) {
        auto read = table_.item(head_of(one.sent->id));
        if (!read) {
          outcome = failed{std::move(read.error())};
          if (why.maybe_done) outcome = unknown{table_.told(why)};
          continue;
        }
        item = *std::move(read);
      }
      const bool more = state_refused(one, item, outcome);
      // The own write of a lost attempt, or another's: a transaction's token tells them apart.
      if (std::holds_alternative<conflict>(outcome) && why.maybe_done && !of_transaction) {
        outcome = unknown{table_.told(why)};
      }
      if (more) again.push_back(std::move(one));
    }
    changes = std::move(again);
  }
}

result<settlement> dynamodb_session::settle(const upsert_request& request) {
  if (auto why = stopped()) return fail(*std::move(why));
  for (look_again again;;) {
    auto item = table_.item(head_of(request.id));
    if (!item) return fail(std::move(item.error()));
    const auto now = head::of(*item);
    if (request.only_due()) {
      if (settled_as(request.due, request.writer, now.alarm(request.id)) == settlement::stored) {
        return settlement::stored;
      }
      if (now.version > request.expected) return settlement::not_stored;
    } else if (now.version > request.expected) {  // a late attempt fails by its expected version
      auto found = state_in(*item, request.id, core_->name);
      if (!found) return fail(std::move(found.error()));
      return settled_as(request, *found ? &**found : nullptr);
    }
    auto fenced = fence(request.id, "v", now);
    if (!fenced) return fail(std::move(fenced.error()));
    if (*fenced) return settlement::not_stored;
    if (!again.after_a_pause()) {
      return fail(errc::unavailable, fmt::format("{}: settling of {}: others change it",
                                                 core_->name, request.id.str()));
    }
  }
}

result<std::optional<stored_state>> dynamodb_session::get_state(const persistence_id& id) {
  if (auto why = stopped()) return fail(*std::move(why));
  auto item = table_.item(head_of(id));
  if (!item) return fail(std::move(item.error()));
  return state_in(*item, id, core_->name);
}

}}}  // namespace nexus::v0::dynamodb
