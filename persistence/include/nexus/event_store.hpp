// A plain event store: events as bytes, stored and found without actors and behaviors.
//
//   nexus::journal_event_store events{store};
//   auto id = nexus::persistence_id::make("invoice", "4711");
//   auto stored = events.append(*id, 0, nexus::new_event{.type = "sent", .data = "…"});
//   auto found = events.query({.event_type = "sent"}, {.limit = 20});
//
// Code that takes an `event_store&` runs on any store that implements its two functions.
//
// Threads: any, several at once. Calls block: on a thread that must not wait they are
// `would_block`. Failures: those of the storage; `conflict` if another writer was first;
// `invalid_argument`, which names the field of the filter or page; `outcome_unknown` if it could
// not be found out whether the events are stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/event_query.hpp"
#include "nexus/store.hpp"

namespace nexus { inline namespace v0 {

/// An event to store. Limits and rules are those of `event_view` and `journal_limits`.
struct new_event {
  std::string type{};
  std::string data{};
  std::string metadata{};
  std::vector<std::string> tags{};
  std::uint32_t schema_version = 1;
  std::string codec = "msgpack";
  std::optional<timestamp> time{};  ///< none: now

  [[nodiscard]] static new_event of(const event_view& event);
};

/// An event with its place; owns its bytes.
struct stored_event {
  persistence_id of;
  sequence_nr number = 0;
  position at{};
  ulid writer{};
  new_event event{};

  [[nodiscard]] static stored_event of_record(const persistence_id& id, const record_view& r);
};

/// A page of events.
struct found_events {
  std::vector<stored_event> events{};
  page_info page{};
};

class event_store {
 public:
  virtual ~event_store() = default;

  /// Stores the events right after number `expected` of `id`, all or none of them, and returns them
  /// with their numbers and positions. `expected` must be the id's highest number, else `conflict`.
  [[nodiscard]] virtual result<std::vector<stored_event>> append(
      const persistence_id& id, sequence_nr expected, std::span<const new_event> events) = 0;

  /// The events that match, of one page: see nexus/event_query.hpp.
  [[nodiscard]] virtual result<found_events> query(const event_filter& filter,
                                                   const event_page& page) = 0;

  /// The first page, or the only event.
  [[nodiscard]] result<found_events> query(const event_filter& filter) {
    return query(filter, event_page{});
  }
  [[nodiscard]] result<stored_event> append(const persistence_id& id, sequence_nr expected,
                                            const new_event& event);
};

/// An event store on a journal. Appends go through the store's writers, which commit those of many
/// threads together. A page is in memory as a whole: at most `event_page::limit` events.
class journal_event_store final : public event_store {
 public:
  /// `writer` identifies this writer's events; none: a new id.
  explicit journal_event_store(store in, std::optional<ulid> writer = std::nullopt);

  using event_store::append;
  using event_store::query;
  [[nodiscard]] result<std::vector<stored_event>> append(
      const persistence_id& id, sequence_nr expected, std::span<const new_event> events) override;
  [[nodiscard]] result<found_events> query(const event_filter& filter,
                                           const event_page& page) override;

 private:
  store in_;
  ulid writer_;
};

}}  // namespace nexus::v0
