// Reading durable states; append.cpp writes them.
#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
result<std::optional<stored_state>> session::state_of(connection& c, const persistence_id& id) {
  c.sql.load_state.text(1, id.str());
  reading scope{c.sql.load_state};
  if (!c.sql.load_state.step()) return std::nullopt;
  stored_state found;
  if (auto bad = read_row(c.sql.load_state, writers_, found); !bad.empty()) {
    return fail(corrupt_row(where_.name, stored_kind::state, id, c.sql.load_state.integer(0), bad));
  }
  return found;
}

result<std::optional<stored_state>> session::get_state(const persistence_id& id) {
  return with_connection("read a state", [&](connection& c) { return state_of(c, id); });
}

result<std::vector<persistence_id>> session::state_ids(const id_filter& which, std::size_t max) {
  return with_connection("list states", [&](connection& c) {
    return list(c.sql.list_states, where_.name, which, max);
  });
}

result<void> session::read_states(position after, std::size_t max, const state_sink& sink) {
  apart passing{sink};
  auto done = with_connection("read the changes of states", [&](connection& c) -> result<void> {
    if (auto why = foreign(after, 1, c.epoch, where_.name)) return fail(*std::move(why));
    {
      reading scope{c.sql.index_of_changes};
      if (!c.sql.index_of_changes.step()) return fail(no_changes(where_.name));
    }
    auto& row = c.sql.read_states;
    row.integer(1, column_nr(after.major)).integer(2, column_nr(max));
    reading scope{row};
    while (max > 0 && row.step()) {
      auto id = persistence_id::parse(row.bytes(8));
      if (!id) return fail(errc::corrupt, where_.name + ": " + id.error().message);
      stored_state found;
      if (auto bad = read_row(row, writers_, found); !bad.empty()) {
        return fail(corrupt_row(where_.name, stored_kind::state, *id, row.integer(0), bad));
      }
      const position at{.epoch = c.epoch, .major = static_cast<std::uint64_t>(row.integer(7))};
      if (!passing(*id, changed_as(found, at))) break;
    }
    return {};
  });
  passing.rethrow();
  return done;
}

}}}  // namespace nexus::v0::sqlite
