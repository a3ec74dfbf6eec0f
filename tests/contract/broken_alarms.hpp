// Backends with one mistake each about alarms.
#pragma once

#include <algorithm>
#include <thread>

#include "broken_backends.hpp"

namespace nexus::test {

/// Changes the alarm before it finds that the request conflicts.
class keeps_alarms_of_refused final : public forwarding_session {
 public:
  keeps_alarms_of_refused(std::unique_ptr<journal_session> s,
                          const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto outcomes = inner().append(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto* refused = std::get_if<conflict>(&outcomes[i]);
      if (refused == nullptr || !requests[i].due) continue;
      const auto change =
          set_due(requests[i].id, refused->highest, requests[i].writer, requests[i].due);
      (void)inner().append({&change, 1});
    }
    return outcomes;
  }
};

/// Compares `expected` only for requests with events.
class ignores_expected_of_alarms final : public forwarding_session {
 public:
  ignores_expected_of_alarms(std::unique_ptr<journal_session> s,
                             const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    std::vector<append_request> unfenced{requests.begin(), requests.end()};
    for (auto& r : unfenced) {
      if (r.only_due()) r.expected = inner().highest(r.id).value_or(r.expected);
    }
    return inner().append(unfenced);
  }
};

/// Compares `expected`, and changes the alarm in the next transaction.
class fences_alarms_too_early final : public forwarding_session {
 public:
  fences_alarms_too_early(std::unique_ptr<journal_session> s,
                          const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    if (requests.size() != 1 || !requests[0].only_due()) return inner().append(requests);
    auto change = requests[0];
    const auto highest = inner().highest(change.id);
    if (!highest || *highest != change.expected) return inner().append(requests);
    for (int i = 0; i < 200 && change.expected == *highest; ++i) {
      std::this_thread::yield();  // a slower database, so that the suite finds it every time
      change.expected = inner().highest(change.id).value_or(*highest);
    }
    return inner().append({&change, 1});
  }
};

/// Erases the events, and leaves the alarm to wake an entity of which nothing is left.
class leaves_alarms_of_erased final : public forwarding_session {
 public:
  leaves_alarms_of_erased(std::unique_ptr<journal_session> s,
                          const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<void> erase_to(const persistence_id& id, sequence_nr to, erasing how) override {
    const auto before = inner().alarm_of(id);
    auto done = inner().erase_to(id, to, how);
    const auto highest = inner().highest(id);
    if (before && *before && highest) {
      const auto back = set_due(id, *highest, (*before)->writer, due_change::set((*before)->due));
      (void)inner().append({&back, 1});
    }
    return done;
  }
};

/// Continues behind the time of the last alarm of a page, past others of the same time.
class pages_alarms_by_time final : public forwarding_session {
 public:
  pages_alarms_by_time(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<std::vector<stored_alarm>> due(std::uint32_t strand, const due_filter& which,
                                        std::size_t max) override {
    auto all = inner().due(strand, {which.types, which.until, nullptr},
                           std::numeric_limits<std::size_t>::max());
    if (!all) return all;
    std::erase_if(*all, [&](const auto& one) {
      return which.after != nullptr && one.due <= which.after->due;
    });
    if (all->size() > max) all->erase(all->begin() + static_cast<std::ptrdiff_t>(max), all->end());
    return all;
  }
};

/// Takes the number of a request without events for its outcome.
class settles_alarms_by_number final : public forwarding_session {
 public:
  settles_alarms_by_number(std::unique_ptr<journal_session> s,
                           const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  using forwarding_session::settle;
  result<settlement> settle(const append_request& request) override {
    if (!request.only_due()) return inner().settle(request);
    const auto highest = inner().highest(request.id);
    if (!highest) return fail(highest.error());
    return *highest == request.expected ? settlement::stored : settlement::not_stored;
  }
};

}  // namespace nexus::test
