// Reading alarms; append.cpp changes them.
#include <fmt/format.h>

#include <algorithm>

#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
namespace {

constexpr std::int64_t before_all_times = std::numeric_limits<std::int64_t>::min();  // -infinity

// As a timestamptz, within the range that is stored.
std::int64_t bound(timestamp t) {
  const auto range = limits();
  const auto micros = std::clamp(t, range.time_min, range.time_max).time_since_epoch().count();
  return micros - postgres_epoch_micros;
}

result<stored_alarm> alarm_in(const rows& found, int row, const std::string& journal) {
  const auto corrupt = [&](std::string_view column) {
    return fail(corrupt_alarm(journal, found.bytes(row, 0), column));
  };
  auto id = persistence_id::parse(found.bytes(row, 0));
  if (!id) return corrupt("persistence_id");
  stored_alarm alarm{*std::move(id)};
  if (auto bad = read_row(found, row, alarm); !bad.empty()) return corrupt(bad);
  return alarm;
}

}  // namespace

result<std::optional<stored_alarm>> session::alarm_in_row(connection& c, const persistence_id& id) {
  const auto found = c.query(core_->sql.read_alarm, parameters{}.text(id.str()));
  if (found.size() == 0) return std::nullopt;
  stored_alarm alarm{id};
  if (auto bad = read_row(found, 0, alarm); !bad.empty()) {
    return fail(corrupt_alarm(core_->where.name, id.str(), bad));
  }
  return alarm;
}

result<settlement> session::alarm_truth(connection& c, const persistence_id& id,
                                        const due_change& sent, const ulid& writer) {
  auto found = alarm_in_row(c, id);
  if (!found) return fail(std::move(found.error()));
  return settled_as(sent, writer, *found);
}

result<std::optional<stored_alarm>> session::alarm_of(const persistence_id& id) {
  return with_connection("read an alarm", [&](connection& c) { return alarm_in_row(c, id); });
}

result<std::vector<stored_alarm>> session::due(std::uint32_t strand, const due_filter& which,
                                               std::size_t max) {
  using alarms = std::vector<stored_alarm>;
  array types{element::text};
  for (auto type : types_of(which)) types.bytes(type);
  const auto range = limits();
  const bool past_all = which.after != nullptr && which.after->due > range.time_max;
  if (strand >= strands() || max == 0 || types.size() == 0 || which.until < range.time_min ||
      past_all) {
    return alarms{};
  }
  const bool from_first = which.after == nullptr || which.after->due < range.time_min;
  parameters asked;
  asked.all(types).int8(bound(which.until));
  asked.int8(from_first ? before_all_times : bound(which.after->due));
  asked.text(from_first ? std::string_view{} : which.after->id.str()).int8(column_nr(max));
  return with_connection("read due alarms", [&](connection& c) -> result<alarms> {
    const auto found = c.query(core_->sql.read_due, asked);
    alarms all;
    all.reserve(static_cast<std::size_t>(found.size()));
    for (int row = 0; row < found.size(); ++row) {
      auto one = alarm_in(found, row, core_->where.name);
      if (one) {
        all.push_back(*std::move(one));
      } else if (which.on_corrupt != nullptr) {
        (*which.on_corrupt)(one.error());
      } else {
        return fail(std::move(one.error()));
      }
    }
    return all;
  });
}

result<std::vector<due_type>> session::due_types(std::uint32_t strand, timestamp until,
                                                 std::uint64_t count_max) {
  using types = std::vector<due_type>;
  if (strand >= strands() || until < limits().time_min) return types{};
  parameters asked;
  asked.int8(bound(until)).int8(column_nr(count_max));
  return with_connection("count due alarms", [&](connection& c) -> result<types> {
    const auto found = c.query(core_->sql.read_due_types, asked);
    types all;
    for (int row = 0; row < found.size(); ++row) {
      const auto type = found.bytes(row, 0);
      timestamp first;
      if (type.empty() || !may_have_ids(type) || !read_time(found, row, 2, first)) {
        return fail(corrupt_alarm(core_->where.name, fmt::format("an id of type \"{}\"", type),
                                  "entity_type or due"));
      }
      all.push_back({std::string{type}, static_cast<std::uint64_t>(found.int8(row, 1)), first});
    }
    return all;
  });
}

}}}  // namespace nexus::v0::postgres
