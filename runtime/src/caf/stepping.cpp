#include "nexus/stepping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <deque>
#include <random>
#include <utility>

#include "caf/caf_bridge.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

thread_local executor* running = nullptr;

constexpr timestamp begin{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};

}  // namespace

executor* executor::current() noexcept { return running; }

// Stores hold this too, and may live longer than the system.
struct stepping::impl final : executor {
  impl(caf_bridge& of, std::uint64_t s) : bridge{&of}, drawn{s != 0}, numbers{s} {}

  struct kind {
    std::deque<std::function<void()>> jobs;
    bool held = false;
    [[nodiscard]] std::size_t ready() const { return held ? 0 : jobs.size(); }
  };

  void post(work k, std::function<void()> job) override { at(k).jobs.push_back(std::move(job)); }
  [[nodiscard]] steady_clock::time_point now() const noexcept override { return time; }
  void pass(std::chrono::nanoseconds d) override { move_to(detail::later(time, d)); }

  kind& at(work k) { return kinds.at(static_cast<std::size_t>(k)); }

  void move_to(steady_clock::time_point t) {
    time = std::max(time, t);
    if (bridge != nullptr) bridge->set_now(time);
  }

  [[nodiscard]] bool timer_is_due() const {
    const auto next = bridge->next_timer();
    return next && *next <= time;
  }

  void tell(const std::string& what) const {
    if (listener) listener(what);
  }

  bool step();
  void run_job(work k);

  caf_bridge* bridge;  // null after the end
  const bool drawn;
  std::mt19937_64 numbers;
  // Not zero, which means "no deadline".
  steady_clock::time_point time{1h};
  std::array<kind, 2> kinds;
  std::function<void(const std::string&)> listener;
  bool stepping_now = false;
};

bool stepping::impl::step() {
  assert(!stepping_now);
  stepping_now = true;
  struct at_end {  // also when a job throws
    bool& flag;
    ~at_end() { flag = false; }
  } const over{stepping_now};
  auto choices = std::array{bridge->runnable(), at(work::write).ready(), at(work::read).ready()};
  const auto all = choices[0] + choices[1] + choices[2];
  std::size_t which = drawn && all > 0 ? numbers() % all : 0;
  bool done = true;
  if (all == 0) {
    done = timer_is_due();
    if (done) {
      tell("timer");
      bridge->fire_timer();
    }
  } else if (which < choices[0]) {
    if (listener) tell(bridge->name_of(which));
    bridge->run(which);
  } else {
    run_job(which - choices[0] < choices[1] ? work::write : work::read);
  }
  return done;
}

void stepping::impl::run_job(work k) {
  tell(k == work::write ? "write" : "read");
  auto job = std::move(at(k).jobs.front());
  at(k).jobs.pop_front();
  struct as_running {
    explicit as_running(executor* e) { running = e; }
    ~as_running() { running = nullptr; }
  } const now{this};
  job();
}

stepping::stepping(caf_bridge& of, std::uint64_t seed) : impl_{std::make_shared<impl>(of, seed)} {
  impl_->move_to(impl_->time);
  (void)drain();  // CAF's own actors start
}
stepping::~stepping() = default;

bool stepping::step() { return impl_->step(); }

std::size_t stepping::pending() const {
  std::size_t all = impl_->bridge->messages() + (impl_->timer_is_due() ? 1 : 0);
  for (const auto& k : impl_->kinds) all += k.ready();
  return all;
}

result<std::size_t> stepping::drain(std::size_t at_most) {
  std::size_t steps = 0;
  while (steps < at_most && impl_->step()) ++steps;
  if (steps < at_most || idle()) return steps;
  return fail(errc::overloaded,
              fmt::format("not idle after {} steps: probably an endless loop of steps", at_most));
}

result<void> stepping::advance(time_span d) {
  const auto end = detail::later(now(), d);
  while (true) {
    if (auto drained = drain(); !drained) return fail(std::move(drained.error()));
    const auto next = next_timer();
    if (!next || *next > end) break;
    impl_->move_to(*next);
  }
  impl_->move_to(end);
  return {};
}

bool stepping::run_until(const std::function<bool()>& holds, time_span within) {
  const auto end = detail::later(now(), within);
  for (std::size_t steps = 0; steps < steps_max; ++steps) {
    if (holds()) return true;
    if (impl_->step()) continue;
    const auto next = next_timer();
    if (!next || *next > end) {
      // Without a limit there is no such moment: the time stays as it is.
      if (end != detail::never) impl_->move_to(end);
      return holds();
    }
    impl_->move_to(*next);
    steps = 0;
  }
  detail::log().error("stepped system: not idle after {} steps at one moment", steps_max);
  return false;
}

stepping::time_point stepping::now() const noexcept { return impl_->time; }
std::optional<stepping::time_point> stepping::next_timer() const {
  return impl_->bridge->next_timer();
}
std::shared_ptr<executor> stepping::storages() const { return impl_; }
void stepping::hold(executor::work kind) { impl_->at(kind).held = true; }
void stepping::release(executor::work kind) { impl_->at(kind).held = false; }
void stepping::on_step(std::function<void(const std::string&)> f) {
  impl_->listener = std::move(f);
}

std::shared_ptr<const clock> stepping::time_of_day() const {
  struct moving final : clock {
    explicit moving(std::shared_ptr<const impl> s) : of{std::move(s)}, first{of->time} {}
    [[nodiscard]] timestamp now() const noexcept override {
      return begin + std::chrono::duration_cast<std::chrono::microseconds>(of->time - first);
    }
    std::shared_ptr<const impl> of;
    steady_clock::time_point first;
  };
  return std::make_shared<moving>(impl_);
}

std::uint64_t stepping::random() { return impl_->numbers(); }

void stepping::end() {
  for (auto& k : impl_->kinds) k.held = false;
  if (auto drained = drain(); !drained)
    detail::log().error("stepped system: {}", drained.error().message);
  impl_->bridge->forget_timers();
  (void)drain();
  // Jobs may hold actors, and outlive CAF's system in a store.
  for (auto& k : impl_->kinds) k.jobs.clear();
  impl_->bridge = nullptr;
}

bool stepping::is_within_a_step() const noexcept { return impl_->stepping_now; }

}}  // namespace nexus::v0
