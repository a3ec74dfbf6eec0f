// All differences between CAF 0.17.6 and 1.x, for sources that include CAF anyway.
#pragma once

#include <pthread.h>

#include <array>
#include <caf/all.hpp>
#include <caf/thread_hook.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/detail/collecting.hpp"
#include "nexus/detail/may_wait.hpp"
#include "nexus/message.hpp"

// CAF 1.1 defines CAF_VERSION as "0100"; 0.17 has no CAF_VERSION_MAJOR.
#ifdef CAF_VERSION_MAJOR
#include <caf/anon_mail.hpp>
#include <caf/detail/test_coordinator.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/thread_owner.hpp>
#else
#include <caf/scheduler/test_coordinator.hpp>
#endif

// Far from the ids that user programs take from caf::first_custom_type_id on.
CAF_BEGIN_TYPE_ID_BLOCK(nexus, 1000)
CAF_ADD_TYPE_ID(nexus, (nexus::envelope))
CAF_END_TYPE_ID_BLOCK(nexus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nexus::envelope)

namespace nexus { inline namespace v0 { namespace caf_version {

#ifdef CAF_VERSION_MAJOR

// Enqueues without a sender, and without changing reference counts.
template <class T>
void enqueue(caf::actor_control_block* to, caf::message_id id, T m) {
  to->get()->enqueue(caf::make_mailbox_element(nullptr, id, std::move(m)), nullptr);
}

inline void send_anon_after(const caf::actor& to, std::chrono::microseconds delay, envelope m) {
  // By the system's clock: `delay` would count in real time where time is virtual.
  const auto due = to->home_system().clock().now() + delay;
  caf::anon_mail(std::move(m)).schedule(due).send(to);
}

// CAF must know its types before the first actor_system, which may be the program's own: so before
// main. Registering again, as CAF_MAIN does, changes nothing.
inline const bool types_are_known = [] {
  caf::core::init_global_meta_objects();
  caf::init_global_meta_objects<caf::id_block::nexus>();
  return true;
}();

/// True if `self` has its own thread, which may wait.
inline bool is_detached(const caf::scheduled_actor* self) {
  return self->getf(caf::abstract_actor::is_detached_flag);
}

/// Marks the threads of the scheduler, which must not wait.
class scheduler_threads final : public caf::thread_hook {
 public:
  void init(caf::actor_system& sys) override { of_ = &sys; }
  void thread_started(caf::thread_owner by) override {
    if (by == caf::thread_owner::scheduler) detail::belongs_to_scheduler(of_);
  }
  void thread_terminates() override {}

 private:
  const caf::actor_system* of_ = nullptr;
};

/// True if it has no threads: another thread steps its actors.
inline bool is_stepped(const caf::actor_system& sys) {
  return caf::get_or(sys.config(), "caf.scheduler.policy", "stealing") == "testing";
}

inline void call_in(const caf::scheduled_actor* self, const std::function<void()>& f);

// `f` handles the response `id`, or the error that comes in its place at `until`.
inline void add_response_handler(caf::scheduled_actor* self, caf::message_id id,
                                 detail::steady_time until, const std::function<void()>& f) {
  caf::disposable timeout;  // disposed by CAF when the response comes
  if (until != detail::never) {
    timeout = self->clock().schedule_message(
        nullptr, caf::weak_actor_ptr{self->ctrl()}, until, id,
        caf::make_message(caf::make_error(caf::sec::request_timeout)));
  }
  self->add_multiplexed_response_handler(
      id,
      caf::behavior{[self, f](const envelope&) { call_in(self, f); },
                    [self, f](const caf::error&) { call_in(self, f); }},
      std::move(timeout));
}

inline void set_threads(caf::actor_system_config& config, unsigned threads) {
  config.set("caf.scheduler.max-threads", threads);
  // A thief without a victim polls, which keeps a core busy and delays answers while it sleeps.
  if (threads == 1) config.set("caf.scheduler.policy", "sharing");
}

// CAF does not export its test coordinator: only inline and virtual members are used.
using step_scheduler = caf::detail::test_coordinator;
using step_clock = caf::detail::test_actor_clock;

inline void set_by_hand(caf::actor_system_config& config) {
  config.set("caf.scheduler.policy", "testing");
}

inline step_clock& clock_of(caf::actor_system& sys) {
  return static_cast<step_clock&>(sys.clock());
}

// A cancelled timer stays in the list.
inline const std::multimap<std::chrono::steady_clock::time_point, caf::action>& timers_of(
    step_clock& clock) {
  std::erase_if(clock.actions, [](const auto& one) { return one.second.disposed(); });
  return clock.actions;
}

inline void fire_first(step_clock& clock) {
  auto first = clock.actions.extract(clock.actions.begin());
  first.mapped().run();
}

inline void forget_all(step_clock& clock) {
  for (auto& [due, one] : std::exchange(clock.actions, {})) one.dispose();
}

inline caf::resumable::resume_result resume_once(caf::actor_system& sys, caf::resumable& one) {
  return one.resume(&sys.scheduler(), 1);
}

using plain_actor = caf::event_based_actor;

#else

// Enqueues without a sender, and without changing reference counts.
template <class T>
void enqueue(caf::actor_control_block* to, caf::message_id id, T m) {
  to->get()->enqueue(caf::make_mailbox_element(nullptr, id, {}, std::move(m)), nullptr);
}

inline void send_anon_after(const caf::actor& to, std::chrono::microseconds delay, envelope m) {
  caf::delayed_anon_send(to, delay, std::move(m));
}

/// True if `self` has its own thread, which may wait.
inline bool is_detached(const caf::scheduled_actor* self) {
  return self->getf(caf::abstract_actor::is_detached_flag);
}

/// Marks the threads of the scheduler, which must not wait. CAF does not say whose thread it is,
/// but has named the thread by then.
class scheduler_threads final : public caf::thread_hook {
 public:
  void init(caf::actor_system& sys) override { of_ = &sys; }
  void thread_started() override {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    if (std::string_view{name.data()} == "caf.multiplexer") detail::belongs_to_scheduler(of_);
  }
  void thread_terminates() override {}

 private:
  const caf::actor_system* of_ = nullptr;
};

/// True if it has no threads: another thread steps its actors.
inline bool is_stepped(const caf::actor_system& sys) {
  return caf::get_or(sys.config(), "scheduler.policy", caf::atom("stealing")) ==
         caf::atom("testing");
}

inline void call_in(const caf::scheduled_actor* self, const std::function<void()>& f);

// `f` handles the response `id`, or the error that comes in its place at `until`.
inline void add_response_handler(caf::scheduled_actor* self, caf::message_id id,
                                 detail::steady_time until, const std::function<void()>& f) {
  const bool is_timed = until != detail::never;
  auto answered = [self, id, is_timed, f](const envelope&) {
    if (is_timed) self->clock().cancel_request_timeout(self, id);
    call_in(self, f);
  };
  self->add_multiplexed_response_handler(
      id, caf::behavior{std::move(answered), [self, f](const caf::error&) { call_in(self, f); }});
  if (is_timed) self->clock().set_request_timeout(until, self, id);
}

inline void set_threads(caf::actor_system_config& config, unsigned threads) {
  config.set("scheduler.max-threads", threads);
  // A thief without a victim polls, which keeps a core busy and delays answers while it sleeps.
  if (threads == 1) config.set("scheduler.policy", caf::atom("sharing"));
}

using step_scheduler = caf::scheduler::test_coordinator;
using step_clock = caf::detail::test_actor_clock;

inline void set_by_hand(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
}

inline step_clock& clock_of(caf::actor_system& sys) {
  return static_cast<step_clock&>(sys.clock());
}

inline const step_clock::schedule_map& timers_of(step_clock& clock) { return clock.schedule(); }

inline void fire_first(step_clock& clock) { clock.trigger_timeout(); }

inline void forget_all(step_clock& clock) { clock.cancel_all(); }

inline caf::resumable::resume_result resume_once(caf::actor_system& sys, caf::resumable& one) {
  return one.resume(sys.dummy_execution_unit(), 1);
}

/// An event_based_actor without its means to send. CAF's scheduler casts each job to an actor, and
/// the cast searches all base classes.
class plain_actor : public caf::scheduled_actor, public caf::dynamically_typed_actor_base {
 public:
  using signatures = caf::none_t;
  using behavior_type = caf::behavior;

  using caf::scheduled_actor::scheduled_actor;

  void initialize() override {
    caf::scheduled_actor::initialize();
    setf(is_initialized_flag);
    do_become(make_behavior(), true);
  }
  virtual caf::behavior make_behavior() = 0;
};

#endif

inline void call_in(const caf::scheduled_actor* self, const std::function<void()>& f) {
  if (is_detached(self)) return f();
  const detail::no_waiting here{detail::in_an_actor};
  f();
}

// -- the end of an actor --------------------------------------------------------------------------

/// Told to end, as opposed to failed.
inline bool is_ordinary_end(const caf::error& why) {
  return !why || why == caf::make_error(caf::exit_reason::normal) ||
         why == caf::make_error(caf::exit_reason::user_shutdown) ||
         why == caf::make_error(caf::exit_reason::kill);
}

/// Calls `f` with the reason when `who` has ended; at once if it has.
template <class F>
void on_end(const caf::actor& who, F f) {
  who->attach_functor(std::move(f));
}

// -- an actor that sees its messages first ----------------------------------------------------

/// True for a message of a user, not of CAF or Nexus itself.
inline bool is_ordinary(const caf::mailbox_element& x) {
  const auto& m = x.content();
  return !x.mid.is_response() && !m.match_elements<caf::exit_msg>() &&
         !m.match_elements<caf::down_msg>() && !m.match_elements<caf::timeout_msg>() &&
         !m.match_elements<envelope>();
}

/// Answers the request `id` of `asker` with an error. Does nothing if it was answered already, or
/// is not a request.
inline void fail_request(const caf::strong_actor_ptr& asker, caf::message_id id, caf::error why) {
  if (!asker || !id.is_request()) return;
  enqueue(asker.get(), id.response_id(), std::move(why));
}

/// The events that an intercepting actor gets, besides its messages.
class interception {
 public:
  /// Handles `x`: usually by pass_on(x).
  virtual caf::invoke_message_result take(caf::mailbox_element& x) = 0;

  /// False if the mailbox has no room for `x`. Called on any thread.
  virtual bool admits(const caf::mailbox_element& x) = 0;

  /// An ordinary message came too late, or will not be handled. Called on any thread.
  virtual void lost() = 0;

  /// The last call: links and monitors were told.
  virtual void ended() = 0;

 protected:
  ~interception() = default;
};

inline const caf::sec no_room = caf::sec::unavailable_or_would_block;

#ifdef CAF_VERSION_MAJOR

/// Replaces scheduled_actor::resume, whose steps are not virtual in 1.x, without its metrics of the
/// time in the mailbox.
class intercepting_actor : public caf::event_based_actor, public interception {
 public:
  explicit intercepting_actor(caf::actor_config& config) : caf::event_based_actor{config} {}

  using caf::event_based_actor::enqueue;

  bool enqueue(caf::mailbox_element_ptr x, caf::scheduler* on) override {
    if (!admits(*x)) {
      fail_request(x->sender, x->mid, caf::make_error(no_room));
      return true;
    }
    const bool ordinary = is_ordinary(*x);
    const bool in = caf::event_based_actor::enqueue(std::move(x), on);
    if (!in && ordinary) lost();
    return in;
  }

  caf::resumable::resume_result resume(caf::scheduler* on, std::size_t most) override {
    if (!activate(on)) return caf::resumable::done;
    std::size_t consumed = 0;
    while (consumed < most) {
      auto x = mailbox().pop_front();
      if (!x) {
        if (!mailbox().try_block()) continue;
        if (consumed > 0) set_receive_timeout();
        return caf::resumable::awaiting_message;
      }
      const auto taken = take(*x);
      if (taken == caf::invoke_message_result::skipped) {
        skipped_.push_back(std::move(x));
      } else if (taken == caf::invoke_message_result::consumed) {
        ++consumed;
        bhvr_stack_.cleanup();
        if (finalize()) return caf::resumable::done;
        offer_again();
      }
    }
    if (consumed > 0) set_receive_timeout();
    return mailbox().try_block() ? caf::resumable::awaiting_message : caf::resumable::resume_later;
  }

  void on_cleanup(const caf::error& why) override {
    offer_again();
    while (auto x = mailbox().pop_front()) {
      if (is_ordinary(*x)) lost();
      fail_request(x->sender, x->mid, caf::make_error(caf::sec::request_receiver_down));
    }
    caf::event_based_actor::on_cleanup(why);
    ended();
  }

 protected:
  caf::invoke_message_result pass_on(caf::mailbox_element& x) {
    return caf::event_based_actor::consume(x);
  }

  /// Puts skipped messages back into the mailbox.
  void offer_again() {
    for (; !skipped_.empty(); skipped_.pop_back()) {
      mailbox().push_front(std::move(skipped_.back()));
    }
  }

  /// An idle handler stays when the behavior changes, unless it came with a behavior: there is no
  /// other way to drop it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  void forget_idle_handler() {
    become(caf::behavior{caf::after(std::chrono::hours{1}) >> [] {}});
    become(caf::behavior{[](const envelope&) {}});
  }
#pragma GCC diagnostic pop

 private:
  std::vector<caf::mailbox_element_ptr> skipped_;
};

#else

class intercepting_actor : public caf::event_based_actor, public interception {
 public:
  explicit intercepting_actor(caf::actor_config& config) : caf::event_based_actor{config} {}

  using caf::event_based_actor::enqueue;

  void enqueue(caf::mailbox_element_ptr x, caf::execution_unit* on) override {
    if (!admits(*x)) return fail_request(x->sender, x->mid, caf::make_error(no_room));
    if (mailbox().closed() && is_ordinary(*x)) lost();
    caf::event_based_actor::enqueue(std::move(x), on);
  }

  caf::invoke_message_result consume(caf::mailbox_element& x) final { return take(x); }

  // The last handle may be destroyed after CAF's system, whose logger CAF still uses.
  void on_destroy() override {
    if (!getf(is_cleaned_up_flag)) caf::event_based_actor::on_destroy();
  }

  bool cleanup(caf::error&& why, caf::execution_unit* on) override {
    if (!mailbox_.closed()) {
      mailbox_.close();
      offer_again();
      leftovers f{*this};
      while (mailbox_.queue().new_round(1000, f).consumed_items) {
      }
    }
    const bool done = caf::event_based_actor::cleanup(std::move(why), on);
    ended();
    return done;
  }

 protected:
  caf::invoke_message_result pass_on(caf::mailbox_element& x) {
    return caf::event_based_actor::consume(x);
  }

  /// A queue offers skipped messages again after one of its own messages was handled; there are two
  /// queues.
  void offer_again() {
    get_normal_queue().flush_cache();
    get_urgent_queue().flush_cache();
  }

  void forget_idle_handler() {}

 private:
  // A nested queue passes its key before each message.
  struct leftovers {
    intercepting_actor& of;
    void operator()(const caf::mailbox_element& x) const {
      if (is_ordinary(x)) of.lost();
      fail_request(x.sender, x.mid, caf::make_error(caf::sec::request_receiver_down));
    }
    template <class Key, class Queue, class... Ts>
    caf::intrusive::task_result operator()(const Key&, const Queue&, const Ts&... xs) const {
      (*this)(xs...);
      return caf::intrusive::task_result::resume;
    }
  };
};

#endif

}}}  // namespace nexus::v0::caf_version
