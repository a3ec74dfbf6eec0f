// Backends with one mistake each, which authors of backends have made.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <nexus/journal_checks.hpp>
#include <optional>
#include <set>
#include <thread>

#include "forwarding_journal.hpp"

namespace nexus::test {

struct nothing_shared {};

/// Caches each id's highest number in the journal object.
struct heads {
  std::mutex lock;
  std::map<std::string, sequence_nr> highest;
};
class remembers_heads final : public forwarding_session {
 public:
  remembers_heads(std::unique_ptr<journal_session> s, std::shared_ptr<heads> known)
      : forwarding_session{std::move(s)}, known_{std::move(known)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto outcomes = inner().append(requests);
    std::lock_guard guard{known_->lock};
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto& r = requests[i];
      auto known = known_->highest.find(r.id.str());
      if (std::holds_alternative<conflict>(outcomes[i]) && known != known_->highest.end()) {
        if (known->second == r.expected) outcomes[i] = stored{};
      }
      if (std::holds_alternative<stored>(outcomes[i])) {
        known_->highest[r.id.str()] = r.expected + r.events.size();
      }
    }
    return outcomes;
  }

 private:
  std::shared_ptr<heads> known_;
};

/// Assigns positions before the transaction: a later one may be committed, and read, first. A large
/// call takes long enough for others to overtake it, so that the suite finds the mistake every
/// time.
struct given_positions {
  std::atomic<std::uint64_t> last = 0;
  std::atomic<std::uint64_t> commits = 0;
  std::mutex lock;
  std::map<std::uint64_t, std::pair<persistence_id, sequence_nr>> committed;
};
class positions_too_early final : public forwarding_session {
 public:
  positions_too_early(std::unique_ptr<journal_session> s, std::shared_ptr<given_positions> p)
      : forwarding_session{std::move(s)}, given_{std::move(p)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    std::vector<std::uint64_t> first;
    for (const auto& r : requests) first.push_back(given_->last.fetch_add(r.events.size()) + 1);
    if (requests[0].events.size() > 10) let_others_commit();
    auto outcomes = inner().append(requests);
    std::lock_guard guard{given_->lock};
    ++given_->commits;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!std::holds_alternative<stored>(outcomes[i])) continue;
      auto n = requests[i].expected;
      for (std::size_t at = 0; at < requests[i].events.size(); ++at) {
        given_->committed.emplace(first[i] + at, std::pair{requests[i].id, ++n});
      }
    }
    return outcomes;
  }

  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override {
    std::vector<std::pair<std::uint64_t, std::pair<persistence_id, sequence_nr>>> found;
    {
      std::lock_guard guard{given_->lock};
      auto at = given_->committed.upper_bound(from.after.minor);
      for (; at != given_->committed.end() && found.size() < max; ++at) found.emplace_back(*at);
    }
    for (const auto& [at, which] : found) {
      bool more = true;
      auto read = inner().replay(which.first, which.second, which.second, 1,
                                 [&, at = at, &which = which](record_view r) {
                                   r.at = {.epoch = 1, .minor = at};
                                   return more = sink(which.first, r);
                                 });
      if (!read || !more) return read;
    }
    return {};
  }

 private:
  void let_others_commit() {
    const auto enough = given_->commits + 5;
    for (int i = 0; i < 2'000 && given_->commits < enough; ++i) std::this_thread::yield();
  }

  std::shared_ptr<given_positions> given_;
};

/// Takes an exception of the sink for a sink that returned false.
class swallows_exceptions final : public forwarding_session {
 public:
  swallows_exceptions(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    try {
      return inner().replay(id, from, to, max, sink);
    } catch (...) {
      return {};
    }
  }
};

/// Stays locked after a sink has thrown.
class stuck_after_exceptions final : public forwarding_session {
 public:
  stuck_after_exceptions(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    if (reading_) return fail(errc::unavailable, "another replay is under way");
    reading_ = true;
    auto done = inner().replay(id, from, to, max, sink);
    reading_ = false;
    return done;
  }

 private:
  bool reading_ = false;
};

class deaf_to_interrupts final : public forwarding_session {
 public:
  deaf_to_interrupts(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  void interrupt() noexcept override { interrupted_ = true; }
  bool broken() const noexcept override { return interrupted_; }

 private:
  std::atomic<bool> interrupted_ = false;
};

/// Settles by reading, without a commit.
class settles_by_reading : public forwarding_session {
 public:
  settles_by_reading(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  using forwarding_session::settle;
  result<settlement> settle(const append_request& request) override {
    if (request.only_due()) return inner().settle(request);
    std::size_t own = 0;
    auto read = inner().replay(request.id, request.expected + 1, sequence_nr_max,
                               request.events.size(), [&](const record_view& r) {
                                 if (!carried(request, r)) return false;
                                 ++own;
                                 return true;
                               });
    if (!read) return fail(std::move(read.error()));
    return own == request.events.size() ? settlement::stored : settlement::not_stored;
  }
};

/// Returns "certainly not stored" for a commit that failed.
class guesses_failed final : public forwarding_session {
 public:
  guesses_failed(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto outcomes = inner().append(requests);
    for (auto& o : outcomes) {
      if (const auto* u = std::get_if<unknown>(&o)) o = append_outcome{failed{error{u->why}}};
    }
    return outcomes;
  }
};

/// Ignores errors of the commit.
class ignores_commits final : public forwarding_session {
 public:
  ignores_commits(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    auto outcomes = inner().append(requests);
    for (auto& o : outcomes) {
      if (std::holds_alternative<unknown>(o)) o = append_outcome{stored{}};
    }
    return outcomes;
  }
};

/// Acknowledges first and writes a few calls later; its own reads see everything.
class writes_behind final : public forwarding_session {
 public:
  writes_behind(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}
  ~writes_behind() override { write(); }

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    for (const auto& r : requests) {
      auto& copy = kept_.emplace_back();
      for (const auto& e : r.events) copy.data.emplace_back(e.data);
      copy.request = r;
      copy.end = r.expected + r.events.size();
    }
    if (kept_.size() > 8) write();
    return std::vector<append_outcome>(requests.size(), stored{});
  }
  result<sequence_nr> highest(const persistence_id& id) override {
    write();
    return inner().highest(id);
  }
  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    write();
    return inner().replay(id, from, to, max, sink);
  }

 private:
  struct kept {
    append_request request{.id = persistence_id::parse("t|i").value()};
    std::vector<std::string> data;
    sequence_nr end = 0;
  };

  void write() {
    for (const auto& one : kept_) {
      std::vector<event_view> events;
      for (const auto& d : one.data)
        events.push_back({.type = "happened", .data = d, .metadata = {}});
      auto request = one.request;
      request.events = events;
      (void)inner().append({&request, 1});
    }
    kept_.clear();
  }

  std::vector<kept> kept_;
};

/// One transaction for each event.
class tears_requests final : public forwarding_session {
 public:
  tears_requests(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    std::vector<append_outcome> outcomes;
    for (const auto& r : requests) {
      append_outcome last;
      auto one = r;
      for (std::size_t i = 0; i < r.events.size(); ++i, ++one.expected) {
        one.events = r.events.subspan(i, 1);
        last = inner().append({&one, 1}).at(0);
        if (!std::holds_alternative<stored>(last)) break;
      }
      outcomes.push_back(std::move(last));
    }
    return outcomes;
  }
};

/// Skips records that it cannot read.
class passes_over_damage final : public forwarding_session {
 public:
  passes_over_damage(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<void> replay(const persistence_id& id, sequence_nr from, sequence_nr to, std::size_t max,
                      const record_sink& sink) override {
    auto read = inner().replay(id, from, to, max, sink);
    if (!read && read.error().code == errc::corrupt) return {};
    return read;
  }
};

/// Lists by a text prefix.
class lists_by_prefix final : public forwarding_session {
 public:
  lists_by_prefix(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<std::vector<persistence_id>> ids(const id_filter& which, std::size_t max) override {
    if (may_have_ids(which.type)) return inner().ids(which, max);
    auto all = inner().ids({}, max);
    if (!all) return all;
    std::erase_if(*all, [&](const auto& id) { return !id.str().starts_with(which.type); });
    return all;
  }
};

/// Reads on behind erased events as if there had never been any.
class skips_erased_history final : public forwarding_session {
 public:
  skips_erased_history(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<void> read_all(reading_start from, std::size_t max, const journal_sink& sink) override {
    return inner().read_all(reading_start::kept_after(from.after), max, sink);
  }
};

/// Erases what registered readers have not read.
class erases_past_readers final : public forwarding_session {
 public:
  erases_past_readers(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<void> prune(std::span<const prune_request> requests) override {
    for (const auto& one : requests) {
      if (auto done = inner().erase_to(one.id, one.events_to, erasing::forced); !done) return done;
    }
    return {};
  }
};

/// Pages by the offset in what is stored now: an append moves what newest-first pages show.
class pages_by_offset final : public forwarding_session {
 public:
  pages_by_offset(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>&)
      : forwarding_session{std::move(s)} {}

  result<page_info> query(const event_filter& filter, const event_page& page,
                          const journal_sink& sink) override {
    auto by_offset = page;
    if (!page.cursor.empty()) by_offset.offset += std::exchange(passed_, 0);
    by_offset.cursor.clear();
    auto done = forwarding_session::query(filter, by_offset, sink);
    if (done) passed_ = by_offset.offset + static_cast<std::int64_t>(done->size);
    return done;
  }

 private:
  std::int64_t passed_ = 0;
};

/// An attempt whose answer was lost stays on its way, and settling does not stop it.
struct network {
  std::vector<std::function<void()>> on_the_way;
  std::atomic<bool> loses = false;

  void let_arrive() {
    for (auto& attempt : std::exchange(on_the_way, {})) attempt();
  }
};
inline network& the_network() {
  static network made;
  return made;
}
class commits_late : public settles_by_reading {
 public:
  commits_late(std::unique_ptr<journal_session> s, const std::shared_ptr<nothing_shared>& none)
      : settles_by_reading{std::move(s), none} {}

  std::vector<append_outcome> append(std::span<const append_request> requests) override {
    if (!the_network().loses.exchange(false)) return inner().append(requests);
    return lost(requests, [this](const append_request& r) { (void)inner().append({&r, 1}); });
  }
  std::vector<append_outcome> upsert(std::span<const upsert_request> requests) override {
    if (!the_network().loses.exchange(false)) return inner().upsert(requests);
    return lost(requests, [this](const upsert_request& r) { (void)inner().upsert({&r, 1}); });
  }

 private:
  // Its sender waits in vain, so the bytes are valid until it arrives.
  template <class Request, class Arrive>
  std::vector<append_outcome> lost(std::span<const Request> requests, Arrive arrive) {
    for (const auto& r : requests)
      the_network().on_the_way.emplace_back([arrive, r] { arrive(r); });
    return std::vector<append_outcome>(requests.size(), unknown{{errc::unavailable, "lost"}});
  }
};

/// The correct version of commits_late: an attempt on its way never arrives after a settle.
class ends_late_commits final : public commits_late {
 public:
  using commits_late::commits_late;

  result<settlement> settle(const append_request& r) override {
    the_network().on_the_way.clear();
    return commits_late::settle(r);
  }
  result<settlement> settle(const upsert_request& r) override {
    the_network().on_the_way.clear();
    return commits_late::settle(r);
  }
};

/// Makes a new journal of any file that it cannot open.
inline backend overwrites_what_it_does_not_know(backend inner,
                                                std::function<void(const uri&)> clear) {
  inner.open = [open = inner.open, clear = std::move(clear)](const uri& where) {
    auto opened = open(where);
    if (opened || opened.error().code == errc::invalid_argument) return opened;
    clear(where);
    return open(where);
  };
  return inner;
}

}  // namespace nexus::test
