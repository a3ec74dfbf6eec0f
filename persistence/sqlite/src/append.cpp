// append, upsert and settle: the write path, whose outcome must never be guessed.
#include <algorithm>
#include <numeric>

#include "nexus/journal_checks.hpp"
#include "session.hpp"

namespace nexus::inline v0::sqlite {
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
  bool any = false;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (auto why = fault_of(requests[i], limits())) {
      outcomes[i] = rejected{std::move(*why)};
    } else {
      any = true;
    }
  }
  if (!any) return outcomes;
  // By id, in the order of the index: with many ids each of its pages is visited once per batch.
  // The requests of a call are independent, so their positions may have any order.
  order_.resize(requests.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::sort(order_.begin(), order_.end(),
            [&](std::size_t a, std::size_t b) { return requests[a].id < requests[b].id; });

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
  appended_->notify(outcomes);
  return outcomes;
}

std::vector<append_outcome> session::upsert(std::span<const upsert_request> requests) {
  return write_all("store states", requests);
}

bool session::insert(connection& c, std::span<const append_request> requests,
                     std::vector<append_outcome>& outcomes) {
  c.tail.step();
  std::int64_t erased = c.tail.integer(1);
  std::int64_t last = std::max(c.tail.integer(0), erased);
  c.tail.reset();
  bool any = false;
  for (std::size_t i : order_) {
    if (!std::holds_alternative<stored>(outcomes[i])) continue;  // rejected
    auto highest = highest_number(c, requests[i].id, erased > 0);
    if (highest != requests[i].expected) {
      outcomes[i] = conflict{highest};
      continue;
    }
    if (auto why = past_the_last_number(requests[i])) {
      outcomes[i] = rejected{*std::move(why)};
      continue;
    }
    insert(c, requests[i], last);
    outcomes[i] = stored{{.major = static_cast<std::uint64_t>(last)}};
    any = true;
  }
  return any;
}

void session::insert(connection& c, const append_request& request, std::int64_t& position) {
  auto& row = c.insert_event;
  row.text(1, request.id.str()).text(2, writers_.text(request.writer));
  row.integer(3, request.id.slice());
  auto number = column_nr(request.expected);
  for (const auto& event : request.events) {
    row.integer(4, ++number).integer(5, ++position);
    row.text(6, event.type).integer(7, event.schema_version).text(8, event.codec);
    row.blob(9, event.data).blob(10, event.metadata).integer(11, micros(event.time));
    row.run();
    for (auto tag : event.tags) c.insert_tag.text(1, tag).integer(2, position).run();
  }
}

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
    c.mark_settled.run();
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
  return holds(c, request) ? settlement::stored : settlement::not_stored;
}

bool session::holds(connection& c, const append_request& request) {
  if (fault_of(request, limits()) || past_the_last_number(request)) return false;
  auto first = request.expected + 1;
  auto last = request.expected + request.events.size();
  c.read_events.text(1, request.id.str()).integer(2, column_nr(first));
  c.read_events.integer(3, column_nr(last)).integer(4, -1);
  reading scope{c.read_events};
  tag_cursor tags{c.read_tags};
  auto number = first;
  for (; c.read_events.step(); ++number) {
    record_view record;
    if (!read_row(c.read_events, writers_, record).empty()) return false;
    if (!tags.read(record)) return false;
    if (record.number != number || !carried(request, record)) return false;
  }
  return number == last + 1;
}

}  // namespace nexus::inline v0::sqlite
