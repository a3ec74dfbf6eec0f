// Reading durable states; append.cpp writes them.
#include <algorithm>

#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

// libpq holds a whole result in memory.
constexpr std::size_t states_at_once = 100;

result<std::optional<stored_state>> session::state_of(connection& c, const persistence_id& id) {
  const auto found = c.query(core_->sql.load_state, parameters{}.text(id.str()));
  if (found.size() == 0) return std::nullopt;
  stored_state state;
  if (auto bad = read_row(found, 0, state); !bad.empty()) {
    return fail(corrupt_row(core_->where.name, stored_kind::state, id, found.int8(0, 0), bad));
  }
  return state;
}

result<std::optional<stored_state>> session::get_state(const persistence_id& id) {
  return with_connection("read a state", [&](connection& c) { return state_of(c, id); });
}

result<void> session::read_states(position after, std::size_t max, const state_sink& sink) {
  if (auto why = foreign(after, 1, core_->epoch, core_->where.name)) return fail(*std::move(why));
  return with_connection("read the changes of states", [&](connection& c) -> result<void> {
    parameters start;
    start.int8(static_cast<std::int64_t>(after.major));
    const auto index = c.query(core_->sql.index_of_changes, start);
    if (index.size() == 0) return fail(no_changes(core_->where.name));
    if (index.boolean(0, 0)) return fail(past_the_end(after, core_->where.name));
    std::int64_t asked = 0;
    for (auto count = asked; count == asked && max > 0; max -= static_cast<std::size_t>(asked)) {
      asked = static_cast<std::int64_t>(std::min(max, states_at_once));
      parameters range;
      range.int8(static_cast<std::int64_t>(after.major)).int8(column_nr(after.minor)).int8(asked);
      const auto found = c.query(core_->sql.read_states, range);
      count = found.size();
      for (int row = 0; row < found.size(); ++row) {
        auto id = persistence_id::parse(found.bytes(row, 9));
        if (!id) return fail(errc::corrupt, core_->where.name + ": " + id.error().message);
        stored_state state;
        if (auto bad = read_row(found, row, state); !bad.empty()) {
          return fail(
              corrupt_row(core_->where.name, stored_kind::state, *id, found.int8(row, 0), bad));
        }
        after = {.epoch = core_->epoch,
                 .major = static_cast<std::uint64_t>(found.int8(row, 7)),
                 .minor = static_cast<std::uint64_t>(found.int8(row, 8))};
        if (!sink(*id, changed_as(state, after))) return {};
      }
    }
    return {};
  });
}

}}}  // namespace nexus::v0::postgres
