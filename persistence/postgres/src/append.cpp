// append and upsert: the write path, whose outcome must never be guessed.
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>

#include "alarm_arrays.hpp"
#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

// How often a batch is sent again after a collision with others. Each collision means that another
// transaction made progress.
constexpr int tries_max = 20;

// A collision with another transaction: the rest may be sent again.
bool was_in_the_way(const trouble& why) {
  return why.is(sqlstate::unique_violation) || why.is(sqlstate::division_by_zero) ||
         why.is(sqlstate::deadlock_detected) || why.is(sqlstate::serialization_failure) ||
         why.is(sqlstate::lock_not_available);
}

// PostgreSQL rejects something in a request, and would reject it again.
bool is_the_requests_fault(const trouble& why) {
  return why.of_class("22") || why.of_class("23") || why.of_class("54");
}

template <class Outcome>
void give(const std::vector<std::size_t>& to, const error& why,
          std::vector<append_outcome>& outcomes) {
  for (auto i : to) outcomes[i] = Outcome{why};
}

std::int64_t random_lock() {
  std::random_device random;
  const auto high = static_cast<std::uint64_t>(random()) << 32;
  return static_cast<std::int64_t>(high | random());
}

// The changes of alarms among the requests, if there is one.
template <class Request>
std::optional<alarm_arrays> alarms_of(std::span<const Request> requests,
                                      const std::vector<std::size_t>& todo) {
  std::optional<alarm_arrays> made;
  for (auto i : todo) {
    if (!requests[i].due) continue;
    if (!made) made.emplace();
    made->add(requests[i]);
  }
  return made;
}

}  // namespace

// In its own round trip, before any write: when a connection is lost with a write still on its way
// to the server, the lock must be taken already.
void session::hold_lock(connection& c) {
  if (lock_held_) return;
  const auto lock = lock_ != 0 ? lock_ : random_lock();
  c.query(core_->sql.hold_lock, parameters{}.int8(lock));
  lock_ = lock;
  lock_held_ = true;
}

template <class Request>
void session::write(std::string_view doing, std::span<const Request> requests, indices todo,
                    std::vector<append_outcome>& outcomes) {
  for (int tries = 0; tries < tries_max; ++tries) {
    if (once(doing, requests, todo, outcomes)) return;
  }
  give<failed>(
      todo,
      {errc::unavailable, fmt::format("{}: cannot {}: it collided with other transactions {} times",
                                      core_->where.name, doing, tries_max)},
      outcomes);
}

// Sends the remaining requests; true if none remain afterwards.
template <class Request>
bool session::once(std::string_view doing, std::span<const Request> requests, indices& todo,
                   std::vector<append_outcome>& outcomes) {
  bool again = false;
  bool at_fault = false;
  in_flight_ = false;
  auto done = with_connection(doing, [&](connection& c) -> result<void> {
    hold_lock(c);
    weed(c, requests, todo, outcomes, again);
    if (todo.empty()) return {};
    try {
      in_flight_ = true;
      store(c, requests, todo, outcomes);
      in_flight_ = false;
      return {};
    } catch (const trouble& why) {
      in_flight_ = why.connection_lost();
      again = was_in_the_way(why);
      at_fault = !again && is_the_requests_fault(why);
      if (!again) throw;
    }
    weed(c, requests, todo, outcomes, again);
    return {};
  });
  if (done) return !again || todo.empty();
  if (in_flight_) {
    give<unknown>(todo, done.error(), outcomes);
  } else if (!at_fault) {
    give<failed>(todo, done.error(), outcomes);
  } else if (todo.size() == 1) {
    give<rejected>(todo, done.error(), outcomes);
  } else {
    for (auto i : todo) write(doing, requests, {i}, outcomes);
  }
  return true;
}

void session::weed(connection& c, std::span<const append_request> requests, indices& todo,
                   std::vector<append_outcome>& outcomes, bool in_the_way) {
  const auto past = [&](std::size_t i) { return past_the_last_number(requests[i]).has_value(); };
  if (!in_the_way && std::ranges::none_of(todo, past)) return;
  array ids{element::text};
  for (auto i : todo) ids.bytes(requests[i].id.str());
  const auto found = c.query(core_->sql.highest, parameters{}.all(ids));
  indices left;
  for (std::size_t at = 0; at < todo.size(); ++at) {
    const auto i = todo[at];
    const auto highest = static_cast<sequence_nr>(found.int8(static_cast<int>(at), 0));
    if (auto why = refusal(requests[i], highest)) {
      outcomes[i] = *std::move(why);
    } else {
      left.push_back(i);
    }
  }
  todo = std::move(left);
}

void session::store(connection& c, std::span<const append_request> requests, const indices& todo,
                    std::vector<append_outcome>& outcomes) {
  events_.clear();
  std::vector<std::int64_t> positions;
  positions.reserve(todo.size());
  for (auto i : todo) {
    positions.push_back(requests[i].events.empty() ? 0 : events_.add(requests[i]));
  }
  auto alarms = alarms_of(requests, todo);

  std::deque<parameters> bound;
  std::vector<call> calls;
  for (auto& chunk : events_.chunks()) {
    if (chunk.ids.size() == 0) continue;
    calls.push_back({core_->sql.append_events, bound.emplace_back(chunk.bound())});
  }
  if (events_.tags.size() > 0) {
    auto& tags = bound.emplace_back().all(events_.tags).all(events_.tag_positions);
    calls.push_back({core_->sql.append_tags, tags});
  }
  if (alarms) add_calls(*alarms, calls, bound);
  auto& check = bound.emplace_back().all(events_.ids).all(events_.expected);
  check.text(c.durability());
  calls.push_back({core_->sql.append_check, check});

  const auto answers = c.run(calls);
  const auto transaction = static_cast<std::uint64_t>(answers.back().int8(0, 0));
  for (std::size_t at = 0; at < todo.size(); ++at) {
    if (positions[at] == 0) continue;  // stored, without a position
    outcomes[todo[at]] = stored{{.epoch = core_->epoch,
                                 .major = transaction,
                                 .minor = static_cast<std::uint64_t>(positions[at])}};
  }
}

// After the events, and before the check, which sees what others have committed with their changes
// of these alarms. A request without events takes no number that would make others wait, so its
// `expected` is compared here.
void session::add_calls(alarm_arrays& changed, std::vector<call>& calls,
                        std::deque<parameters>& bound) const {
  auto& rows = bound.emplace_back().all(changed.ids).all(changed.types).all(changed.times);
  rows.all(changed.slices).all(changed.writers);
  calls.push_back({core_->sql.set_alarms, rows});
  if (changed.cleared.size() > 0) {
    calls.push_back({core_->sql.clear_alarms, bound.emplace_back().all(changed.cleared)});
  }
  if (changed.bare.size() > 0) {
    auto& check = bound.emplace_back().all(changed.bare).all(changed.expected);
    calls.push_back({core_->sql.check_bare, check});
  }
}

// -- states --------------------------------------------------------------------------------------

void session::store(connection& c, std::span<const upsert_request> requests, const indices& todo,
                    std::vector<append_outcome>& outcomes) {
  array ids{element::text}, versions{element::int8}, previous{element::int8}, types{element::text};
  array schemas{element::int8}, codecs{element::text}, data{element::bytea};
  array writers{element::text}, times{element::timestamptz}, slices{element::int4};
  for (auto i : todo) {
    const auto& r = requests[i];
    if (r.only_due()) continue;
    const auto value = r.value.value_or(state_view{.codec = {}});
    ids.bytes(r.id.str());
    versions.int8(column_nr(r.next));
    previous.int8(column_nr(r.expected));
    types.bytes(value.type);
    schemas.int8(value.schema_version);
    codecs.bytes(value.codec);
    if (r.value) {
      data.bytes(value.data);
    } else {
      data.null();
    }
    writers.bytes(r.writer.to_string());
    times.time(r.time);
    slices.int4(static_cast<std::int32_t>(r.id.slice()));
  }
  parameters bound;
  for (auto* one :
       {&ids, &versions, &previous, &types, &schemas, &codecs, &data, &writers, &times, &slices}) {
    bound.all(*one);
  }
  parameters durable;
  durable.text(c.durability());
  std::vector<call> calls;
  if (ids.size() > 0) calls.push_back({core_->sql.upsert_states, bound});
  parameters of_alarms, cleared;
  auto alarms = alarms_of(requests, todo);
  if (alarms) {
    of_alarms.all(alarms->ids).all(alarms->types).all(alarms->times).all(alarms->slices);
    of_alarms.all(alarms->writers).all(alarms->numbers).all(alarms->alone);
    calls.push_back({core_->sql.set_state_alarms, of_alarms});
    if (alarms->cleared.size() > 0) {
      calls.push_back({core_->sql.clear_alarms, cleared.all(alarms->cleared)});
    }
  }
  calls.push_back({core_->sql.durable, durable});
  const auto answers = c.run(calls);
  // Of the states that were written, and of the alarms: only those of a version that is stored.
  std::set<std::string_view> are_stored;
  for (const auto& written : answers) {
    if (&written == &answers.back()) break;
    for (int row = 0; row < written.size(); ++row) are_stored.insert(written.bytes(row, 0));
  }
  indices left;
  for (auto i : todo) {
    if (are_stored.contains(requests[i].id.str())) {
      outcomes[i] = stored{};
    } else {
      left.push_back(i);
    }
  }
  if (!left.empty()) tell_conflicts(c, requests, left, outcomes);
}

void session::tell_conflicts(connection& c, std::span<const upsert_request> requests,
                             const indices& left, std::vector<append_outcome>& outcomes) {
  array refused{element::text};
  for (auto i : left) refused.bytes(requests[i].id.str());
  try {
    const auto found = c.query(core_->sql.versions, parameters{}.all(refused));
    for (std::size_t at = 0; at < left.size(); ++at) {
      outcomes[left[at]] = conflict{static_cast<sequence_nr>(found.int8(static_cast<int>(at), 0))};
    }
  } catch (const trouble& why) {
    // Stored ones are stored; these are certainly not.
    give<failed>(left, describe(why, core_->where.name, "read versions"), outcomes);
  }
}

// -- the calls -----------------------------------------------------------------------------------

template <class Request>
std::vector<append_outcome> session::write_all(std::string_view doing,
                                               std::span<const Request> requests) {
  std::vector<append_outcome> outcomes(requests.size());
  indices todo;
  take_faultless(requests, limits(), outcomes, todo);
  if (!todo.empty()) write(doing, requests, std::move(todo), outcomes);
  return outcomes;
}

std::vector<append_outcome> session::append(std::span<const append_request> requests) {
  auto outcomes = write_all("append", requests);
  if (any_to_read(requests, outcomes)) core_->news.appended();
  return outcomes;
}

std::vector<append_outcome> session::upsert(std::span<const upsert_request> requests) {
  auto outcomes = write_all("store states", requests);
  if (core_->where.tables.indexes.states && any_to_read(requests, outcomes)) {
    core_->news.appended();
  }
  return outcomes;
}

}}}  // namespace nexus::v0::postgres
