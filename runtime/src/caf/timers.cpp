#include "nexus/timers.hpp"

#include <utility>

#include "caf/bell.hpp"
#include "nexus/detail/timer_table.hpp"

namespace nexus { inline namespace v0 {

// One wake-up is pending at a time, for the timer due next: setting and cancelling timers often
// leaves nothing behind in CAF's clock.
struct timers::impl : std::enable_shared_from_this<timers::impl> {
  explicit impl(caf::scheduled_actor* s) : self{s} {}

  using table = timer_table<std::function<void()>>;
  using time_point = table::time_point;

  [[nodiscard]] time_point now() const { return detail::now_in_actor(self); }

  void set(std::string_view key, timer_rule::kind repeats, std::chrono::nanoseconds after,
           std::function<void()> f) {
    all.set(key, {detail::later(now(), after), repeats, after}, std::move(f));
    arm();
  }

  void arm() {
    const auto due = all.next();
    if (!due || (wake.waits() && *due >= armed)) return;
    disarm();
    armed = *due;
    wake = bell{self, armed, [of = weak_from_this(), mine = turn] {
                  if (auto me = of.lock(); me && me->turn == mine) me->ring();
                }};
  }

  // CAF can only remove a handler by using it up.
  void disarm() {
    ++turn;
    wake.ring();
  }

  void ring() {
    wake = {};
    auto due = all.fire(now());
    arm();  // for the others, in case this one throws or is the last
    if (!due) return;
    struct finally {
      impl& of;
      table::fired& f;
      ~finally() {
        of.all.done(std::move(f), of.now());
        of.arm();
      }
    };
    auto alive = shared_from_this();
    finally after{*this, *due};
    due->what();
  }

  caf::scheduled_actor* self;
  table all;
  bell wake;  // for the time `armed`
  time_point armed{};
  std::uint64_t turn = 0;  // distinguishes the current wake-up from cancelled ones
};

timers::timers(caf::scheduled_actor* self) : impl_{std::make_shared<impl>(self)} {}
timers::timers(timers&& other) noexcept = default;

timers& timers::operator=(timers&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

timers::~timers() {
  if (impl_ == nullptr) return;
  impl_->all.clear();
  impl_->disarm();
}

void timers::once(std::string_view key, time_span delay, std::function<void()> f) {
  impl_->set(key, timer_rule::kind::once, delay, std::move(f));
}

void timers::at_fixed_rate(std::string_view key, time_span period, std::function<void()> f) {
  impl_->set(key, timer_rule::kind::fixed_rate, period, std::move(f));
}

void timers::with_fixed_delay(std::string_view key, time_span delay, std::function<void()> f) {
  impl_->set(key, timer_rule::kind::fixed_delay, delay, std::move(f));
}

bool timers::cancel(std::string_view key) { return impl_->all.cancel(key); }

void timers::cancel_all() {
  impl_->all.clear();
  impl_->disarm();
}

bool timers::active(std::string_view key) const { return impl_->all.active(key); }

}}  // namespace nexus::v0
