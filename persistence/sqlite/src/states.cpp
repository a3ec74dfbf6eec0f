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

result<std::vector<persistence_id>> session::state_ids(std::string_view type,
                                                       std::string_view after, std::size_t max) {
  return with_connection("list states", [&](connection& c) {
    return list(c.sql.list_states, where_.name, type, after, max);
  });
}

}}}  // namespace nexus::v0::sqlite
