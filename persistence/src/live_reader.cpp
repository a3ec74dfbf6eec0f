#include "nexus/live_reader.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "deadline.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/detail/saturating.hpp"
#include "read_ahead.hpp"

namespace nexus { inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr auto warn_again_after = 30s;

// The holder of events does not report its end: it is polled soon, then less and less often.
constexpr nanoseconds held_pause_min = 10ms;

// The same for a storage that failed.
constexpr nanoseconds failed_pause_min = 10ms;

}  // namespace

class live_reader::core {
 public:
  core(store from, position after, const live_reader_options& options,
       std::unique_ptr<journal_watch> watch)
      : from_{std::move(from)},
        options_{options},
        at_{after},
        watch_{std::move(watch)},
        events_{from_.metrics().count("nexus_live_read_events_total",
                                      "Events passed to live readers.", labels())} {
    sampled_ = from_.metrics().sample("nexus_live_readers_held_back",
                                      "Live readers that cannot read stored events yet.", labels(),
                                      [this] { return held_ ? 1.0 : 0.0; });
  }

  result<std::size_t> read(const journal_sink& sink, nanoseconds within);
  [[nodiscard]] position at() const noexcept { return at_; }
  void stop() noexcept;

 private:
  [[nodiscard]] metric_labels labels() const { return {{"journal", from_.name()}}; }
  result<std::size_t> pass(const journal_sink& sink, std::optional<std::string>& holder);
  result<void> fill(std::optional<std::string>& holder);
  std::size_t empty_into(const journal_sink& sink);
  tl::unexpected<error> failed(error why);
  void note_holder(const std::optional<std::string>& who);
  void wait(nanoseconds most);
  void pause(steady_clock::time_point until);

  const store from_;
  const live_reader_options options_;
  position at_;
  read_ahead ahead_;  // records left by a sink that stopped or threw
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

result<std::size_t> live_reader::core::read(const journal_sink& sink, nanoseconds within) {
  const auto deadline = deadline_after(within);
  if (failed_pause_ > 0ns && detail::no_waiting_here() == nullptr)
    pause(std::min(deadline, deadline_after(failed_pause_)));
  auto held_pause = held_pause_min;
  for (;;) {
    if (stopped_) return fail(errc::stopped, from_.name() + ": the live reader was stopped");
    std::optional<std::string> holder;
    auto passed = pass(sink, holder);
    if (!passed) return failed(std::move(passed.error()));
    failed_pause_ = 0ns;
    note_holder(holder);
    if (*passed > 0) return passed;
    const auto left = detail::between(steady_clock::now(), deadline);
    if (left <= 0ns) return 0;
    auto why = detail::refuse_to_wait("live_reader::read", "read on a plain thread, or with 0 s");
    if (why) return fail(*std::move(why));
    auto most = std::min(left, options_.poll_every);
    if (holder) {
      most = std::min(most, held_pause);
      held_pause = std::min(detail::doubled(held_pause, 1), options_.poll_every);
    }
    wait(most);
  }
}

result<std::size_t> live_reader::core::pass(const journal_sink& sink,
                                            std::optional<std::string>& holder) {
  if (ahead_.empty()) {
    if (auto filled = fill(holder); !filled) return fail(std::move(filled.error()));
  }
  return empty_into(sink);
}

// Uses a reserved session of the pool, returned before the sink runs: a sink may borrow, and ask
// entities, whose recovery needs such sessions.
result<void> live_reader::core::fill(std::optional<std::string>& holder) {
  auto lent = from_.sessions().borrow({.borrower = "a live reader", .reserved = true});
  if (!lent && lent.error().code == errc::pool_closed) {
    return fail(errc::stopped, from_.name() + ": the journal was closed");
  }
  if (!lent) return fail(std::move(lent.error()));
  auto done = (*lent)->read_all(
      at_, std::max(options_.batch_max, std::size_t{1}),
      [&](const persistence_id& of, const record_view& record) { return ahead_.add(of, record); });
  if (!ahead_.empty()) return {};  // an error after a record occurs again in the next read
  if (!done) return done;
  auto found = (*lent)->held_back();
  if (!found) return fail(std::move(found.error()));
  holder = *std::move(found);
  return {};
}

std::size_t live_reader::core::empty_into(const journal_sink& sink) {
  std::size_t passed = 0;
  for (bool more = true; more && !ahead_.empty(); ahead_.pop(), ++passed) {
    const auto record = ahead_.front();
    more = sink(ahead_.of(), record);  // may throw: then the record comes again
    at_ = record.at;
    events_.add(1);
  }
  return passed;
}

tl::unexpected<error> live_reader::core::failed(error why) {
  failed_pause_ =
      std::min(std::max(failed_pause_min, detail::doubled(failed_pause_, 1)), options_.poll_every);
  return fail(std::move(why));
}

void live_reader::core::note_holder(const std::optional<std::string>& who) {
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
  detail::log().warn("{}: a live reader is held back: {}", from_.name(), *who);
}

void live_reader::core::wait(nanoseconds most) {
  const auto until = deadline_after(most);
  auto waited = watch_->wait(most);
  if (waited) {
    watch_failed_ = false;
    return;
  }
  if (!std::exchange(watch_failed_, true)) {
    detail::log().warn("{}: a live reader has to poll: {}", from_.name(), waited.error().message);
  }
  pause(until);
}

void live_reader::core::pause(steady_clock::time_point until) {
  std::unique_lock guard{stopping_};
  changed_.wait_until(guard, until, [&] { return stopped_.load(); });
}

void live_reader::core::stop() noexcept {
  {
    std::lock_guard guard{stopping_};
    stopped_ = true;
  }
  changed_.notify_all();
  watch_->wake();
}

result<live_reader> live_reader::open(const store& from, position after,
                                      live_reader_options options) {
  auto watch = from.watch();
  if (!watch) return fail(std::move(watch.error()));
  if (auto lent = from.sessions().borrow({.borrower = "a live reader", .reserved = true}); !lent)
    return fail(std::move(lent.error()));
  return live_reader{std::make_unique<core>(from, after, options, std::move(*watch))};
}

live_reader::live_reader(std::unique_ptr<core> made) noexcept : core_{std::move(made)} {}
live_reader::~live_reader() = default;
live_reader::live_reader(live_reader&&) noexcept = default;
live_reader& live_reader::operator=(live_reader&&) noexcept = default;

result<std::size_t> live_reader::read(const journal_sink& sink, time_span within) {
  return core_->read(sink, within);
}

position live_reader::at() const noexcept { return core_->at(); }

void live_reader::stop() noexcept { core_->stop(); }

}}  // namespace nexus::v0
