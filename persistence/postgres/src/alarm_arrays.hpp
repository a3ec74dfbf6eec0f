// Changes of alarms as columns: the parameters of `set_alarms` and `set_state_alarms`, and of what
// follows them.
//
// Threads: one at a time.
#pragma once

#include <limits>

#include "nexus/journal_checks.hpp"
#include "parameters.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

struct alarm_arrays {
  /// The time of a row that the same transaction deletes: no journal stores it. As a timestamptz,
  /// infinity.
  static constexpr std::int64_t cleared_time = std::numeric_limits<std::int64_t>::max();

  array ids{element::text}, types{element::text}, times{element::timestamptz};
  array slices{element::int4}, writers{element::text};
  array numbers{element::int8};  ///< the highest number, or the version, once the request is stored
  array alone{element::int8};    ///< 1: the request changes nothing else
  array cleared{element::text};  ///< the ids whose alarms go
  array bare{element::text};     ///< the ids of requests without events
  array expected{element::int8};  ///< of the same

  void add(const append_request& r) {
    add(r.id, r.due, r.writer);
    if (!r.only_due()) return;
    bare.bytes(r.id.str());
    expected.int8(column_nr(r.expected));
  }
  void add(const upsert_request& r) {
    add(r.id, r.due, r.writer);
    numbers.int8(column_nr(r.next));
    alone.int8(r.only_due() ? 1 : 0);
  }

 private:
  void add(const persistence_id& id, const due_change& to, const ulid& writer) {
    const bool clears = to.what == due_change::kind::clear;
    ids.bytes(id.str());
    types.bytes(id.type());
    if (clears) {
      times.int8(cleared_time);
      cleared.bytes(id.str());
    } else {
      times.time(to.at);
    }
    slices.int4(static_cast<std::int32_t>(id.slice()));
    writers.bytes(writer.to_string());
  }
};

}}}  // namespace nexus::v0::postgres
