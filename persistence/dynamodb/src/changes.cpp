// Changes of durable states in order, with indexes=states: as with events, one transaction per
// strand and batch has the heads and one item of a log, which lists the ids. A head says which
// change was the last one of its state: a reader passes over earlier changes in the log.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "nexus/journal_checks.hpp"
#include "records.hpp"
#include "session.hpp"
#include "states.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

using kind = fault::kind;

/// The changes of one transaction.
struct dynamodb_session::change_batch {
  std::uint32_t strand = 0;
  std::uint64_t n = 0;  ///< of the log item
  std::vector<change*> changes{};
};

namespace {

constexpr unsigned rivals_max = 200;

/// Of a change at most: its head, its place in the list of ids, and two places of alarms.
std::size_t actions_for(const upsert_request& one) { return 2U + (one.due ? 2U : 0U); }

}  // namespace

void dynamodb_session::upsert_numbered(std::vector<change>& changes,
                                       std::vector<append_outcome>& outcomes) {
  std::map<std::uint32_t, std::vector<change*>> queues;
  for (auto& one : changes) queues[strand(one.sent->id)].push_back(&one);
  while (std::erase_if(queues, [](const auto& one) { return one.second.empty(); }),
         !queues.empty()) {
    std::vector<std::uint32_t> unknown;
    for (const auto& [strand, queue] : queues) {
      if (core_->newest_changes.of(strand) == newest_logs::unknown) unknown.push_back(strand);
    }
    if (auto found = find_newest(core_->newest_changes, unknown); !found) {
      for (const auto& [strand, queue] : queues) {
        for (const auto* one : queue) outcomes[one->index] = failed{found.error()};
      }
      return;
    }
    std::vector<change_batch> batches;
    std::vector<request> requests;
    for (auto& [strand, queue] : queues) {
      batches.push_back(next_changes(strand, queue));
      requests.push_back(request_of(batches.back()));
    }
    auto answers = client_.call_many(requests);
    unsigned tries = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const auto& batch = batches[i];
      if (answers[i]) {
        core_->newest_changes.saw(batch.strand, batch.n);
        for (const auto* one : batch.changes) state_stored(*one, outcomes[one->index]);
        continue;
      }
      std::vector<change*> again;
      changes_refused(batch, answers[i].error(), outcomes, again);
      for (const auto* one : again) tries = std::max(tries, one->refused + one->overtaken);
      auto& queue = queues[batch.strand];
      queue.insert(queue.begin(), again.begin(), again.end());
    }
    if (tries > 1) pause_among_rivals(tries);
  }
}

dynamodb_session::change_batch dynamodb_session::next_changes(std::uint32_t strand,
                                                              std::vector<change*>& queue) const {
  change_batch made{.strand = strand, .n = core_->newest_changes.of(strand) + 1};
  std::size_t actions = 1;
  std::size_t bytes = item_overhead;
  std::size_t taken = 0;
  for (; taken < queue.size(); ++taken) {
    const auto& one = *queue[taken];
    actions += actions_for(*one.sent);
    bytes += one.value.size() + item_overhead;
    if (taken > 0 && (actions > core_->actions_max || bytes > transaction_bytes_max)) break;
    made.changes.push_back(queue[taken]);
  }
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(taken));
  return made;
}

request dynamodb_session::request_of(const change_batch& one) const {
  json actions = json::array();
  json others = json::array();
  std::string entries;
  std::uint64_t i = 0;
  for (const auto* change : one.changes) {  // the heads first, so that their reasons are
    const auto& sent = *change->sent;
    auto update = update_of(*change, others);
    update.set("n", number_value(one.n));
    update.set("i", number_value(++i));
    actions.push_back(update.action(core_->table, sent.id));
    pack_entry(entries, sent.id.str(), sent.next, 1);
  }
  for (auto& other : others) actions.push_back(std::move(other));
  auto item = key_of({changes_of(one.strand), in_order(one.n)});
  item["d"] = bytes_value(entries);
  json absent;
  absent["ConditionExpression"] = "attribute_not_exists(p)";
  actions.push_back(put_action(core_->table, std::move(item), std::move(absent)));
  return transaction(std::move(actions));
}

void dynamodb_session::changes_refused(const change_batch& one, const fault& why,
                                       std::vector<append_outcome>& outcomes,
                                       std::vector<change*>& again) {
  const bool by_condition = why.what == kind::condition && !why.reasons.empty();
  const auto is_refused = [](const json& reason) {
    return reason.value("Code", "") == "ConditionalCheckFailed";
  };
  for (std::size_t i = 0; i < one.changes.size(); ++i) {
    auto& change = *one.changes[i];
    auto& outcome = outcomes[change.index];
    if (!by_condition || i >= why.reasons.size()) {
      outcome = outcome_of(why);
      continue;
    }
    if (is_refused(why.reasons[i])) {
      if (state_refused(change, why.reasons[i].value("Item", json{}), outcome)) {
        again.push_back(&change);
      }
    } else if (++change.overtaken > rivals_max) {
      outcome = failed{{errc::unavailable,
                        fmt::format("{}: state {} of {}: others were faster {} times", core_->name,
                                    change.sent->next, change.sent->id.str(), rivals_max)}};
    } else {
      again.push_back(&change);
    }
  }
  if (!by_condition || !is_refused(why.reasons.back())) return;
  core_->newest_changes.saw(one.strand, one.n);  // it exists
  (void)find_newest(core_->newest_changes, {&one.strand, 1});
}

/// What the log says of a change.
struct dynamodb_session::changed {
  persistence_id id;
  sequence_nr version;
  position at;
};

struct dynamodb_session::reading_changes {
  position next;  ///< passed up to here
  std::size_t left;
  const state_sink& sink;
  bool done = false;
};

// Returns whether it got on; else an item is not visible.
result<bool> dynamodb_session::read_changes(reading_changes& now) {
  constexpr std::size_t heads_max = 100;  // of one BatchGetItem
  const auto of = now.next.strand;
  const bool at_start = now.next.is_start();
  const auto begin = now.next;
  auto log = table_.items({.p = changes_of(of),
                           .from = in_order(at_start ? 1 : now.next.major),
                           .limit = std::clamp<std::size_t>(now.left, 2, 50)});
  if (!log) return fail(std::move(log.error()));
  if (log->items.empty() && !at_start) return fail(past_the_end(now.next, core_->name));
  std::vector<changed> listed;
  std::map<std::string, std::size_t> newest;  // the last change that is listed of each id
  auto n = at_start ? 1 : now.next.major;
  bool last_page = log->next.is_null();
  for (const auto& one : log->items) {
    if (number_of_log(one) != n) break;
    const auto entries = unpack_entries(bytes_in(one, "d").value_or("?"));
    if (!entries) {
      return fail(errc::corrupt,
                  fmt::format("{}: item {} of the changes of states of strand {} is corrupt",
                              core_->name, n, of));
    }
    if (newest.size() + entries->size() > heads_max && !newest.empty()) {
      last_page = false;
      break;
    }
    std::uint64_t i = 0;
    for (const auto& entry : *entries) {
      auto id = persistence_id::parse(entry.id);
      if (!id) return fail(std::move(id.error()));
      const auto here = at(of, n, ++i);
      if (!at_start && here <= now.next) continue;
      newest[id->str()] = listed.size();
      listed.push_back({*std::move(id), entry.first, here});
    }
    ++n;
  }
  std::vector<item_key> keys;
  for (const auto& [id, which] : newest) keys.push_back(head_of(listed[which].id));
  auto found = table_.many_items(keys);
  if (!found) return fail(std::move(found.error()));
  std::map<std::string, const json*> heads;
  for (const auto& one : *found) heads.emplace(text_in(one, "p").value_or(""), &one);
  for (std::size_t which = 0; which < listed.size(); ++which) {
    const auto& [id, version, here] = listed[which];
    const auto head = heads.find(of_id(id));
    if (head == heads.end()) return now.next != begin;
    const auto& item = *head->second;
    const auto last = at(of, number_in(item, "n").value_or(0), number_in(item, "i").value_or(0));
    if (last < here) return now.next != begin;  // the change is not visible yet
    now.next = here;
    if (last > here) continue;  // a later change passes the state
    auto state = state_in(item, id, core_->name);
    if (!state) return fail(std::move(state.error()));
    if (!*state || (*state)->version != version) {
      return fail(corrupt_row(core_->name, stored_kind::state, id, column_nr(version), "n or i"));
    }
    const bool more = now.sink(id, changed_as(**state, here));
    if (--now.left == 0 || !more) {
      now.done = true;
      return true;
    }
    if (auto why = stopped()) return fail(*std::move(why));
  }
  now.done = last_page || listed.empty();
  return true;
}

result<void> dynamodb_session::read_states(position after, std::size_t max,
                                           const state_sink& sink) {
  if (auto why = stopped()) return fail(*std::move(why));
  if (!core_->indexes.states) {
    return fail(
        errc::invalid_argument,
        fmt::format("{}: changes of durable states are not numbered; a journal that is made "
                    "with indexes=states numbers them",
                    core_->name));
  }
  if (auto why = foreign(after, core_->strands, core_->epoch, core_->name)) {
    return fail(*std::move(why));
  }
  reading_changes now{after, max, sink};
  for (look_again again; max > 0 && !now.done;) {
    auto got_on = read_changes(now);
    if (!got_on) return fail(std::move(got_on.error()));
    if (*got_on) {
      again = {};
    } else if (!again.after_a_pause()) {
      return fail(errc::corrupt, fmt::format("{}: a state behind the position \"{}\" is missing",
                                             core_->name, to_string(now.next)));
    }
  }
  return {};
}

}}}  // namespace nexus::v0::dynamodb
