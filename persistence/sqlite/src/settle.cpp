// Finds out about a request whose answer was lost.
#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace sqlite {

// A commit whose sync failed leaves its frames in the log: they are invisible now, and would be
// back after a crash, when the log is read again. So the truth is read inside a write transaction
// that commits durably itself: its frames overwrite the old ones, or follow them if they were
// adopted; frames are chained by checksums, so nothing behind them can come back.
template <class Request>
result<settlement> session::settle_as_is(const Request& request) {
  if (!unfinished()) connection_.reset();
  return with_connection("settle", [&](connection& c) -> result<settlement> {
    transaction t{c};
    auto found = truth(c, request);
    if (!found) return found;
    c.sql.mark_settled.run();
    if (auto done = t.commit(); !done) return fail(std::move(done.error()));
    if (*found == settlement::not_stored) return found;
    // Pages adopted from a log whose sync failed may be in memory only, and Linux forgets that they
    // are to be written: a checkpoint writes them to the database and syncs it.
    int code = sqlite3_wal_checkpoint_v2(c.db->getHandle(), nullptr, SQLITE_CHECKPOINT_FULL,
                                         nullptr, nullptr);
    if (code != SQLITE_OK) throw SQLite::Exception(c.db->getHandle(), code);
    return found;
  });
}

result<settlement> session::settle(const append_request& request) {
  auto found = settle_as_is(request);
  appended_->notify();  // the event may have become visible only now
  return found;
}
result<settlement> session::settle(const upsert_request& request) { return settle_as_is(request); }

result<settlement> session::truth(connection& c, const append_request& request) {
  if (request.only_due()) return alarm_truth(c, request.id, request.due, request.writer);
  return holds(c, request) ? settlement::stored : settlement::not_stored;
}

bool session::holds(connection& c, const append_request& request) {
  if (fault_of(request, limits()) || past_the_last_number(request)) return false;
  auto first = request.expected + 1;
  auto last = request.expected + request.events.size();
  c.sql.read_events.text(1, request.id.str()).integer(2, column_nr(first));
  c.sql.read_events.integer(3, column_nr(last)).integer(4, -1);
  reading scope{c.sql.read_events};
  tag_cursor tags{c.sql.read_tags};
  auto number = first;
  for (; c.sql.read_events.step(); ++number) {
    record_view record;
    if (!read_row(c.sql.read_events, writers_, c.epoch, record).empty()) return false;
    if (!tags.read(record)) return false;
    if (record.number != number || !carried(request, record)) return false;
  }
  return number == last + 1;
}

result<settlement> session::truth(connection& c, const upsert_request& request) {
  if (request.only_due()) return alarm_truth(c, request.id, request.due, request.writer);
  auto found = state_of(c, request.id);
  if (!found) return fail(std::move(found.error()));
  return settled_as(request, *found ? &**found : nullptr);
}

}}}  // namespace nexus::v0::sqlite
