// Everything that depends on CAF's version: builds against 0.17.6 and 1.x.
#include "caf_bridge.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "nexus/detail/collecting.hpp"

// CAF 1.1 says "0100" of its CAF_VERSION; 0.17 knows no CAF_VERSION_MAJOR.
#ifdef CAF_VERSION_MAJOR
#include <caf/anon_mail.hpp>
#include <caf/init_global_meta_objects.hpp>
#endif

// Far from the ids that user programs take from caf::first_custom_type_id on.
CAF_BEGIN_TYPE_ID_BLOCK(nexus, 1000)
CAF_ADD_TYPE_ID(nexus, (nexus::envelope))
CAF_END_TYPE_ID_BLOCK(nexus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nexus::envelope)

namespace nexus::inline v0 {
namespace {

#ifdef CAF_VERSION_MAJOR

// Enqueues without a sender and without counting references.
void enqueue(caf::actor_control_block* to, caf::message_id id, envelope m) {
  to->get()->enqueue(caf::make_mailbox_element(nullptr, id, std::move(m)), nullptr);
}

void send_anon_after(const caf::actor& to, std::chrono::microseconds delay, envelope m) {
  caf::anon_mail(std::move(m)).delay(delay).send(to);
}

// CAF wants its types known before the first actor_system, which may be the program's own: so before
// main. Telling it again, as CAF_MAIN does, changes nothing.
[[maybe_unused]] const bool types_are_known = [] {
  caf::core::init_global_meta_objects();
  caf::init_global_meta_objects<caf::id_block::nexus>();
  return true;
}();

// `f` handles the response `id`, or the error that comes in its place at `until`.
void add_response_handler(caf::scheduled_actor* self, caf::message_id id, detail::steady_time until,
                          const std::function<void()>& f) {
  caf::disposable timeout;  // disposed by CAF when the response comes
  if (until != detail::never) {
    timeout = self->clock().schedule_message(
        nullptr, caf::weak_actor_ptr{self->ctrl()}, until, id,
        caf::make_message(caf::make_error(caf::sec::request_timeout)));
  }
  self->add_multiplexed_response_handler(
      id, caf::behavior{[f](const envelope&) { f(); }, [f](const caf::error&) { f(); }},
      std::move(timeout));
}

void set_threads(caf::actor_system_config& config, unsigned threads) {
  config.set("caf.scheduler.max-threads", threads);
}

#else

// Enqueues without a sender and without counting references.
void enqueue(caf::actor_control_block* to, caf::message_id id, envelope m) {
  to->get()->enqueue(caf::make_mailbox_element(nullptr, id, {}, std::move(m)), nullptr);
}

void send_anon_after(const caf::actor& to, std::chrono::microseconds delay, envelope m) {
  caf::delayed_anon_send(to, delay, std::move(m));
}

// `f` handles the response `id`, or the error that comes in its place at `until`.
void add_response_handler(caf::scheduled_actor* self, caf::message_id id, detail::steady_time until,
                          const std::function<void()>& f) {
  const bool is_timed = until != detail::never;
  auto answered = [self, id, is_timed, f](const envelope&) {
    if (is_timed) self->clock().cancel_request_timeout(self, id);
    f();
  };
  self->add_multiplexed_response_handler(
      id, caf::behavior{std::move(answered), [f](const caf::error&) { f(); }});
  if (is_timed) self->clock().set_request_timeout(until, self, id);
}

void set_threads(caf::actor_system_config& config, unsigned threads) {
  config.set("scheduler.max-threads", threads);
}

#endif

// A CAF actor that passes its messages on to a Nexus actor.
class host final : public caf::event_based_actor {
 public:
  host(caf::actor_config& config, std::unique_ptr<actor> hosted)
      : caf::event_based_actor{config}, hosted_{std::move(hosted)} {}

  caf::behavior make_behavior() override {
    hosted_->started(caf_bridge::wrap(caf::actor{this}));
    return {[this](envelope& m) {
      if (hosted_ == nullptr) return;
      if (hosted_->receive(std::move(m)) == actor::verdict::stop) {
        hosted_.reset();
        quit();
      }
    }};
  }

  const char* name() const override { return "nexus.actor"; }

 private:
  std::unique_ptr<actor> hosted_;
};

caf::actor_control_block* control_of(void* control) {
  return static_cast<caf::actor_control_block*>(control);
}

}  // namespace

// -- mailbox ----------------------------------------------------------------------------------

mailbox caf_bridge::wrap(const caf::actor& a) {
  mailbox made;
  auto pointer = caf::actor_cast<caf::strong_actor_ptr>(a);
  made.control_ = pointer.release();
  return made;
}

mailbox::mailbox(const mailbox& other) noexcept : control_{other.control_} {
  if (control_ != nullptr) {
    intrusive_ptr_add_ref(control_of(control_));
  }
}

mailbox::mailbox(mailbox&& other) noexcept : control_{std::exchange(other.control_, nullptr)} {}

mailbox& mailbox::operator=(mailbox other) noexcept {
  std::swap(control_, other.control_);
  return *this;
}

mailbox::~mailbox() {
  if (control_ != nullptr) {
    intrusive_ptr_release(control_of(control_));
  }
}

void mailbox::send(envelope m) const {
  enqueue(control_of(control_), caf::make_message_id(), std::move(m));
}

void mailbox::send_after(std::chrono::microseconds delay, envelope m) const {
  auto to = caf::actor_cast<caf::actor>(caf::strong_actor_ptr{control_of(control_)});
  send_anon_after(to, delay, std::move(m));
}

// -- answers to CAF actors --------------------------------------------------------------------

std::function<void()> detail::wake_in_actor(caf::scheduled_actor* self, steady_time until,
                                            const std::function<void()>& f) {
  // A handler added to an actor that has quit would keep it from ending.
  if (self->getf(caf::abstract_actor::is_shutting_down_flag)) return [] {};
  // What a CAF request does, without a request: `self` awaits a response id, and whoever wakes it
  // enqueues that response. The handler is used up by the first; CAF drops another silently.
  auto id = self->new_request_id(caf::message_priority::normal).response_id();
  add_response_handler(self, id, until, f);
  return [id, to = caf::strong_actor_ptr{self->ctrl()}] { enqueue(to.get(), id, envelope{}); };
}

detail::steady_time detail::now_in_actor(caf::scheduled_actor* self) { return self->clock().now(); }

// -- scheduler --------------------------------------------------------------------------------

struct caf_bridge::impl {
  explicit impl(unsigned threads) {
    // A journal's writer keeps one core busy when it matters: leave it that one.
    if (threads == 0) threads = std::max(2u, std::thread::hardware_concurrency()) - 1;
    set_threads(config, threads);
    owned.emplace(config);
    used = &*owned;
  }
  explicit impl(caf::actor_system& adopted) : used{&adopted} {}

  caf::actor_system_config config;
  std::optional<caf::actor_system> owned;
  caf::actor_system* used = nullptr;
};

caf_bridge::caf_bridge(unsigned threads) : impl_{std::make_unique<impl>(threads)} {}
caf_bridge::caf_bridge(caf::actor_system& adopted) : impl_{std::make_unique<impl>(adopted)} {}
caf_bridge::~caf_bridge() = default;

mailbox caf_bridge::spawn(std::unique_ptr<actor> a) {
  return wrap(impl_->used->spawn<host>(std::move(a)));
}

caf::actor_system& caf_bridge::system() noexcept { return *impl_->used; }

std::chrono::steady_clock::time_point caf_bridge::steady() const noexcept {
  return impl_->used->clock().now();
}

}  // namespace nexus::inline v0
