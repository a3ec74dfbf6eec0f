#include "nexus/detail/journal_reader.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "deadline.hpp"
#include "journal_source.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using detail::journal_selection;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr auto warn_again_after = 30s;

// The holder of events does not report its end: it is polled soon, then less and less often.
constexpr nanoseconds held_pause_min = 10ms;

// The same for a storage that failed.
constexpr nanoseconds failed_pause_min = 10ms;

// A poll without a pause would keep a processor busy.
live_reader_options valid(live_reader_options options) {
  options.poll_every = std::max<nanoseconds>(options.poll_every, 1ms);
  return options;
}

struct names {
  const char* noun;
  const char* one;   // with its article
  const char* call;  // that waits
};

names names_of(journal_selection::kind what) {
  switch (what) {
    case journal_selection::kind::events:
      return {"event stream", "an event stream", "stream::next"};
    case journal_selection::kind::states:
      return {"state stream", "a state stream", "stream::next"};
    case journal_selection::kind::strand:
      break;
  }
  return {"live reader", "a live reader", "live_reader::read"};
}

class reading final : public detail::journal_reader {
 public:
  reading(store from, journal_selection which, const live_reader_options& options,
          std::unique_ptr<journal_watch> watch)
      : from_{std::move(from)},
        options_{valid(options)},
        name_{names_of(which.what)},
        tells_moves_{which.tells_moves},
        at_{which.filter.after},
        source_{journal_source::of(std::move(which), options.batch_max)},
        watch_{std::move(watch)},
        events_{from_.metrics().count("nexus_live_read_events_total",
                                      "Events passed to live readers and streams.", labels())} {
    sampled_ =
        from_.metrics().sample("nexus_live_readers_held_back",
                               "Live readers and streams that cannot read stored events yet.",
                               labels(), [this] { return held_ ? 1.0 : 0.0; });
  }

  result<void> begin();

  result<bool> await(nanoseconds within) override;
  bool has_record() const noexcept override { return !ahead_.empty(); }
  const persistence_id& of() const noexcept override { return ahead_.of(); }
  record_view record() const noexcept override { return ahead_.front(); }
  void pop() override {
    at_.move_to(ahead_.front().at);
    ahead_.pop();
    events_.add(1);
  }
  bool ended() const noexcept override { return ended_ && ahead_.empty(); }
  const std::vector<position>& at() const noexcept override { return at_.all(); }
  void stop() noexcept override;

 private:
  [[nodiscard]] metric_labels labels() const { return {{"journal", from_.name()}}; }
  result<lease<journal_session>> borrow() const;
  result<void> begin_on(journal_session& session);
  result<void> fill(std::optional<std::string>& holder);
  tl::unexpected<error> failed(error why);
  void note_holder(const std::optional<std::string>& who);
  void wait(nanoseconds most);
  void pause(steady_clock::time_point until);

  const store from_;
  const live_reader_options options_;
  const names name_;
  const bool tells_moves_;
  places at_;
  const std::unique_ptr<journal_source> source_;
  bool begun_ = false;
  read_ahead ahead_;  // records left by a sink that stopped or threw
  bool ended_ = false;
  const std::unique_ptr<journal_watch> watch_;
  bool watch_failed_ = false;
  nanoseconds failed_pause_{0};  // before the next retry

  std::atomic<bool> stopped_{false};
  std::mutex stopping_;
  std::condition_variable changed_;

  std::optional<steady_clock::time_point> held_since_;
  std::optional<steady_clock::time_point> warned_;
  std::atomic<bool> held_{false};  // read by the collection of metrics
  counter& events_;
  registration sampled_;  // last: it reads the other members
};

result<lease<journal_session>> reading::borrow() const {
  return from_.sessions().borrow({.borrower = name_.one, .reserved = true});
}

result<void> reading::begin() {
  auto lent = borrow();
  if (!lent) return fail(std::move(lent.error()));
  return begin_on(**lent);
}

result<void> reading::begin_on(journal_session& session) {
  auto begun = source_->begin(session);
  begun_ = begun.has_value();
  return begun;
}

result<bool> reading::await(nanoseconds within) {
  const auto deadline = deadline_after(within);
  if (failed_pause_ > 0ns && detail::no_waiting_here() == nullptr)
    pause(std::min(deadline, deadline_after(failed_pause_)));
  auto held_pause = held_pause_min;
  for (;;) {
    if (stopped_) {
      return fail(errc::stopped, from_.name() + ": the " + name_.noun + " was stopped");
    }
    std::optional<std::string> holder;
    const auto before = tells_moves_ ? at_.all() : std::vector<position>{};
    if (ahead_.empty() && !ended_) {
      if (auto filled = fill(holder); !filled) return failed(std::move(filled.error()));
    }
    failed_pause_ = 0ns;
    note_holder(holder);
    if (!ahead_.empty()) return true;
    if (tells_moves_ && at_.all() != before) return false;
    const auto left = detail::between(steady_clock::now(), deadline);
    if (ended_ || left <= 0ns) return false;
    auto why = detail::refuse_to_wait(name_.call, "read on a plain thread, or with 0 s");
    if (why) return fail(*std::move(why));
    auto most = std::min(left, options_.poll_every);
    if (holder) {
      most = std::min(most, held_pause);
      held_pause = std::min(detail::doubled(held_pause, 1), options_.poll_every);
    }
    wait(most);
  }
}

// Uses a reserved session of the pool, returned before the sink runs: a sink may borrow, and ask
// entities, whose recovery needs such sessions.
result<void> reading::fill(std::optional<std::string>& holder) {
  auto lent = borrow();
  if (!lent && lent.error().code == errc::pool_closed) {
    return fail(errc::stopped, from_.name() + ": the journal was closed");
  }
  if (!lent) return fail(std::move(lent.error()));
  if (auto done = begun_ ? result<void>{} : begin_on(**lent); !done) return done;
  if (auto done = source_->fill(**lent, at_, ahead_); !done) return done;
  if (!ahead_.empty()) return {};
  ended_ = source_->ends();
  if (ended_) return {};
  auto found = (*lent)->held_back();
  if (!found) return fail(std::move(found.error()));
  holder = *std::move(found);
  return {};
}

tl::unexpected<error> reading::failed(error why) {
  failed_pause_ =
      std::min(std::max(failed_pause_min, detail::doubled(failed_pause_, 1)), options_.poll_every);
  return fail(std::move(why));
}

void reading::note_holder(const std::optional<std::string>& who) {
  held_ = who.has_value();
  if (!who) {
    held_since_.reset();
    return;
  }
  const auto now = steady_clock::now();
  if (!held_since_) held_since_ = now;
  if (now - *held_since_ < options_.lag_warning_after) return;
  if (warned_ && now - *warned_ < warn_again_after) return;
  warned_ = now;
  detail::log().warn("{}: {} is held back: {}", from_.name(), name_.one, *who);
}

void reading::wait(nanoseconds most) {
  const auto until = deadline_after(most);
  auto waited = watch_->wait(most);
  if (waited) {
    watch_failed_ = false;
    return;
  }
  if (!std::exchange(watch_failed_, true)) {
    detail::log().warn("{}: {} has to poll: {}", from_.name(), name_.one, waited.error().message);
  }
  pause(until);
}

void reading::pause(steady_clock::time_point until) {
  std::unique_lock guard{stopping_};
  changed_.wait_until(guard, until, [&] { return stopped_.load(); });
}

void reading::stop() noexcept {
  {
    std::lock_guard guard{stopping_};
    stopped_ = true;
  }
  changed_.notify_all();
  watch_->wake();
}

}  // namespace

result<std::unique_ptr<detail::journal_reader>> detail::journal_reader::open(
    const store& from, journal_selection which, const live_reader_options& options) {
  auto watch = from.watch();
  if (!watch) return fail(std::move(watch.error()));
  const bool is_stream = which.what != journal_selection::kind::strand;
  auto made = std::make_unique<reading>(from, std::move(which), options, *std::move(watch));
  // Without a free session, an actor would have to wait: then the first read begins.
  const bool later = is_stream && detail::no_waiting_here() != nullptr;
  if (auto begun = later ? result<void>{} : made->begin(); !begun) {
    return fail(std::move(begun.error()));
  }
  return made;
}

}}  // namespace nexus::v0
