#include "waker.hpp"

#include <utility>

#include "nexus/detail/guarded.hpp"
#include "nexus/detail/logger.hpp"
#include "waker_actor.hpp"

namespace nexus { inline namespace v0 { namespace detail {
namespace {

constexpr std::string_view waker_name = "alarms";

// A waker that goes and one that comes take turns at the name.
std::mutex& of_the_name() {
  static std::mutex lock;
  return lock;
}

}  // namespace

std::shared_ptr<waker> waker::of(system& sys, const alarm_times& times) {
  std::lock_guard guard{of_the_name()};
  if (auto found = sys.find(waker_name)) return std::static_pointer_cast<waker>(found);
  sys.release(waker_name);
  auto made = std::make_shared<waker>(sys, times);
  (void)sys.claim(waker_name, made);
  return made;
}

waker::waker(system& sys, const alarm_times& times)
    : kept_{sys.shared()},
      times_{std::make_shared<const alarm_times>(times)},
      unknown_{std::make_shared<std::atomic<std::uint64_t>>(0)},
      sampled_{sys.metrics().sample(
          "nexus_alarms_unclaimed", "Overdue alarms of types of which this system has no entities.",
          {}, [n = unknown_] { return static_cast<double>(n->load()); })} {}

waker::~waker() {
  std::shared_ptr<void> next;  // outlives the lock: it may be the last one of the next waker
  std::lock_guard guard{of_the_name()};
  next = kept_->find(waker_name);
  if (next == nullptr) kept_->release(waker_name);
}

waker::member::member(std::shared_ptr<waker> of, const store& in) : of_{std::move(of)} {
  std::lock_guard guard{of_->lock_};
  if (of_->members_++ == 0) {
    of_->to_ =
        of_->kept_->spawn(std::make_unique<waker_actor>(*of_->kept_, of_->times_, of_->unknown_));
  }
  to_ = of_->to_;
  key_ = ++of_->keys_;
  auto& place = of_->journals_[in.participant().get()];
  if (place.types++ == 0) place.beat = std::make_shared<own_heartbeat>(of_->kept_->writer_id());
}

void waker::member::join(const std::shared_ptr<directory_core>& type) {
  auto made = std::make_unique<waker_actor::join_message>();
  made->key = key_;
  made->type = type;
  made->shared = shared_;
  const auto* journal = type->in.participant().get();
  made->journal = journal;
  {
    std::lock_guard guard{of_->lock_};
    made->beat = of_->journals_[journal].beat;
  }
  to_.send(envelope{made.release()});
}

// A lost message is made up for by the next look at everything that is due.
void waker::member::stored(timestamp due) noexcept {
  auto planned = shared_->planned.load(std::memory_order_relaxed);
  while (due < planned) {
    if (!shared_->planned.compare_exchange_weak(planned, due)) continue;
    if (shared_->told.exchange(true)) return;
    (void)guarded([&] { tell(); }, [&](const std::string&) { shared_->told = false; });
    return;
  }
}

void waker::member::tell() const { to_.send(envelope{new waker_actor::stored_message{key_}}); }

void waker::member::leave(const store& in) noexcept {
  if (left_.exchange(true)) return;
  bar();
  (void)guarded(
      [&] { part_from(in); },
      [](const std::string& why) { log().error("the waker: leaving it threw: {}", why); });
}

// The heartbeat ends when no entity of this process can write its alarm to the journal any more, so
// that other processes run these at once.
void waker::member::part_from(const store& in) {
  std::shared_ptr<own_heartbeat> ends;
  {
    std::lock_guard guard{of_->lock_};
    auto at = of_->journals_.find(in.participant().get());
    if (at != of_->journals_.end() && --at->second.types == 0) {
      ends = std::move(at->second.beat);
      of_->journals_.erase(at);
    }
    const bool last = --of_->members_ == 0;
    to_.send(envelope{new waker_actor::leave_message{key_, last}});
    if (last) of_->to_ = {};
  }
  if (ends == nullptr) return;
  // If that fails, others find out that it does not go on.
  (void)in.read([ends](journal_session& session) { return ends->end(session); });
}

}}}
