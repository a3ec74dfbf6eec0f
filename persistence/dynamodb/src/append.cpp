// Appending: one transaction per strand and batch, those of several strands at the same time.
//
// A batch has, of each request, its head, its packed events, its place in the list of ids if it is
// the first one, and its alarm; and one log item (strand, n), which must not exist and lists the
// events. So the log has no gap, and nothing appears in it before what is already read. With
// indexes=tag a batch has an item more for each tag (tags.hpp).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "records.hpp"
#include "session.hpp"
#include "tags.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

using kind = fault::kind;

/// A request on its way.
struct dynamodb_session::work {
  std::size_t index = 0;
  const append_request* sent = nullptr;
  std::vector<packed_events> items{};
  std::size_t bytes = 0;
  assumption assumed{};
  std::vector<tagged_item> tagged{};
  unsigned tries = 0;

  [[nodiscard]] bool is_first() const { return sent->expected == 0 && !items.empty(); }
  [[nodiscard]] std::size_t actions() const {
    return 1 + items.size() + (is_first() ? 1 : 0) + (sent->due ? 2 : 0);
  }
};

/// The works of one transaction; the action of `works[i]`'s head is `heads[i]`.
struct dynamodb_session::batch {
  std::uint32_t strand = 0;
  std::uint64_t n = 0;  ///< of the log item
  std::vector<work*> works{};
  [[nodiscard]] bool is_logged() const {
    return std::ranges::any_of(works, [](const work* one) { return !one->items.empty(); });
  }
};

namespace {

constexpr unsigned tries_max = 200;

error too_large(const append_request& request, std::string_view why) {
  return {errc::too_large,
          fmt::format("append to {} after {}: {}", request.id.str(), request.expected, why)};
}

}  // namespace

std::vector<append_outcome> dynamodb_session::append(std::span<const append_request> requests) {
  if (auto why = stopped()) return {requests.size(), failed{*std::move(why)}};
  std::vector<append_outcome> outcomes(requests.size(), failed{});
  const auto limits = core_->limits();
  std::vector<std::size_t> order;
  take_faultless(requests, limits, outcomes, order);
  std::vector<work> works;
  works.reserve(order.size());
  for (const auto i : order) {
    const auto& one = requests[i];
    if (past_the_last_number(one)) {
      auto found = head_now(one.id);
      outcomes[i] = found ? refusal(one, found->highest).value() : failed{found.error()};
      continue;
    }
    auto items = pack(one.events, one.expected + 1, packed_bytes_max);
    if (!items) {
      outcomes[i] = rejected{too_large(
          one,
          fmt::format("an event with all its fields is larger than {} bytes", packed_bytes_max))};
      continue;
    }
    std::size_t bytes = item_overhead;
    for (const auto& item : *items) bytes += item.bytes.size() + item_overhead;
    if (items->size() > core_->items_max() || bytes > transaction_bytes_max - item_overhead) {
      outcomes[i] = rejected{too_large(
          one, fmt::format("the events fill {} items of {} bytes, more than a transaction takes",
                           items->size(), bytes))};
      continue;
    }
    works.push_back({i, &one, *std::move(items), bytes, assumed(one.id)});
    if (!core_->indexes.tag) continue;
    auto& made = works.back();
    made.tagged = tagged_items(one.events, one.expected + 1, made.items,
                               core_->actions_max - 1 - made.actions());
    made.bytes += index_bytes(made.tagged);
  }
  append_works(works, outcomes);
  if (any_to_read(requests, outcomes)) core_->appended->notify();
  return outcomes;
}

void dynamodb_session::append_works(std::vector<work>& works,
                                    std::vector<append_outcome>& outcomes) {
  std::map<std::uint32_t, std::vector<work*>> queues;
  std::vector<const persistence_id*> first;
  std::vector<const persistence_id*> alarmed;
  for (auto& one : works) {
    queues[strand(one.sent->id)].push_back(&one);
    if (one.is_first()) first.push_back(&one.sent->id);
    if (one.sent->due.what == due_change::kind::set) alarmed.push_back(&one.sent->id);
  }
  const auto fail_rest = [&](const error& why) {
    for (auto& [strand, queue] : queues) {
      for (const auto* one : queue) outcomes[one->index] = failed{why};
      queue.clear();
    }
  };
  auto listed = list_types(listing::events, first);
  if (listed) listed = list_types(listing::alarms, alarmed);
  if (!listed) fail_rest(listed.error());
  while (std::erase_if(queues, [](const auto& one) { return one.second.empty(); }),
         !queues.empty()) {
    std::vector<std::uint32_t> unknown;
    for (const auto& [strand, queue] : queues) {
      if (core_->newest.of(strand) == newest_logs::unknown) unknown.push_back(strand);
    }
    if (auto found = find_newest(core_->newest, unknown); !found) return fail_rest(found.error());
    std::vector<batch> batches;
    std::vector<request> requests;
    for (auto& [strand, queue] : queues) {
      batches.push_back(next_batch(strand, queue));
      requests.push_back(request_of(batches.back()));
    }
    auto answers = client_.call_many(requests);
    unsigned tries = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      if (answers[i]) {
        batch_stored(batches[i], outcomes);
        continue;
      }
      std::vector<work*> again;
      batch_refused(batches[i], answers[i].error(), outcomes, again);
      for (const auto* one : again) tries = std::max(tries, one->tries);
      auto& queue = queues[batches[i].strand];
      queue.insert(queue.begin(), again.begin(), again.end());
    }
    if (tries > 1) pause_among_rivals(tries);
  }
}

result<void> dynamodb_session::find_newest(newest_logs& into, std::span<const std::uint32_t> of) {
  if (of.empty()) return {};
  std::vector<request> all;
  for (const auto strand : of) {
    all.push_back(
        table_.query({.p = into.log_of(strand), .ascending = false, .limit = 1, .only = "s"}));
  }
  auto got = table_.ask_all(all);
  if (!got) return fail(std::move(got.error()));
  for (std::size_t i = 0; i < of.size(); ++i) {
    const auto found = page_of(std::move((*got)[i]));
    into.saw(of[i], found.items.empty() ? 0 : number_of_log(found.items[0]));
  }
  return {};
}

dynamodb_session::batch dynamodb_session::next_batch(std::uint32_t strand,
                                                     std::vector<work*>& queue) const {
  batch made{.strand = strand, .n = core_->newest.of(strand) + 1};
  std::size_t actions = 1;
  std::size_t bytes = item_overhead;
  std::size_t taken = 0;
  std::set<std::string_view> tags;
  for (; taken < queue.size(); ++taken) {
    const auto& one = *queue[taken];
    auto with = tags;
    for (const auto& item : one.tagged) with.insert(item.tag);
    const bool fits = actions + one.actions() + with.size() <= core_->actions_max &&
                      bytes + one.bytes <= transaction_bytes_max;
    if (taken > 0 && !fits) break;
    tags = std::move(with);
    actions += one.actions();
    bytes += one.bytes + item_overhead;
    made.works.push_back(queue[taken]);
  }
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(taken));
  return made;
}

request dynamodb_session::request_of(const batch& one) const {
  const auto& name = core_->table;
  json actions = json::array();
  for (const auto* work : one.works) {  // the heads first, so that their reasons are
    const auto& sent = *work->sent;
    head_update update{"h", sent.expected, work->assumed};
    if (!work->items.empty()) {
      update.set("h", number_value(sent.expected + sent.events.size()));
    }
    update.change_alarm(sent.due, work->assumed, sent.writer);
    actions.push_back(update.action(name, sent.id));
  }
  std::string entries;
  std::map<std::string_view, std::string> places;  // of each tag
  std::uint64_t i = 1;
  for (const auto* work : one.works) {
    const auto& sent = *work->sent;
    for (const auto& item : work->tagged) {
      pack_place(places[item.tag], sent.id.str(), item.first, item.count,
                 i + (item.first - sent.expected - 1));
    }
    for (const auto& packed : work->items) {
      auto item = key_of({of_id(sent.id), events_from(packed.first)});
      item["d"] = bytes_value(packed.bytes);
      item["c"] = number_value(packed.count);
      item["n"] = number_value(one.n);
      item["i"] = number_value(i);
      item["w"] = text_value(sent.writer.to_string());
      actions.push_back(put_action(name, std::move(item)));
      pack_entry(entries, sent.id.str(), packed.first, packed.count);
      i += packed.count;
    }
    if (work->is_first()) {
      const item_key place{list_of(listing::events, one.strand, sent.id.type()), sent.id.str()};
      actions.push_back(put_action(name, key_of(place)));
    }
    add_alarm_actions(actions, name, one.strand, sent.id, sent.due, work->assumed, sent.writer);
  }
  if (one.is_logged()) {
    auto item = key_of({log_of(one.strand), in_order(one.n)});
    item["d"] = bytes_value(entries);
    std::string tags;
    for (auto& [tag, where] : places) {
      auto place = key_of({tagged(one.strand, tag), in_order(one.n)});
      place["d"] = bytes_value(where);
      actions.push_back(put_action(name, std::move(place)));
      put_text(tags, tag);
    }
    if (!tags.empty()) item["t"] = bytes_value(tags);
    json absent;
    absent["ConditionExpression"] = "attribute_not_exists(p)";
    actions.push_back(put_action(name, std::move(item), std::move(absent)));
  }
  return transaction(std::move(actions));
}

void dynamodb_session::batch_stored(const batch& one, std::vector<append_outcome>& outcomes) {
  if (one.is_logged()) core_->newest.saw(one.strand, one.n);
  std::uint64_t i = 0;
  for (const auto* work : one.works) {
    i += work->sent->events.size();
    outcomes[work->index] = work->items.empty() ? stored{} : stored{at(one.strand, one.n, i)};
    auto now = work->assumed;
    const auto& due = work->sent->due;
    if (due) now.due = due.what == due_change::kind::set ? std::optional{due.at} : std::nullopt;
    remember(work->sent->id, now);
  }
}

append_outcome dynamodb_session::outcome_of(const fault& why) const {
  auto told = why.what == kind::interrupted ? why_interrupted() : table_.told(why);
  if (why.maybe_done) return unknown{std::move(told)};
  return failed{std::move(told)};
}

void dynamodb_session::batch_refused(const batch& one, const fault& why,
                                     std::vector<append_outcome>& outcomes,
                                     std::vector<work*>& again) {
  const bool by_condition = why.what == kind::condition;
  for (std::size_t i = 0; i < one.works.size(); ++i) {
    auto& work = *one.works[i];
    auto& outcome = outcomes[work.index];
    if (!by_condition || i >= why.reasons.size()) {
      outcome = outcome_of(why);
      continue;
    }
    // Another request's condition, or the number of the log, has refused a work without a reason.
    const auto& reason = why.reasons[i];
    if (reason.value("Code", "") == "ConditionalCheckFailed") {
      const auto found = head::of(reason.value("Item", json{}));
      if (found.highest != work.sent->expected) {
        outcome = conflict{found.highest};
        remember(work.sent->id, assumption::of(found));
        continue;
      }
      work.assumed = assumption::of(found);
    }
    if (++work.tries > tries_max) {
      outcome =
          failed{{errc::unavailable, fmt::format("{}: append to {}: others were faster {} times",
                                                 core_->name, work.sent->id.str(), tries_max)}};
      continue;
    }
    again.push_back(&work);
  }
  if (!by_condition || !one.is_logged() || why.reasons.empty()) return;
  if (why.reasons.back().value("Code", "") != "ConditionalCheckFailed") return;
  const std::uint32_t of = one.strand;
  core_->newest.saw(of, one.n);  // it exists
  (void)find_newest(core_->newest, {&of, 1});
}

}}}  // namespace nexus::v0::dynamodb
