#include "nexus/dead_letters.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <list>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "caf/bell.hpp"
#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"

namespace nexus { inline namespace v0 {
namespace {

constexpr std::size_t reasons = static_cast<std::size_t>(dead_letter_reason::dropped) + 1;

// Between the publishing threads and an actor that takes one letter after the other.
class actor_listener : public std::enable_shared_from_this<actor_listener> {
 public:
  actor_listener(caf::scheduled_actor* self, dead_letters::listener f)
      : self_{self}, f_{std::move(f)} {}

  // These three run inside the actor.
  void wait_for_letter() {
    bell next{self_, detail::never, [me = shared_from_this()] { me->run(); }};
    std::lock_guard guard{lock_};
    bell_ = std::move(next);
    if (!queue_.empty()) bell_.ring();
  }

  void run() {
    dead_letter letter;
    {
      std::lock_guard guard{lock_};
      if (ended_) return;
      letter = std::move(queue_.front());
      queue_.pop_front();
    }
    wait_for_letter();  // first: `f_` may throw
    f_(letter);
  }

  void end() {
    std::lock_guard guard{lock_};
    ended_ = true;
    bell_.ring();
  }

  /// Any thread may call it; false if too many letters wait.
  bool put(const dead_letter& letter) {
    std::lock_guard guard{lock_};
    if (queue_.size() >= dead_letters::waiting_max) return false;
    queue_.push_back(letter);
    bell_.ring();
    return true;
  }

 private:
  caf::scheduled_actor* self_;
  dead_letters::listener f_;
  std::mutex lock_;
  std::deque<dead_letter> queue_;
  bell bell_;
  bool ended_ = false;
};

}  // namespace

std::string_view to_string(dead_letter_reason reason) noexcept {
  switch (reason) {
    case dead_letter_reason::unhandled:
      return "unhandled";
    case dead_letter_reason::stopped:
      return "stopped";
    case dead_letter_reason::overloaded:
      return "overloaded";
    case dead_letter_reason::expired:
      return "expired";
    case dead_letter_reason::dropped:
      return "dropped";
  }
  return "unknown reason";
}

dead_letter_reason reason_of(errc code) noexcept {
  switch (code) {
    case errc::unhandled:
      return dead_letter_reason::unhandled;
    case errc::stopped:
      return dead_letter_reason::stopped;
    case errc::overloaded:
      return dead_letter_reason::overloaded;
    case errc::timeout:
      return dead_letter_reason::expired;
    default:
      return dead_letter_reason::dropped;
  }
}

struct dead_letters::impl {
  std::shared_mutex lock;
  std::list<listener> listeners;
  std::atomic<std::size_t> listening{0};  // spares publishers the lock while there is no listener
  std::array<std::atomic<std::uint64_t>, reasons> counts{};
  std::atomic<std::uint64_t> missed{0};
};

dead_letters::dead_letters() : impl_{std::make_shared<impl>()} {}

dead_letters::subscription dead_letters::subscribe(listener f) {
  std::lock_guard guard{impl_->lock};
  auto at = impl_->listeners.insert(impl_->listeners.end(), std::move(f));
  ++impl_->listening;
  return subscription{[at, in = impl_] {
    std::lock_guard ending{in->lock};
    --in->listening;
    in->listeners.erase(at);
  }};
}

dead_letters::subscription dead_letters::subscribe(caf::scheduled_actor* self, listener f) {
  auto inside = std::make_shared<actor_listener>(self, std::move(f));
  inside->wait_for_letter();
  auto outside = std::make_shared<subscription>(subscribe([inside, in = impl_](const auto& letter) {
    if (!inside->put(letter)) in->missed.fetch_add(1, std::memory_order_relaxed);
  }));
  return subscription{[inside, outside]() mutable {
    outside.reset();
    inside->end();
  }};
}

void dead_letters::publish(const dead_letter& letter) noexcept {
  impl_->counts.at(static_cast<std::size_t>(letter.reason)).fetch_add(1, std::memory_order_relaxed);
  if (impl_->listening.load(std::memory_order_acquire) == 0) {
    detail::log().debug("dead letter for {}: {}", letter.target, letter.why.message);
    return;
  }
  std::shared_lock guard{impl_->lock};
  for (const auto& f : impl_->listeners) {
    (void)detail::guarded([&] { f(letter); },
                          [&](const std::string& what) {
                            detail::log().error(
                                "a listener of dead letters threw on the letter for {}: {}",
                                letter.target, what);
                          });
  }
}

std::uint64_t dead_letters::count() const noexcept {
  std::uint64_t all = 0;
  for (const auto& one : impl_->counts) all += one.load(std::memory_order_relaxed);
  return all;
}

std::uint64_t dead_letters::count(dead_letter_reason reason) const noexcept {
  return impl_->counts.at(static_cast<std::size_t>(reason)).load(std::memory_order_relaxed);
}

std::uint64_t dead_letters::missed() const noexcept {
  return impl_->missed.load(std::memory_order_relaxed);
}

}}  // namespace nexus::v0
