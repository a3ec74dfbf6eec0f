#include "recoveries.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <string_view>

#include "messages.hpp"
#include "nexus/detail/saturating.hpp"
#include "ticker.hpp"

namespace nexus { inline namespace v0 { namespace detail {

struct recoveries::holder {
  holder(mailbox w, std::size_t s) : who{std::move(w)}, shard{s} {}

  mailbox who;
  std::size_t shard;
  std::function<void()> when_called;
  std::atomic<bool> called{false};
};

class recoveries::state : public std::enable_shared_from_this<state> {
 public:
  state(system& s, const entity_options& options)
      : sys_{s},
        max_{options.recoveries_max},
        period_{saturated<std::chrono::microseconds>(options.recovery_timeout)} {}

  void open() {
    if (period_.count() <= 0) return;
    watch_ = std::make_unique<ticker>(
        sys_, [weak = weak_from_this()]() -> std::optional<std::chrono::microseconds> {
          auto self = weak.lock();
          return self ? self->look() : std::nullopt;
        });
  }

  ticket ask(const mailbox& who, std::string_view id, std::function<void()> when_called) {
    ticket made;
    made.of_ = shared_from_this();
    std::list<holder> one;
    one.emplace_back(who, std::hash<std::string_view>{}(id) % shards);
    made.at_ = one.begin();
    if (waiting_count_.load() == 0 && take_turn()) {
      begin(one);
    } else {
      made.waited_ = true;
      one.front().when_called = std::move(when_called);
      wait(one);
    }
    return made;
  }

  void end(std::list<holder>::iterator at) {
    std::list<holder> gone;
    if (!at->called.load()) {
      std::lock_guard guard{waiting_lock_};
      if (!at->called.load()) {  // and never will be: calling takes the lock
        gone.splice(gone.end(), waiting_, at);
        waiting_count_.store(waiting_.size());
        return;
      }
    }
    {
      auto& s = under_way_[at->shard];
      std::lock_guard guard{s.lock};
      gone.splice(gone.end(), s.holders, at);
    }
    turns_.fetch_sub(1);
    if (waiting_count_.load() != 0) call_waiting();
  }

  /// Asks all whose turn it is about their progress; none when there is no such entity.
  std::optional<std::chrono::microseconds> look() {
    for (auto& s : under_way_) {
      std::lock_guard guard{s.lock};
      for (const auto& one : s.holders) one.who.send(envelope{new turn_watch_message});
    }
    if (turns_.load() == 0) return std::nullopt;
    return period_;
  }

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_count_.load(); }

  void close() {
    if (watch_) watch_->end();
  }

 private:
  static constexpr std::size_t shards = 16;
  struct shard {
    std::mutex lock;
    std::list<holder> holders;
  };

  bool take_turn() {
    auto now = turns_.load();
    while (now < max_) {
      if (turns_.compare_exchange_weak(now, now + 1)) return true;
    }
    return false;
  }

  // `one` has its turn now. For those that waited this runs under their lock, see `end`.
  void begin(std::list<holder>& one) {
    auto& s = under_way_[one.front().shard];
    {
      std::lock_guard guard{s.lock};
      one.front().called.store(true);
      s.holders.splice(s.holders.end(), one);
    }
    if (watch_) watch_->begin(period_);
  }

  void wait(std::list<holder>& one) {
    {
      std::lock_guard guard{waiting_lock_};
      waiting_.splice(waiting_.end(), one);
      waiting_count_.store(waiting_.size());
    }
    call_waiting();  // a turn may have ended before this one was queued
  }

  void call_waiting() {
    while (true) {
      std::function<void()> next;
      {
        std::lock_guard guard{waiting_lock_};
        if (waiting_.empty() || !take_turn()) return;
        std::list<holder> one;
        one.splice(one.end(), waiting_, waiting_.begin());
        waiting_count_.store(waiting_.size());
        next = std::move(one.front().when_called);
        begin(one);
      }
      next();
    }
  }

  system& sys_;
  const unsigned max_;
  const std::chrono::microseconds period_;

  std::atomic<unsigned> turns_{0};
  std::array<shard, shards> under_way_;
  std::mutex waiting_lock_;
  std::list<holder> waiting_;
  std::atomic<std::size_t> waiting_count_{0};
  std::unique_ptr<ticker> watch_;
};

recoveries::recoveries(system& sys, const entity_options& options)
    : state_{std::make_shared<state>(sys, options)} {
  state_->open();
}

recoveries::ticket::~ticket() {
  if (of_ != nullptr) of_->end(at_);
}

bool recoveries::ticket::called() const { return of_ != nullptr && at_->called.load(); }

recoveries::ticket recoveries::ask(const mailbox& who, std::string_view id,
                                   std::function<void()> begin) {
  return state_->ask(who, id, std::move(begin));
}

std::size_t recoveries::waiting() const { return state_->waiting(); }

void recoveries::close() { state_->close(); }

}}}
