// A report about tallies: per id the sum and the number of its events, so that an event that is
// counted twice or never shows; and the same from the journal, to compare.
#pragma once

#include <cstdint>
#include <map>
#include <nexus/projection.hpp>
#include <nexus/read_models.hpp>
#include <nexus/testkit/contract/terse_session.hpp>
#include <string>
#include <utility>
#include <variant>

#include "behaviors/tally.hpp"

namespace nexus::test {

using counted = std::map<std::string, std::pair<std::int64_t, std::int64_t>>;  // by id

inline constexpr auto report_table =
    "CREATE TABLE report (id text PRIMARY KEY, total bigint, events bigint)";

inline std::int64_t value_of(const tally::event& event) {
  const auto* added = std::get_if<tally::added>(&event);
  return added != nullptr ? added->n : 0;
}

/// Counts an event in the table.
inline result<void> count_in_report(session& on, const projected<tally>& e) {
  return on
      .execute(
          "INSERT INTO report (id, total, events) VALUES ($1, $2, 1) ON CONFLICT (id) DO UPDATE "
          "SET total = report.total + excluded.total, events = report.events + 1",
          e.id, value_of(e.event))
      .map([](const auto&) {});
}

inline counted counted_in_report(const store& at) {
  counted all;
  auto lent = testkit::must(at.sessions().borrow());
  for (auto& [id, total, events] :
       testkit::must(lent->query<std::string, std::int64_t, std::int64_t>(
           "SELECT id, total, events FROM report"))) {
    all[id] = {total, events};
  }
  return all;
}

/// The same in a read model.
struct report_row {
  static constexpr std::string_view type_name = "report_row";
  std::string id;
  std::int64_t total = 0;
  std::int64_t events = 0;
  MSGPACK_DEFINE_MAP(id, total, events)
};

inline result<void> count_in_documents(session& on, const projected<tally>& e) {
  auto rows = read_models{on}.of<report_row>("report");
  auto found = rows.find(e.id);
  if (!found) return fail(std::move(found.error()));
  auto row = *found ? **found : report_row{e.id};
  row.total += value_of(e.event);
  ++row.events;
  return rows.save(row);
}

inline counted counted_in_documents(const store& at) {
  counted all;
  for (const auto& one : testkit::must(read_models{at}.of<report_row>("report").find_all())) {
    all[one.id] = {one.total, one.events};
  }
  return all;
}

/// The fold of the journal.
inline counted counted_in_journal(const store& at) {
  counted all;
  auto from = testkit::must(events<tally>{at}.current());
  while (auto next = testkit::must(from.next())) {
    auto& [total, events] = all[next->id];
    total += value_of(next->event);
    ++events;
  }
  return all;
}

/// As in "t0 6/3, t1 6/3": sum and number of events.
inline std::string told(const counted& all) {
  std::string text;
  for (const auto& [id, one] : all) {
    text += (text.empty() ? "" : ", ") + id + " " + std::to_string(one.first) + "/" +
            std::to_string(one.second);
  }
  return text;
}

}  // namespace nexus::test
