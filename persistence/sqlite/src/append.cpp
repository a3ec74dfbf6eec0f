// append and upsert: the write path, whose outcome must never be guessed.
#include <algorithm>

#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {
void finish(std::vector<append_outcome>& outcomes, const error& why, bool in_doubt) {
  for (auto& outcome : outcomes) {
    if (!std::holds_alternative<stored>(outcome)) continue;  // conflict or rejected: certain
    if (in_doubt) {
      outcome = unknown{why};
    } else {
      outcome = failed{why};
    }
  }
}

template <class Request>
std::vector<append_outcome> session::write_all(std::string_view doing,
                                               std::span<const Request> requests) {
  std::vector<append_outcome> outcomes(requests.size());  // `stored` until something contradicts it
  // The requests of a call are independent, so their positions may have any order.
  take_faultless(requests, limits(), outcomes, order_);
  if (order_.empty()) return outcomes;

  bool in_doubt = false;
  auto done = with_connection(doing, [&](connection& c) -> result<void> {
    transaction t{c};
    if (!insert(c, requests, outcomes)) return {};
    return t.commit(in_doubt);
  });
  if (!done) sqlite::finish(outcomes, done.error(), in_doubt);
  // The connection's view of the log may differ from the file's content now.
  if (in_doubt) connection_.reset();
  return outcomes;
}

std::vector<append_outcome> session::append(std::span<const append_request> requests) {
  auto outcomes = write_all("append", requests);
  if (any_to_read(requests, outcomes)) appended_->notify();
  return outcomes;
}

std::vector<append_outcome> session::upsert(std::span<const upsert_request> requests) {
  auto outcomes = write_all("store states", requests);
  if (where_.choices.indexes.states && any_to_read(requests, outcomes)) appended_->notify();
  return outcomes;
}

bool session::insert(connection& c, std::span<const append_request> requests,
                     std::vector<append_outcome>& outcomes) {
  c.sql.tail.step();
  std::int64_t erased = c.sql.tail.integer(1);
  std::int64_t last = std::max(c.sql.tail.integer(0), erased);
  c.sql.tail.reset();
  bool any = false;
  for (std::size_t i : order_) {
    const auto highest = highest_number(c, requests[i].id, erased > 0);
    if (auto why = refusal(requests[i], highest)) {
      outcomes[i] = *std::move(why);
      continue;
    }
    any = true;
    change_alarm(c, requests[i].id, requests[i].due, requests[i].writer);
    if (requests[i].only_due()) continue;
    insert(c, requests[i], last);
    outcomes[i] = stored{{.epoch = c.epoch, .major = static_cast<std::uint64_t>(last)}};
  }
  return any;
}

void session::insert(connection& c, const append_request& request, std::int64_t& position) {
  auto& row = c.sql.append_event;
  row.text(1, request.id.str()).text(2, writers_.text(request.writer));
  row.integer(3, request.id.slice());
  auto number = column_nr(request.expected);
  for (const auto& event : request.events) {
    row.integer(4, ++number).integer(5, ++position);
    row.text(6, event.type).integer(7, event.schema_version).text(8, event.codec);
    row.blob(9, event.data).blob(10, event.metadata).integer(11, micros(event.time));
    row.run();
    for (auto tag : event.tags) c.sql.append_tag.text(1, tag).integer(2, position).run();
  }
}

// -- states: one row per id, whose version only rises --------------------------------------------

namespace {

/// 0 if there is no row; -1 if the row's version is invalid.
std::int64_t version_of(connection& c, const persistence_id& id) {
  c.sql.read_version.text(1, id.str());
  reading scope{c.sql.read_version};
  if (!c.sql.read_version.step()) return 0;
  if (sqlite3_value_type(c.sql.read_version.value(0)) != SQLITE_INTEGER) return -1;
  auto version = c.sql.read_version.integer(0);
  return version >= 1 ? version : -1;
}

}  // namespace

bool session::insert(connection& c, std::span<const upsert_request> requests,
                     std::vector<append_outcome>& outcomes) {
  bool any = false;
  auto& row = c.sql.upsert_state;
  for (std::size_t i : order_) {
    const auto& r = requests[i];
    const auto version = version_of(c, r.id);
    if (version < 0) {
      outcomes[i] = failed{corrupt_row(where_.name, stored_kind::state, r.id, version, "version")};
      continue;
    }
    if (static_cast<sequence_nr>(version) != r.expected) {
      outcomes[i] = conflict{static_cast<sequence_nr>(version)};
      continue;
    }
    any = true;
    change_alarm(c, r.id, r.due, r.writer);
    if (r.only_due()) continue;
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
  }
  return any;
}

}}}  // namespace nexus::v0::sqlite
