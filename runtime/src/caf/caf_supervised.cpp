// The actor that a supervisor spawns.
#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "caf/caf_bridge.hpp"
#include "caf/caf_version.hpp"
#include "nexus/detail/logger.hpp"
#include "nexus/system.hpp"
#include "supervision/supervisor_group.hpp"

namespace nexus { inline namespace v0 {
namespace {

failure failure_of(std::exception_ptr cause) {
  std::string what = "something that is not a std::exception was thrown";
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  return {{errc::actor_failed, std::move(what)}, std::move(cause)};
}

const supervision_order* order_in(const caf::mailbox_element& x) {
  if (!x.content().match_elements<envelope>()) return nullptr;
  return dynamic_cast<const supervision_order*>(x.content().get_as<envelope>(0).get());
}

}  // namespace

class supervised final : public caf_version::intercepting_actor {
 public:
  supervised(caf::actor_config& config, std::shared_ptr<supervision_group> in, std::string name,
             actor_factory make)
      : intercepting_actor{config},
        group_{std::move(in)},
        name_{std::move(name)},
        path_{group_->path() + "/" + name_},
        make_{std::move(make)} {
    set_handlers(true);
  }

  caf::behavior make_behavior() override {
    begin();
    return {};
  }

  const char* name() const override { return path_.c_str(); }

  caf::invoke_message_result take(caf::mailbox_element& x) override;

  bool admits(const caf::mailbox_element& x) override {
    if (!waiting_.load(std::memory_order_acquire) || !caf_version::is_ordinary(x)) return true;
    if (arrived_.fetch_add(1, std::memory_order_relaxed) < supervisor::waiting_max) return true;
    group_->lost(name_,
                 {errc::overloaded, path_ + " waits for its restart, and its queue is full"});
    return false;
  }

  void lost() override { group_->lost(name_, {errc::stopped, path_ + " has stopped"}); }

  void ended() override {
    make_ = nullptr;
    group_->gone(name_);
  }

 private:
  void fail(const caf::strong_actor_ptr& asker, caf::message_id id, const failure& what);
  void begin();
  void failed(const failure& what);
  void has_quit();
  void obey(measure m);
  void stop(caf::error why);
  void wait(std::chrono::nanoseconds pause);
  void set_handlers(bool all);
  void unhandled() {
    group_->lost(name_, {errc::unhandled, path_ + " has no handler for the message"});
  }

  const std::shared_ptr<supervision_group> group_;
  const std::string name_;
  const std::string path_;
  actor_factory make_;
  std::atomic<bool> waiting_{false};  // for its restart
  std::atomic<unsigned> arrived_{0};  // while it waits
  bool is_ending_ = false;            // set by a decision to end
};

caf::invoke_message_result supervised::take(caf::mailbox_element& x) {
  const detail::no_waiting here{detail::in_an_actor};  // it is never detached
  using caf::invoke_message_result;
  if (const auto* order = order_in(x)) {
    obey(order->what);
    return invoke_message_result::consumed;
  }
  if (waiting_) {
    // All messages wait, except responses that wake it and messages that tell it to exit.
    const bool wakes = multiplexed_responses_.find(x.mid) != multiplexed_responses_.end();
    if (!wakes && !x.content().match_elements<caf::exit_msg>()) {
      return invoke_message_result::skipped;
    }
  }
  // A handler that makes a promise moves the sender away, and may throw afterwards.
  const auto id = x.mid;
  const auto asker = id.is_request() ? x.sender : nullptr;
  auto taken = invoke_message_result::consumed;
  try {
    taken = pass_on(x);
  } catch (...) {
    const auto what = failure_of(std::current_exception());
    if (id.is_request()) fail(asker, id, what);
    failed(what);
  }
  if (getf(is_shutting_down_flag)) has_quit();
  return taken;
}

// A promise delivered earlier looks like a dropped one: an asker that has an answer drops the
// second. A dropped promise answers broken_promise itself in CAF 1.x, and nothing in 0.17.
void supervised::fail(const caf::strong_actor_ptr& asker, caf::message_id id, const failure& what) {
  auto why = caf::make_error(caf::sec::runtime_error, what.why.message);
  if (auto promise = make_response_promise(); promise.pending()) {
    promise.deliver(std::move(why));
  } else {
    caf_version::fail_request(asker, id, std::move(why));
  }
}

void supervised::begin() {
  const detail::no_waiting here{detail::in_an_actor};
  try {
    if (auto first = make_(this)) become(std::move(first));
  } catch (...) {
    failed(failure_of(std::current_exception()));
  }
  if (getf(is_shutting_down_flag)) has_quit();
}

void supervised::failed(const failure& what) {
  if (is_ending_ || getf(is_shutting_down_flag)) return;  // has_quit() calls it
  const auto m = group_->failed(name_, what, clock().now());
  if (m.what == directive::restart) return wait(m.after);
  if (m.what == directive::resume) return set_handlers(false);
  detail::log().warn("{} stops: {}", path_, what.why.message);
  stop(caf::make_error(caf::sec::runtime_error, what.why.message));
}

void supervised::has_quit() {
  if (std::exchange(is_ending_, true) || caf_version::is_ordinary_end(fail_state_)) return;
  const failure what{{errc::actor_failed, "quit: " + to_string(fail_state_)}};
  const auto m = group_->failed(name_, what, clock().now());
  if (m.what != directive::restart && m.what != directive::resume) {
    detail::log().warn("{} stops: {}", path_, what.why.message);
    return;
  }
  // CAF ends it after this message, unless it has a behavior by then.
  is_ending_ = false;
  unsetf(is_shutting_down_flag);
  fail_state_ = caf::error{};
  wait(m.after);
}

void supervised::obey(measure m) {
  if (is_ending_) return;
  if (m.what == directive::restart) return wait(m.after);
  stop(caf::make_error(caf::exit_reason::user_shutdown));
}

void supervised::stop(caf::error why) {
  is_ending_ = true;
  waiting_ = false;
  quit(std::move(why));
}

void supervised::wait(std::chrono::nanoseconds pause) {
  bhvr_stack_.clear();
  awaited_responses_.clear();
  multiplexed_responses_.clear();
  forget_idle_handler();
  set_handlers(true);
  become(caf::behavior{[](const envelope&) {}});  // without a behavior it would end
  arrived_ = 0;
  waiting_ = true;
  const auto due = detail::later(clock().now(), pause);
  std::ignore = detail::wake_in_actor(this, due, [this] {
    waiting_ = false;
    bhvr_stack_.clear();
    offer_again();
    begin();
  });
}

// A handler that throws is lost: CAF has moved it out of its place for the call.
void supervised::set_handlers(bool all) {
  if (all || !default_handler_) {
    default_handler_ = [this](caf::scheduled_actor*, auto&) {
      unhandled();
      return caf::make_error(caf::sec::unexpected_message);
    };
  }
  if (all || !error_handler_) error_handler_ = default_error_handler;
  if (all || !down_handler_) down_handler_ = default_down_handler;
  if (all || !exit_handler_) exit_handler_ = default_exit_handler;
}

result<caf::actor> supervisor::spawn(std::string name, actor_factory make) {
  caf::actor spawned;
  auto added = group_->add(name, [&] {
    spawned = on_->caf().spawn<supervised>(group_, name, std::move(make));
    return caf_bridge::wrap(spawned);
  });
  if (!added) return nexus::fail(std::move(added.error()));
  return spawned;
}

}}  // namespace nexus::v0
