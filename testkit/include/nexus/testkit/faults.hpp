// The faults of a faulty store (nexus/testkit/faulty.hpp): which, when and for which ids. Counts
// its calls, too.
//
// Threads: any may call anything at any time. Throws: only when memory runs out.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/detail/saturating.hpp"
#include "nexus/executor.hpp"
#include "nexus/persistence_id.hpp"
#include "nexus/result.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// The kinds of calls of a session.
enum class operation : std::uint8_t {
  append,  ///< also upsert
  read,  ///< replays, read_all, highest, ids, load_snapshot, snapshot_numbers, get_state, state_ids
  erase,  ///< erase_to, erase_snapshots, prune
  save,   ///< save_snapshots
  settle,
  watch,  ///< waits of the journal's watches; a held one does not return
  begin,  ///< of a transaction of the program, also by SQL
  sql,    ///< a statement of the program, also of a savepoint; without begin, commit, rollback
  commit  ///< of a transaction of the program, also by SQL
};

/// The fault of a request. An append gets the outcome of that name. Other calls get an error:
/// `invalid_argument` for `reject`, `conflict` for `conflict`, else `unavailable`.
///
/// SQL of the program gets `query_failed` for `reject` (a commit: `constraint_violated`),
/// `serialization_failed` for `conflict`, and `outcome_unknown` for a lost answer or request of a
/// commit or of a statement outside of a transaction; else `unavailable`. A failed commit has rolled
/// back, unless only its answer was lost.
enum class fault : std::uint8_t {
  fail,          ///< not done
  reject,        ///< not done, as if it were the request's own fault
  conflict,      ///< not done; an append's outcome has the true highest number, or version
  lose_answer,   ///< done; an append's outcome is `unknown`; SQL loses its connection, too
  lose_request,  ///< not done; else the same
};

/// A fault, and the error that is told of it instead of the faulty store's own:
///   faults->inject({fault::fail, {errc::timeout, "the disk is slow"}}, operation::append);
/// The code and the text are passed unchanged. A `conflict` of an append has no error.
struct told_fault {
  told_fault(fault f) : what{f} {}  // NOLINT(google-explicit-constructor): a fault is one
  told_fault(fault f, error e) : what{f}, why{std::move(e)} {}

  fault what;
  std::optional<error> why{};

  friend bool operator==(const told_fault& a, fault b) { return a.what == b; }
};

class faults {
 public:
  static constexpr std::size_t forever = std::numeric_limits<std::size_t>::max();

  /// Decides on one request; none: let it pass. One call at a time; must not call the faults.
  using policy = std::function<std::optional<told_fault>(operation, const persistence_id&)>;

  /// Makes the next `n` requests of a kind fail, for any id; each id of a call is one request.
  /// Faults are used up in the order of injection.
  void inject(told_fault what, operation of, std::size_t n = 1) {
    add({std::move(what), of, std::nullopt, {}, n});
  }
  /// Makes the next `n` requests of one id fail.
  void inject(told_fault what, operation of, persistence_id id, std::size_t n = 1) {
    add({std::move(what), of, std::move(id), {}, n});
  }
  /// Makes the next `n` statements of the program fail whose text contains `part`.
  void inject_sql(told_fault what, std::string part, std::size_t n = 1) {
    add({std::move(what), operation::sql, std::nullopt, std::move(part), n});
  }
  /// Calls `p` for every request that no injected fault takes, except those without an id
  /// (`read_all`, `ids`, `state_ids`, watches, SQL).
  void decide(policy p) {
    std::lock_guard guard{lock_};
    policy_ = std::move(p);
  }
  /// Removes all faults; holds and delays stay.
  void clear() {
    std::lock_guard guard{lock_};
    rules_.clear();
    policy_ = nullptr;
  }

  /// Makes calls of a kind wait before they start, until `release`; a call that is never released
  /// keeps its store from closing. Not for a stepped store, whose only thread would wait: use
  /// stepping::hold.
  void hold(operation of) { set_held(of, true); }
  void release(operation of) { set_held(of, false); }

  /// Makes calls of a kind slower. In a stepped store the time passes at once, and timers that
  /// became due meanwhile come after the answer.
  void delay(operation of, std::chrono::milliseconds by) {
    std::lock_guard guard{lock_};
    at(of).delay = by;
  }

  /// From now on `read_all` passes nothing and `held_back` names `holder`, as if an open
  /// transaction held everything back; none: ends this.
  void hold_back(std::optional<std::string> holder) {
    std::lock_guard guard{lock_};
    holder_ = std::move(holder);
  }

  /// The number of calls of a kind, including those held or failed.
  [[nodiscard]] std::size_t calls(operation of) const {
    std::lock_guard guard{lock_};
    return at(of).sizes.size();
  }
  /// The number of requests of each call, in order.
  [[nodiscard]] std::vector<std::size_t> batches(operation of) const {
    std::lock_guard guard{lock_};
    return at(of).sizes;
  }
  /// Waits until there were `n` calls of a kind; false if the deadline passes first.
  [[nodiscard]] bool wait_for(operation of, std::size_t n,
                              time_span within = std::chrono::seconds{10}) {
    const auto deadline = nexus::detail::later(std::chrono::steady_clock::now(), within);
    std::unique_lock guard{lock_};
    return changed_.wait_until(guard, deadline, [&] { return at(of).sizes.size() >= n; });
  }

  /// The statements of the program since the beginning or the last `forget_statements`, in order,
  /// also those held or failed, and BEGIN and COMMIT; without ROLLBACK.
  [[nodiscard]] std::vector<std::string> statements() const {
    std::lock_guard guard{lock_};
    return statements_;
  }
  void forget_statements() {
    std::lock_guard guard{lock_};
    statements_.clear();
  }

  // For the faulty session and watch:

  [[nodiscard]] std::optional<std::string> holder() const {
    std::lock_guard guard{lock_};
    return holder_;
  }

  /// Starts a call: counts it, and makes it wait if it is held.
  void begin(operation of, std::size_t requests) {
    std::unique_lock guard{lock_};
    at(of).sizes.push_back(requests);
    changed_.notify_all();
    auto* stepped = executor::current();
    if (stepped != nullptr && at(of).held) {
      std::fputs("a call to a stepped store is held for ever: use stepping::hold\n", stderr);
      std::abort();
    }
    changed_.wait(guard, [&] { return !at(of).held; });
    const auto by = at(of).delay;
    guard.unlock();
    if (by.count() <= 0) return;
    if (stepped != nullptr) {
      stepped->pass(by);
    } else {
      std::this_thread::sleep_for(by);
    }
  }

  /// The same for a statement.
  void begin(operation of, std::string_view statement) {
    {
      std::lock_guard guard{lock_};
      statements_.emplace_back(statement);
    }
    begin(of, 1);
  }

  /// The fault of a request of `id`, which is null for a call without id.
  [[nodiscard]] std::optional<told_fault> take(operation of, const persistence_id* id) {
    std::lock_guard guard{lock_};
    auto what = take_rule(
        of, [&](const rule& one) { return !one.id || (id != nullptr && *one.id == *id); });
    if (!what && policy_ && id != nullptr) return policy_(of, *id);
    return what;
  }
  [[nodiscard]] std::optional<told_fault> take(operation of, std::string_view statement) {
    std::lock_guard guard{lock_};
    return take_rule(of, [&](const rule& one) {
      return !one.id && statement.find(one.part) != std::string_view::npos;
    });
  }

 private:
  struct rule {
    told_fault what;
    operation of;
    std::optional<persistence_id> id;
    std::string part;  // of a statement
    std::size_t left;
  };
  struct kind {
    bool held = false;
    std::chrono::milliseconds delay{0};
    std::vector<std::size_t> sizes{};
  };

  // The first rule that fits is used once; `lock_` is held.
  template <class Fits>
  std::optional<told_fault> take_rule(operation of, Fits fits) {
    for (auto one = rules_.begin(); one != rules_.end(); ++one) {
      if (one->of != of || !fits(*one)) continue;
      auto what = one->what;
      if (one->left != forever && --one->left == 0) rules_.erase(one);
      return what;
    }
    return std::nullopt;
  }

  kind& at(operation of) { return kinds_.at(static_cast<std::size_t>(of)); }
  const kind& at(operation of) const { return kinds_.at(static_cast<std::size_t>(of)); }

  void add(rule r) {
    std::lock_guard guard{lock_};
    if (r.left > 0) rules_.push_back(std::move(r));
  }
  void set_held(operation of, bool held) {
    std::lock_guard guard{lock_};
    at(of).held = held;
    changed_.notify_all();
  }

  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::list<rule> rules_;
  policy policy_;
  std::array<kind, static_cast<std::size_t>(operation::commit) + 1> kinds_;
  std::vector<std::string> statements_;
  std::optional<std::string> holder_;
};

}}}  // namespace nexus::v0::testkit
