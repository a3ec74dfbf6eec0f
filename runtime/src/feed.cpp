#include "nexus/feed.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "nexus/detail/collecting.hpp"
#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/may_wait.hpp"

namespace nexus { inline namespace v0 {

// Between the reading thread and the actor.
class detail::feeding : public std::enable_shared_from_this<feeding> {
 public:
  feeding(caf::scheduled_actor* self, std::unique_ptr<feed_source> from, std::size_t credit)
      : self_{self}, from_{std::move(from)}, credit_{credit} {}

  // In the actor.
  void begin() {
    when_ended(self_, [of = weak_from_this()] {
      if (auto me = of.lock()) me->stop();
    });
    await();
  }

  // On the reading thread.
  void run() {
    while (wait_for_credit()) {
      auto item = from_->next();
      const bool last = item.last;
      if (item.deliver) put(std::move(item.deliver));
      if (last) return;
    }
  }

  void stop() noexcept {
    std::function<void()> dropped;  // holds the actor: not under the lock
    std::deque<std::function<void()>> rest;
    {
      std::lock_guard guard{lock_};
      if (std::exchange(stopped_, true)) return;
      dropped.swap(wake_);
      rest.swap(sent_);
    }
    changed_.notify_all();
    from_->stop();
  }

 private:
  bool wait_for_credit() {
    std::unique_lock guard{lock_};
    changed_.wait(guard, [&] { return stopped_ || credit_ > 0; });
    return !stopped_;
  }

  void put(std::function<void()> deliver) {
    std::function<void()> wake;
    {
      std::lock_guard guard{lock_};
      if (stopped_) return;
      --credit_;
      sent_.push_back(std::move(deliver));
      wake.swap(wake_);
    }
    if (wake) wake();
  }

  // In the actor: awaits the next item, which the actor handles as one message.
  void await() {
    auto wake = wake_in_actor(self_, never, [me = shared_from_this()] { me->handle(); });
    {
      std::lock_guard guard{lock_};
      if (stopped_) return;
      if (sent_.empty()) {
        wake_ = std::move(wake);
        return;
      }
    }
    wake();
  }

  void handle() {
    std::function<void()> deliver;
    {
      std::lock_guard guard{lock_};
      if (stopped_ || sent_.empty()) return;
      deliver = std::move(sent_.front());
      sent_.pop_front();
    }
    struct finally {
      feeding& of;
      ~finally() { of.handled(); }
    };
    const finally after{*this};  // also after an exception: the actor may go on
    deliver();
  }

  void handled() {
    {
      std::lock_guard guard{lock_};
      ++credit_;
    }
    changed_.notify_all();
    await();
  }

  caf::scheduled_actor* const self_;  // used in the actor only
  const std::unique_ptr<feed_source> from_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::size_t credit_;
  std::deque<std::function<void()>> sent_;
  std::function<void()> wake_;  // set while the actor awaits an item
  bool stopped_ = false;
};

feed::feed(caf::scheduled_actor* self, std::unique_ptr<detail::feed_source> from,
           feed_options options)
    : of_{std::make_shared<detail::feeding>(
          self, std::move(from),
          std::clamp(options.credit, std::size_t{1}, feed_options::credit_max))} {
  of_->begin();
  thread_ = std::thread{[of = of_] {
    (void)detail::guarded([&] { of->run(); },
                          [](const std::string& what) {
                            detail::log().error("a feed of a CAF actor threw: {}", what);
                          });
  }};
}

feed& feed::operator=(feed&& other) noexcept {
  feed gone;
  std::swap(gone.of_, of_);
  std::swap(gone.thread_, thread_);
  std::swap(of_, other.of_);
  std::swap(thread_, other.thread_);
  return *this;
}

feed::~feed() {
  stop();
  if (!thread_.joinable()) return;
  // The reading thread may be the last to hold the actor, and with it this feed.
  const bool may_wait =
      detail::no_waiting_here() == nullptr && thread_.get_id() != std::this_thread::get_id();
  may_wait ? thread_.join() : thread_.detach();
}

void feed::stop() noexcept {
  if (of_) of_->stop();
}

}}  // namespace nexus::v0
