#include "nexus/dead_letters.hpp"

#include <atomic>
#include <list>
#include <mutex>
#include <shared_mutex>

#include "nexus/detail/logger.hpp"

namespace nexus::inline v0 {

struct dead_letters::impl {
  std::shared_mutex lock;
  std::list<listener> listeners;
  std::atomic<std::uint64_t> count{0};
};

dead_letters::dead_letters() : impl_{std::make_shared<impl>()} {}
dead_letters::~dead_letters() = default;

dead_letters::subscription dead_letters::subscribe(listener f) {
  std::lock_guard guard{impl_->lock};
  auto at = impl_->listeners.insert(impl_->listeners.end(), std::move(f));
  return subscription{[at, in = impl_] {
    std::lock_guard ending{in->lock};
    in->listeners.erase(at);
  }};
}

void dead_letters::publish(const dead_letter& letter) noexcept {
  impl_->count.fetch_add(1, std::memory_order_relaxed);
  try {
    std::shared_lock guard{impl_->lock};
    for (const auto& f : impl_->listeners) f(letter);
    if (impl_->listeners.empty()) {
      detail::log().debug("dead letter for {}: {}", letter.target, letter.why.message);
    }
  } catch (const std::exception& e) {
    detail::log().error("a listener to dead letters threw: {}", e.what());
  }
}

std::uint64_t dead_letters::count() const noexcept {
  return impl_->count.load(std::memory_order_relaxed);
}

}  // namespace nexus::inline v0
