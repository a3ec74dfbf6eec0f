#include "deadline_watch.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace http {

deadline_watch::watched::watched(deadline_watch& by, session& one, time_point until)
    : by_{by}, one_{one} {
  std::lock_guard guard{by_.lock_};
  at_ = by_.all_.emplace(until, this);
  if (at_ == by_.all_.begin()) by_.changed_.notify_one();
}

deadline_watch::watched::~watched() {
  std::lock_guard guard{by_.lock_};
  if (at_ != by_.all_.end()) by_.all_.erase(at_);
}

// Interrupts under the lock, which does not block: returning a session waits for that lock.
void deadline_watch::run() {
  std::unique_lock guard{lock_};
  while (!stopped_) {
    if (all_.empty()) {
      changed_.wait(guard);
    } else if (const auto next = all_.begin()->first; std::chrono::steady_clock::now() < next) {
      changed_.wait_until(guard, next);
    } else {
      auto& late = *all_.begin()->second;
      all_.erase(std::exchange(late.at_, all_.end()));
      late.one_.interrupt();
    }
  }
}

void deadline_watch::stop() {
  std::lock_guard guard{lock_};
  stopped_ = true;
  changed_.notify_one();
}

}}}  // namespace nexus::v0::http
