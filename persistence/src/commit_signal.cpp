#include "nexus/commit_signal.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "deadline.hpp"

namespace nexus { inline namespace v0 {

class commit_signal::watch_of final : public journal_watch {
 public:
  explicit watch_of(std::shared_ptr<commit_signal> of)
      : signal_{std::move(of)}, seen_{signal_->count_} {}

  result<void> wait(std::chrono::nanoseconds within) override {
    auto& s = *signal_;
    const auto deadline = deadline_after(within);
    std::unique_lock guard{s.lock_};
    // Before reading the count: a later notification finds a waiting watch.
    ++s.waiting_;
    s.rung_.wait_until(guard, deadline, [&] { return woken_ || s.count_ != seen_; });
    --s.waiting_;
    seen_ = s.count_;
    woken_ = false;
    return {};
  }

  void wake() noexcept override {
    woken_ = true;
    signal_->ring();
  }

 private:
  const std::shared_ptr<commit_signal> signal_;
  std::uint64_t seen_;
  std::atomic<bool> woken_{false};
};

void commit_signal::notify() noexcept {
  ++count_;
  if (waiting_ > 0) ring();
}

void commit_signal::notify(std::span<const append_outcome> outcomes) noexcept {
  const bool any = std::any_of(outcomes.begin(), outcomes.end(), [](const append_outcome& o) {
    return std::holds_alternative<stored>(o) || std::holds_alternative<unknown>(o);
  });
  if (any) notify();
}

// Under the lock, so that it does not fall between a watch's check and its sleep.
void commit_signal::ring() noexcept {
  std::lock_guard guard{lock_};
  rung_.notify_all();
}

std::unique_ptr<journal_watch> commit_signal::watch(std::shared_ptr<commit_signal> of) {
  return std::make_unique<watch_of>(std::move(of));
}

}}  // namespace nexus::v0
