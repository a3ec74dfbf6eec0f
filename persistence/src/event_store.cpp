#include "nexus/event_store.hpp"

#include <fmt/format.h>

#include <future>
#include <memory>
#include <utility>
#include <variant>

#include "nexus/detail/may_wait.hpp"
#include "nexus/detail/write_job.hpp"

namespace nexus { inline namespace v0 {
namespace {

using detail::write_job;

// A job without an actor to go back to: when its last envelope is gone, it is done.
class awaited_job final : public write_job {
 public:
  awaited_job(persistence_id id, std::promise<append_outcome> to)
      : write_job{0, std::move(id)}, to_{std::move(to)} {
    may_repeat = true;
    outcome = failed{{errc::stopped, "the journal was closed"}};
  }

 private:
  void dropped() noexcept override {
    to_.set_value(std::move(outcome));
    write_job::dropped();
  }

  std::promise<append_outcome> to_;
};

void add(const new_event& event, timestamp now, detail::event_batch& to) {
  const std::vector<std::string_view> tags{event.tags.begin(), event.tags.end()};
  to.add({.type = event.type,
          .schema_version = event.schema_version,
          .codec = event.codec,
          .data = event.data,
          .metadata = event.metadata,
          .time = event.time.value_or(now),
          .tags = tags});
}

std::unique_ptr<detail::event_batch> batch_of(std::span<const new_event> events, timestamp now) {
  auto made = std::make_unique<detail::event_batch>();
  for (const auto& event : events) add(event, now, *made);
  return made;
}

result<lease<journal_session>> session_of(const store& in) {
  return in.sessions().borrow({.borrower = "an event store"});
}

// After an unknown outcome.
result<void> settle(const store& in, const append_request& request, const error& why) {
  auto lent = session_of(in);
  auto settled = lent ? (*lent)->settle(request) : fail(std::move(lent.error()));
  if (!settled) {
    return fail(errc::outcome_unknown,
                fmt::format("events {} and later of {}: {}; asked again: {}", request.expected + 1,
                            request.id.str(), why.message, settled.error().message));
  }
  if (*settled == settlement::stored) return {};
  return fail(errc::unavailable, why.message);
}

result<void> stored_or_not(const store& in, const append_request& request,
                           const append_outcome& outcome) {
  if (std::holds_alternative<stored>(outcome)) return {};
  if (const auto* c = std::get_if<conflict>(&outcome)) {
    return fail(errc::conflict,
                fmt::format("append to {}: expected {} to be the highest number, but it is {}; "
                            "read the events past {} and decide again",
                            request.id.str(), request.expected, c->highest, request.expected));
  }
  if (const auto* r = std::get_if<rejected>(&outcome)) return fail(r->why);
  if (const auto* f = std::get_if<failed>(&outcome)) return fail(f->why);
  if (const auto* p = std::get_if<partly>(&outcome)) return fail(p->why);  // only states are
  return settle(in, request, std::get<unknown>(outcome).why);
}

result<std::vector<stored_event>> read_back(const store& in, const append_request& request) {
  std::vector<stored_event> all;
  const auto wanted = request.events.size();
  all.reserve(wanted);
  auto lent = session_of(in);
  auto read =
      lent ? (*lent)->replay(request.id, request.expected + 1, request.expected + wanted, wanted,
                             [&](const record_view& r) {
                               all.push_back(stored_event::of_record(request.id, r));
                               return true;
                             })
           : fail(std::move(lent.error()));
  if (read && all.size() == wanted) return all;
  return fail(errc::outcome_unknown,
              fmt::format("append to {}: the events are stored, but could not be read back: {}",
                          request.id.str(),
                          read ? "they have been erased meanwhile" : read.error().message));
}

}  // namespace

new_event new_event::of(const event_view& event) {
  return {.type = std::string{event.type},
          .data = std::string{event.data},
          .metadata = std::string{event.metadata},
          .tags = {event.tags.begin(), event.tags.end()},
          .schema_version = event.schema_version,
          .codec = std::string{event.codec},
          .time = event.time};
}

stored_event stored_event::of_record(const persistence_id& id, const record_view& r) {
  return {id, r.number, r.at, r.writer, new_event::of(r.event)};
}

result<stored_event> event_store::append(const persistence_id& id, sequence_nr expected,
                                         const new_event& event) {
  auto all = append(id, expected, std::span{&event, 1});
  if (!all) return fail(std::move(all.error()));
  return std::move(all->front());
}

journal_event_store::journal_event_store(store in, std::optional<ulid> writer)
    : in_{std::move(in)}, writer_{writer ? *writer : ulid_generator{wall_clock{}}.next()} {}

result<std::vector<stored_event>> journal_event_store::append(const persistence_id& id,
                                                              sequence_nr expected,
                                                              std::span<const new_event> events) {
  if (auto why = detail::refuse_to_wait("event_store::append", "call it on a plain thread")) {
    return fail(*std::move(why));
  }
  for (const auto& event : events) {
    if (event.type.empty()) {
      return fail(errc::rejected, fmt::format("append to {}: an event has no type", id.str()));
    }
  }
  const auto now = wall_clock{}.now();
  std::promise<append_outcome> told;
  auto outcome = told.get_future();
  auto job = std::make_unique<awaited_job>(id, std::move(told));
  job->expected = expected;
  job->writer = writer_;
  job->events = batch_of(events, now);
  detail::write(in_, envelope{job.release()});
  (void)in_.flush(std::chrono::seconds{0});  // runs the writer of a stepped system
  const auto again = batch_of(events, now);
  const append_request request{id, expected, writer_, again->events()};
  if (auto done = stored_or_not(in_, request, outcome.get()); !done) {
    return fail(std::move(done.error()));
  }
  return read_back(in_, request);
}

result<found_events> journal_event_store::query(const event_filter& filter,
                                                const event_page& page) {
  auto lent = session_of(in_);
  if (!lent) return fail(std::move(lent.error()));
  found_events found;
  auto done = (*lent)->query(filter, page, [&](const persistence_id& of, const record_view& r) {
    found.events.push_back(stored_event::of_record(of, r));
    return true;
  });
  if (!done) return fail(std::move(done.error()));
  found.page = *std::move(done);
  return found;
}

}}  // namespace nexus::v0
