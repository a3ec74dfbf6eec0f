#include "wakeups.hpp"

#include <vector>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::size_t calls_per_ring_max = 1'000;

struct bell final : message {
  explicit bell(steady_time a) : message{0}, armed{a} {}
  steady_time armed;
};
struct last_bell final : message {
  explicit last_bell(std::shared_ptr<wakeups> o) : message{1}, of{std::move(o)} {}
  std::shared_ptr<wakeups> of;
};

}  // namespace

class wakeups::ringer final : public actor {
 public:
  explicit ringer(std::weak_ptr<wakeups> of) : of_{std::move(of)} {}

  void started(const mailbox& /*self*/) override {}
  verdict receive(envelope m) override {
    if (m.get()->kind() != 0) {
      m.as<last_bell>().of->end();
      return verdict::stop;
    }
    if (const auto of = of_.lock()) of->ring(m.as<bell>().armed);
    return verdict::go_on;
  }

 private:
  std::weak_ptr<wakeups> of_;
};

wakeups::refusal wakeups::at(steady_time due, call f, ticket& made, std::size_t calls_max) {
  std::lock_guard guard{lock_};
  if (is_closed_) return refusal::closed;
  if (all_.size() >= calls_max) return refusal::full;
  if (!to_) to_ = sys_.spawn(std::make_unique<ringer>(weak_from_this()));
  made = {due, ++last_};
  all_.emplace(made, std::move(f));
  arm();
  return refusal::none;
}

// The call may own what forgets others, so it is destroyed outside the lock.
void wakeups::forget(const ticket& which) {
  std::map<ticket, call>::node_type gone;
  std::lock_guard guard{lock_};
  gone = all_.extract(which);
}

// A ring that is no longer needed stays in CAF's clock: it serves a later call, or finds nothing.
void wakeups::arm() {
  if (all_.empty() || is_closed_) return;
  const auto due = all_.begin()->first.first;
  if (due == never || (!rings_.empty() && *rings_.begin() <= due)) return;
  rings_.insert(due);
  const auto left = std::chrono::ceil<std::chrono::microseconds>(between(sys_.steady(), due));
  to_.send_after(left, envelope{new bell{due}});
}

void wakeups::ring(steady_time armed) {
  std::vector<std::map<ticket, call>::node_type> due;
  {
    std::lock_guard guard{lock_};
    rings_.erase(armed);
    const auto now = sys_.steady();
    while (!all_.empty() && all_.begin()->first.first <= now && due.size() < calls_per_ring_max) {
      due.push_back(all_.extract(all_.begin()));
    }
    arm();
  }
  for (auto& one : due) one.mapped()(true);
}

void wakeups::close() {
  std::lock_guard guard{lock_};
  is_closed_ = true;
  if (to_) std::exchange(to_, {}).send(envelope{new last_bell{shared_from_this()}});
}

void wakeups::end() {
  std::map<ticket, call> left;
  {
    std::lock_guard guard{lock_};
    left.swap(all_);
  }
  for (auto& [which, f] : left) f(false);
}

}}}
