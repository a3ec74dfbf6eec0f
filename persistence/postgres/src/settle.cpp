// The truth about a request whose answer was lost.
//
// To read is not enough: the lost connection's backend may still be at it and commit seconds later. Each
// connection that writes holds a lock as long as its backend lives; so who gets that lock knows that the
// backend has gone, and that what it reads then will stay so.
#include "nexus/journal_checks.hpp"
#include "rows.hpp"
#include "session.hpp"

namespace nexus::inline v0::postgres {
void session::end_doubts(connection& c) {
  for (auto lock : core_->in_doubt.all()) {
    parameters which;
    which.int8(lock);
    try {
      // One that waits for a client that has gone may wait for hours, with its locks.
      c.query(core_->sql.end_holder, which);
    } catch (const trouble&) {
      if (c.lost()) throw;  // else it has to be waited for
    }
    c.run({{core_->sql.wait_briefly, {}}, {core_->sql.take_lock, which}});
    c.query(core_->sql.release_lock, which);
    core_->in_doubt.remove(lock);
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
  core_->news.appended();  // what was in doubt may be there only now
  return found;
}
result<settlement> session::settle(const upsert_request& request) { return settle_as_is(request); }

result<settlement> session::truth(connection& c, const append_request& request) {
  const auto count = request.events.size();
  if (fault_of(request, limits()) || past_the_last_number(request)) return settlement::not_stored;
  parameters range;
  range.text(request.id.str()).int8(column_nr(request.expected + 1));
  range.int8(column_nr(request.expected + count)).int8(column_nr(count));
  const auto found = c.query(core_->sql.read_events, range);
  if (static_cast<std::size_t>(found.size()) != count) return settlement::not_stored;
  record_reader reader{found};
  for (int row = 0; row < found.size(); ++row) {
    record_view record;
    if (!reader.record(row, record).empty() || !carried(request, record)) {
      return settlement::not_stored;
    }
  }
  return settlement::stored;
}

result<settlement> session::truth(connection& c, const upsert_request& request) {
  auto found = state_of(c, request.id);
  if (!found) return fail(std::move(found.error()));
  return settled_as(request, *found ? &**found : nullptr);
}

}  // namespace nexus::inline v0::postgres
