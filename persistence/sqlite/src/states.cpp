// Durable states: one row per id, whose version only rises.
#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus::inline v0::sqlite {
namespace {

/// 0 if there is no row; -1 if the row's version is invalid.
std::int64_t version_of(connection& c, const persistence_id& id) {
  c.read_version.text(1, id.str());
  reading scope{c.read_version};
  if (!c.read_version.step()) return 0;
  if (sqlite3_value_type(c.read_version.value(0)) != SQLITE_INTEGER) return -1;
  auto version = c.read_version.integer(0);
  return version >= 1 ? version : -1;
}

}  // namespace

bool session::insert(connection& c, std::span<const upsert_request> requests,
                     std::vector<append_outcome>& outcomes) {
  bool any = false;
  auto& row = c.store_state;
  for (std::size_t i : order_) {
    if (!std::holds_alternative<stored>(outcomes[i])) continue;  // rejected
    const auto& r = requests[i];
    const auto version = version_of(c, r.id);
    if (version < 0) {
      outcomes[i] = failed{corrupt_row(where_.name, "state", r.id, version, "version")};
      continue;
    }
    if (static_cast<sequence_nr>(version) != r.expected) {
      outcomes[i] = conflict{static_cast<sequence_nr>(version)};
      continue;
    }
    const auto value = r.value.value_or(state_view{.codec = {}});
    row.text(1, r.id.str()).integer(2, column_nr(r.next)).text(3, value.type);
    row.integer(4, value.schema_version).text(5, value.codec);
    if (r.value) {
      row.blob(6, value.data);
    } else {
      row.null(6);
    }
    row.text(7, writers_.text(r.writer)).integer(8, micros(r.time)).integer(9, r.id.slice());
    row.run();
    any = true;
  }
  return any;
}

result<settlement> session::truth(connection& c, const upsert_request& request) {
  auto found = state_of(c, request.id);
  if (!found) return fail(std::move(found.error()));
  if (!*found || (*found)->version < request.next) return settlement::not_stored;
  if ((*found)->version > request.next) return settlement::superseded;
  return carried(request, **found) ? settlement::stored : settlement::not_stored;
}

result<std::optional<stored_state>> session::state_of(connection& c, const persistence_id& id) {
  c.load_state.text(1, id.str());
  reading scope{c.load_state};
  if (!c.load_state.step()) return std::nullopt;
  stored_state found;
  if (auto bad = read_row(c.load_state, writers_, found); !bad.empty()) {
    return fail(corrupt_row(where_.name, "state", id, c.load_state.integer(0), bad));
  }
  return found;
}

result<std::optional<stored_state>> session::get_state(const persistence_id& id) {
  return with_connection("read a state", [&](connection& c) { return state_of(c, id); });
}

result<std::vector<persistence_id>> session::state_ids(std::string_view type,
                                                       std::string_view after, std::size_t max) {
  return with_connection("list states", [&](connection& c) {
    return list(c.list_states, where_.name, type, after, max);
  });
}

}  // namespace nexus::inline v0::sqlite
