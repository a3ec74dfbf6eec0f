// Finds out about a request whose answer was lost.
//
// Reading is not enough: the lost connection's backend may still be running and commit seconds
// later. Each writing connection holds a lock as long as its backend lives. A session that gets
// that lock knows that the backend is gone, so what it reads then is final.
#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus { inline namespace v0 { namespace postgres {
void session::end_doubts(connection& c) {
  for (auto lock : core_->unresolved.all()) {
    parameters which;
    which.int8(lock);
    try {
      // A backend that waits for a lost client may wait for hours, and keeps its locks.
      c.query(core_->sql.end_holder, which);
    } catch (const trouble&) {
      if (c.lost()) throw;  // otherwise wait for it
    }
    c.run({{core_->sql.wait_briefly, {}}, {core_->sql.take_lock, which}});
    c.query(core_->sql.release_lock, which);
    core_->unresolved.remove(lock);
  }
}

template <class Request>
result<settlement> session::settle_as_is(const Request& request) {
  return with_connection("settle", [&](connection& c) -> result<settlement> {
    end_doubts(c);
    return truth(c, request);
  });
}

result<settlement> session::settle(const append_request& request) {
  auto found = settle_as_is(request);
  core_->news.appended();  // the event may have become visible only now
  return found;
}
result<settlement> session::settle(const upsert_request& request) { return settle_as_is(request); }

result<settlement> session::truth(connection& c, const append_request& request) {
  if (request.only_due()) return alarm_truth(c, request.id, request.due, request.writer);
  const auto count = request.events.size();
  if (fault_of(request, limits()) || past_the_last_number(request)) return settlement::not_stored;
  parameters range;
  range.text(request.id.str()).int8(column_nr(request.expected + 1));
  range.int8(column_nr(request.expected + count)).int8(column_nr(count));
  const auto found = c.query(core_->sql.read_events, range);
  if (static_cast<std::size_t>(found.size()) != count) return settlement::not_stored;
  record_reader reader{found, core_->epoch};
  for (int row = 0; row < found.size(); ++row) {
    record_view record;
    if (!reader.record(row, record).empty() || !carried(request, record)) {
      return settlement::not_stored;
    }
  }
  return settlement::stored;
}

result<settlement> session::truth(connection& c, const upsert_request& request) {
  if (request.only_due()) return alarm_truth(c, request.id, request.due, request.writer);
  auto found = state_of(c, request.id);
  if (!found) return fail(std::move(found.error()));
  return settled_as(request, *found ? &**found : nullptr);
}

}}}  // namespace nexus::v0::postgres
