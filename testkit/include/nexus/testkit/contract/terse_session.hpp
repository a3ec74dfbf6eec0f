// A journal session with short texts as arguments and results, for readable tests:
//
//   EXPECT_EQ(session.append(alice, 0, {"a", "b"}), "stored");
//   EXPECT_EQ(session.append(alice, 0, {"x"}), "conflict 2");
//   EXPECT_EQ(session.history(alice), "1:a 2:b");
//
// Threads: those of the wrapped session. Throws: std::runtime_error when a call fails unexpectedly;
// GoogleTest then reports the journal's message.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

using texts = std::vector<std::string>;

inline constexpr std::size_t everything = std::numeric_limits<std::size_t>::max();

template <class T>
T must(result<T> r) {
  if (!r) {
    throw std::runtime_error{std::string{to_string(r.error().code)} + ": " + r.error().message};
  }
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

/// The code of an expected error.
template <class T>
std::string code_of(const result<T>& r) {
  return r ? "none" : std::string{to_string(r.error().code)};
}

inline persistence_id operator""_id(const char* text, std::size_t size) {
  return must(persistence_id::parse({text, size}));
}

/// A writer id of sixteen times `letter`.
constexpr ulid writer_named(char letter) {
  ulid made;
  for (auto& byte : made.bytes) byte = static_cast<std::uint8_t>(letter);
  return made;
}

inline constexpr ulid own_writer = writer_named('o');
inline constexpr ulid other_writer = writer_named('x');

/// An event of which only the data matters.
inline event_view event(std::string_view data) {
  return {.type = "happened", .data = data, .metadata = {}};
}

/// A snapshot of which only number and data matter.
inline snapshot_view snapshot(sequence_nr number, std::string_view data) {
  return {.number = number, .type = "state", .data = data, .writer = own_writer};
}

/// A durable state of which only the data matters.
inline state_view state(std::string_view data) { return {.type = "balance", .data = data}; }

/// Events in full, or only their data. The texts must outlive the list.
class event_list {
 public:
  event_list(std::initializer_list<std::string_view> data) {
    for (auto d : data) events_.push_back(event(d));
  }
  event_list(std::vector<event_view> events) : events_{std::move(events)} {}

  operator std::span<const event_view>() const { return events_; }
  auto begin() const { return events_.begin(); }
  auto end() const { return events_.end(); }
  std::size_t size() const { return events_.size(); }

 private:
  std::vector<event_view> events_;
};

/// An append_request that owns its list of events.
struct request {
  persistence_id id;
  sequence_nr expected;
  event_list events;
  ulid writer = own_writer;
  due_change due{};

  operator append_request() const& { return {id, expected, writer, events, due}; }
  operator append_request() && = delete;  // it would be a view of a temporary
};

/// A short upsert_request; without `value` it erases.
struct put {
  persistence_id id;
  sequence_nr expected;
  sequence_nr next;
  std::optional<state_view> value{};
  ulid writer = own_writer;
  timestamp time{};
  due_change due{};

  operator upsert_request() const { return {id, expected, next, writer, time, value, due}; }
};

/// A record_view that owns its bytes.
struct record {
  sequence_nr number;
  position at;
  ulid writer;
  std::string type;
  std::uint32_t schema_version;
  std::string codec;
  std::string data;
  std::string metadata;
  timestamp time;
  texts tags{};

  friend bool operator==(const record&, const record&) = default;
};

/// A record of the whole journal.
struct journal_record : record {
  persistence_id of;
};

inline record owned(const record_view& r) {
  const auto& e = r.event;
  return {r.number,
          r.at,
          r.writer,
          std::string{e.type},
          e.schema_version,
          std::string{e.codec},
          std::string{e.data},
          std::string{e.metadata},
          e.time,
          texts{e.tags.begin(), e.tags.end()}};
}

/// The entity id without what `terse_session::in_strand` added to it.
inline std::string shown(const persistence_id& of) {
  return std::string{of.id().substr(0, of.id().find('~'))};
}

/// A time of so many microseconds.
constexpr timestamp moment(std::int64_t micros) {
  return timestamp{std::chrono::microseconds{micros}};
}

/// A change that sets the alarm to so many microseconds.
constexpr due_change due_at(std::int64_t micros) { return due_change::set(moment(micros)); }

inline constexpr due_change no_alarm = due_change::clear();

/// "stored", "conflict 3", "rejected too_large"; "failed" or "unknown" with the journal's message.
inline std::string told(const append_outcome& outcome) {
  struct teller {
    std::string operator()(const stored&) const { return "stored"; }
    std::string operator()(const conflict& c) const {
      return "conflict " + std::to_string(c.highest);
    }
    std::string operator()(const rejected& r) const {
      return "rejected " + std::string{to_string(r.why.code)};
    }
    std::string operator()(const failed& f) const { return "failed: " + f.why.message; }
    std::string operator()(const unknown& u) const { return "unknown: " + u.why.message; }
    std::string operator()(const partly& p) const {
      return std::to_string(p.count) + " stored, then " + std::string{to_string(p.why.code)};
    }
  };
  return std::visit(teller{}, outcome);
}

/// "stored", "not stored" or "superseded".
inline std::string told(settlement truth) {
  if (truth == settlement::superseded) return "superseded";
  return truth == settlement::stored ? "stored" : "not stored";
}

/// The outcomes of one call, as in "stored, conflict 3".
inline std::string told(const std::vector<append_outcome>& outcomes) {
  std::string all;
  for (const auto& outcome : outcomes) all += (all.empty() ? "" : ", ") + told(outcome);
  return all;
}

class terse_session {
 public:
  terse_session() = default;
  explicit terse_session(std::unique_ptr<journal_session> inner, position start = {})
      : inner_{std::move(inner)}, start_{start} {}

  journal_session& inner() { return *inner_; }

  /// `text`, or `text` with "~" and a number behind it: an id of the strand of this session's start.
  [[nodiscard]] persistence_id in_strand(const std::string& text) const {
    for (int i = 0;; ++i) {
      auto id = must(persistence_id::parse(i == 0 ? text : text + "~" + std::to_string(i)));
      if (strand_of(id.slice(), inner_->strands()) == start_.strand) return id;
    }
  }

  append_outcome outcome_of(const request& r) {
    append_request raw = r;
    return inner_->append({&raw, 1}).at(0);
  }
  std::string append(const request& r) { return told(outcome_of(r)); }
  std::string append(const persistence_id& id, sequence_nr expected, event_list events) {
    return append(request{id, expected, std::move(events)});
  }

  std::vector<append_outcome> outcomes_of(const std::vector<request>& batch) {
    std::vector<append_request> raw{batch.begin(), batch.end()};
    return inner_->append(raw);
  }

  std::string append_all(const std::vector<request>& batch) { return told(outcomes_of(batch)); }
  std::string settle(const request& r) { return told(must(inner_->settle(r))); }

  /// Numbers and data, as in "1:a 2:b".
  std::string replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max) {
    std::string all;
    must(inner_->replay(id, from, to, max, [&](const record_view& r) {
      all += (all.empty() ? "" : " ") + std::to_string(r.number) + ":" + std::string{r.event.data};
      return true;
    }));
    return all;
  }
  std::string history(const persistence_id& id) {
    return replay(id, 1, sequence_nr_max, everything);
  }

  std::vector<record> records(const persistence_id& id, sequence_nr from = 1,
                              std::size_t max = everything) {
    std::vector<record> all;
    must(inner_->replay(id, from, sequence_nr_max, max, [&](const record_view& r) {
      all.push_back(owned(r));
      return true;
    }));
    return all;
  }

  /// What is kept of a strand: past `after`, or from the start that the session was made with.
  std::vector<journal_record> read_all(std::optional<position> after = {},
                                       std::size_t max = everything) {
    const auto from = reading_start::kept_after(after.value_or(start_));
    std::vector<journal_record> all;
    must(inner_->read_all(from, max, [&](const persistence_id& of, const record_view& r) {
      all.push_back({owned(r), of});
      return true;
    }));
    return all;
  }

  record last_record(const persistence_id& id) {
    auto all = records(id);
    if (all.empty()) throw std::runtime_error{"no records of " + id.str()};
    return all.back();
  }

  sequence_nr highest(const persistence_id& id) { return must(inner_->highest(id)); }
  void erase_to(const persistence_id& id, sequence_nr to) { must(inner_->erase_to(id, to)); }

  /// Changes the alarm alone.
  std::string set_due(const persistence_id& id, sequence_nr expected, due_change due,
                      ulid writer = own_writer) {
    return append(request{id, expected, {}, writer, due});
  }

  /// Microseconds and the writer's letter, as in "7 o", or "none".
  std::string alarm(const persistence_id& id) {
    const auto found = must(inner_->alarm_of(id));
    if (!found) return "none";
    return std::to_string(found->due.time_since_epoch().count()) + " " +
           static_cast<char>(found->writer.bytes[0]);
  }

  std::vector<stored_alarm> alarms(std::vector<std::string_view> types,
                                   timestamp until = timestamp::max(), std::size_t max = everything,
                                   const stored_alarm* after = nullptr) {
    return must(inner_->due(start_.strand, {types, until, after}, max));
  }
  /// Ids and microseconds, as in "alice 7, bob 9".
  std::string due(std::vector<std::string_view> types, timestamp until = timestamp::max(),
                  std::size_t max = everything) {
    std::string all;
    for (const auto& one : alarms(std::move(types), until, max)) {
      all += (all.empty() ? "" : ", ") + shown(one.id) + " " +
             std::to_string(one.due.time_since_epoch().count());
    }
    return all;
  }

  texts ids(std::string_view type, std::string_view after = {}, std::size_t max = everything) {
    texts all;
    for (const auto& id : must(inner_->ids({.type = type, .after = after}, max)))
      all.push_back(id.str());
    return all;
  }

  void save(const persistence_id& id, const snapshot_view& state) {
    snapshot_request raw{id, state};
    must(inner_->save_snapshots({&raw, 1}));
  }
  void save(const persistence_id& id, sequence_nr number, std::string_view data) {
    save(id, snapshot(number, data));
  }

  /// Number and data, as in "7:seven", or "none".
  std::string load(const persistence_id& id, snapshot_bounds within = {}) {
    auto found = must(inner_->load_snapshot(id, within));
    return found ? std::to_string(found->number) + ":" + found->data : "none";
  }
  void erase_snapshots(const persistence_id& id, snapshot_bounds within = {}) {
    must(inner_->erase_snapshots(id, within));
  }
  std::vector<sequence_nr> snapshot_numbers(const persistence_id& id, snapshot_bounds within = {},
                                            std::size_t max = everything) {
    return must(inner_->snapshot_numbers(id, within, max));
  }
  void prune(const std::vector<prune_request>& requests) { must(inner_->prune(requests)); }

  std::vector<append_outcome> outcomes_of(const std::vector<put>& batch) {
    std::vector<upsert_request> raw{batch.begin(), batch.end()};
    return inner_->upsert(raw);
  }
  std::string upsert_all(const std::vector<put>& batch) { return told(outcomes_of(batch)); }
  std::string upsert(const put& p) { return upsert_all({p}); }
  std::string upsert(const persistence_id& id, sequence_nr expected, sequence_nr next,
                     std::string_view data) {
    return upsert({id, expected, next, testkit::state(data)});
  }
  std::string settle_state(const put& p) { return told(must(inner_->settle(p))); }

  /// Version and data, as in "3:three", or "3 erased", or "none".
  std::string state(const persistence_id& id) {
    auto found = must(inner_->get_state(id));
    if (!found) return "none";
    return std::to_string(found->version) + (found->erased ? " erased" : ":" + found->data);
  }
  texts state_ids(std::string_view type, std::string_view after = {},
                  std::size_t max = everything) {
    texts all;
    for (const auto& id : must(inner_->state_ids({.type = type, .after = after}, max)))
      all.push_back(id.str());
    return all;
  }

 private:
  std::unique_ptr<journal_session> inner_;
  position start_;
};

}}}  // namespace nexus::v0::testkit
