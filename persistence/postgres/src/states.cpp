// Reading durable states; append.cpp writes them.
#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {

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

}}}  // namespace nexus::v0::postgres
