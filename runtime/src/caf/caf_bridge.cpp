#include "caf/caf_bridge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <caf/actor_registry.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "caf/caf_version.hpp"
#ifndef CAF_VERSION_MAJOR
#include "caf/ready_actors.hpp"
#endif
#include "nexus/detail/saturating.hpp"
#include "nexus/system.hpp"

namespace nexus { inline namespace v0 {

using namespace caf_version;  // NOLINT: this file needs all of it

namespace {

#ifdef CAF_VERSION_MAJOR
struct ready_actors {
  static std::shared_ptr<ready_actors> of(caf::actor_system&) { return nullptr; }
};

struct ready_actor : plain_actor {
  ready_actor(caf::actor_config& config, const std::shared_ptr<ready_actors>&)
      : plain_actor{config} {}
};
#endif

// A CAF actor that passes its messages to a Nexus actor.
class host final : public ready_actor {
 public:
  host(caf::actor_config& config, std::unique_ptr<actor> hosted, std::shared_ptr<ready_actors> by,
       bool has_threads)
      : ready_actor{config, std::move(by)}, hosted_{std::move(hosted)}, has_threads_{has_threads} {}

  caf::behavior make_behavior() override {
    hosted_->started(caf_bridge::wrap(caf::actor{this}));
    return {[this](envelope& m) { receive(m); }};
  }

  const char* name() const override { return "nexus.actor"; }

#ifndef CAF_VERSION_MAJOR
  // What CAF's own steps do besides, for behaviors, timeouts and streams, takes longer than most
  // messages of an entity; this actor has only the behavior above.
  caf::resumable::resume_result resume(caf::execution_unit* on, std::size_t most) override {
    if (!activate(on)) return caf::resumable::done;
    std::size_t consumed = 0;
    mailbox_visitor take{this, consumed, most};
    constexpr std::size_t quantum = 3;  // CAF's
    while (consumed < most) {
      mailbox().new_round(quantum, take);
      if (finalize()) return caf::resumable::done;
      if (mailbox().try_block()) return caf::resumable::awaiting_message;
    }
    return caf::resumable::resume_later;
  }

  caf::invoke_message_result consume(caf::mailbox_element& x) override {
    auto& content = x.content();
    const bool plain =
        !x.mid.is_response() && content.match_elements<envelope>() && !content.shared();
    if (!plain) return plain_actor::consume(x);
    receive(content.get_mutable_as<envelope>(0));
    return caf::invoke_message_result::consumed;
  }

  // The last mailbox may be destroyed after CAF's system, whose logger CAF 0.17 still uses.
  void on_destroy() override {
    if (!getf(is_cleaned_up_flag)) plain_actor::on_destroy();
  }
#endif

 private:
  void receive(envelope& m) {
    if (hosted_ == nullptr) return;
    // The actor is never detached, so this thread belongs to the scheduler, also to an adopted one.
    if (has_threads_) detail::belongs_to_scheduler(&home_system());
    const detail::no_waiting here{detail::in_an_actor};
    if (hosted_->receive(std::move(m)) == actor::verdict::stop) {
      hosted_.reset();
      quit();
    }
  }

  std::unique_ptr<actor> hosted_;
  const bool has_threads_;
};

// Whether the thread-local objects of this thread have been destroyed.
thread_local bool thread_is_over = false;
thread_local const struct end_of_thread {
  ~end_of_thread() { thread_is_over = true; }
  void looked_at() const noexcept {}
} its_end;
const bool main_looks = (its_end.looked_at(), true);  // before main, on its thread

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
  if (control_ == nullptr) return;
  enqueue(control_of(control_), caf::make_message_id(), std::move(m));
}

// CAF adds the delay to its clock's time: a century means for ever, and does not overflow.
void mailbox::send_after(time_span delay, envelope m) const {
  if (control_ == nullptr) return;
  constexpr std::chrono::microseconds longest = std::chrono::hours{24} * 365 * 100;
  const auto waits =
      std::clamp(detail::saturated<std::chrono::microseconds>(std::chrono::nanoseconds{delay}),
                 std::chrono::microseconds{0}, longest);
  auto to = caf::actor_cast<caf::actor>(caf::strong_actor_ptr{control_of(control_)});
  send_anon_after(to, waits, std::move(m));
}

void caf_bridge::send_urgent(const mailbox& to, envelope m) {
  enqueue(control_of(to.control_), caf::make_message_id(caf::message_priority::high), std::move(m));
}

// -- answers to CAF actors --------------------------------------------------------------------

std::function<void()> detail::wake_in_actor(caf::scheduled_actor* self, steady_time until,
                                            const std::function<void()>& f) {
  // A handler added to an actor that has quit would keep the actor alive.
  if (self->getf(caf::abstract_actor::is_shutting_down_flag)) return [] {};
  // Like a CAF request without the request: `self` awaits a response id, and the wake-up enqueues
  // that response. The first response uses up the handler; CAF drops further ones silently.
  auto id = self->new_request_id(caf::message_priority::normal).response_id();
  add_response_handler(self, id, until, f);
  return [id, to = caf::strong_actor_ptr{self->ctrl()}] { enqueue(to.get(), id, envelope{}); };
}

detail::steady_time detail::now_in_actor(caf::scheduled_actor* self) { return self->clock().now(); }

void detail::when_ended(caf::scheduled_actor* self, std::function<void()> f) {
  if (self->getf(caf::abstract_actor::is_shutting_down_flag)) return f();
  self->attach_functor([f = std::move(f)] { f(); });
}

// -- scheduler --------------------------------------------------------------------------------

struct caf_bridge::impl {
  explicit impl(unsigned threads) {
    // A busy journal writer needs a core: leave one for it.
    if (threads == 0) threads = std::max(2u, std::thread::hardware_concurrency()) - 1;
    set_threads(config, std::min(threads, system_options::threads_max));
    config.add_thread_hook<scheduler_threads>();
    used = &owned.emplace(config);
    ready = ready_actors::of(*used);
  }
  explicit impl(caf::actor_system& adopted)
      : used{&adopted}, ready{ready_actors::of(adopted)}, has_threads{!is_stepped(adopted)} {}
  explicit impl(by_hand) : has_threads{false} {
    set_by_hand(config);
    used = &owned.emplace(config);
    // Actors left then have no thread to run on.
    used->await_actors_before_shutdown(false);
  }

  auto& jobs() { return static_cast<step_scheduler&>(used->scheduler()).jobs; }

  caf::actor_system_config config;
  std::optional<caf::actor_system> owned;
  caf::actor_system* used = nullptr;  // null after the end
  std::shared_ptr<ready_actors> ready;
  bool has_threads = true;
};

caf_bridge::caf_bridge(unsigned threads) : impl_{std::make_unique<impl>(threads)} {}
caf_bridge::caf_bridge(caf::actor_system& adopted) : impl_{std::make_unique<impl>(adopted)} {}
caf_bridge::caf_bridge(by_hand b) : impl_{std::make_unique<impl>(b)} {}
caf_bridge::~caf_bridge() = default;

mailbox caf_bridge::spawn(std::unique_ptr<actor> a) {
  if (impl_->used == nullptr) return {};
  return wrap(impl_->used->spawn<host>(std::move(a), impl_->ready, impl_->has_threads));
}

bool caf_bridge::owns_a_scheduler() const noexcept { return impl_->owned.has_value(); }

std::size_t caf_bridge::running() const {
  return impl_->owned ? impl_->owned->registry().running() : 0;
}

// CAF 0.17 uses thread-local objects when its system ends. Those of the main thread are destroyed
// before the statics, and a system may be a static: then another thread ends it. Otherwise not,
// since CAF waits for what such objects hold.
void caf_bridge::end() {
  impl_->used = nullptr;
  if (!impl_->owned) return;
  if (!thread_is_over) return impl_->owned.reset();
  std::thread{[this] { impl_->owned.reset(); }}.join();
}

caf::actor_system& caf_bridge::system() noexcept { return *impl_->used; }

std::chrono::steady_clock::time_point caf_bridge::steady() const noexcept {
  return impl_->used->clock().now();
}

// -- a scheduler without threads --------------------------------------------------------------

std::size_t caf_bridge::runnable() const { return impl_->jobs().size(); }

std::size_t caf_bridge::messages() const {
  std::size_t all = 0;
  for (auto* one : impl_->jobs()) {
    auto* a = dynamic_cast<caf::scheduled_actor*>(one);
    all += a == nullptr ? 1 : std::max<std::size_t>(1, a->mailbox().size());
  }
  return all;
}

std::string caf_bridge::name_of(std::size_t which) const {
  auto* a = dynamic_cast<caf::scheduled_actor*>(impl_->jobs()[which]);
  return a == nullptr ? "task" : fmt::format("{} {}", a->name(), a->id());
}

void caf_bridge::run(std::size_t which) {
  auto& jobs = impl_->jobs();
  auto at = jobs.begin() + static_cast<std::ptrdiff_t>(which);
  auto* one = *at;
  jobs.erase(at);
  if (resume_once(*impl_->used, *one) == caf::resumable::resume_later) {
    jobs.push_back(one);
  } else {
    intrusive_ptr_release(one);
  }
}

void caf_bridge::set_now(time_point t) {
  if (impl_->used != nullptr) clock_of(*impl_->used).current_time = t;
}

std::optional<caf_bridge::time_point> caf_bridge::next_timer() const {
  const auto& timers = timers_of(clock_of(*impl_->used));
  if (timers.empty()) return std::nullopt;
  return timers.begin()->first;
}

void caf_bridge::fire_timer() { fire_first(clock_of(*impl_->used)); }
void caf_bridge::forget_timers() { forget_all(clock_of(*impl_->used)); }

}}  // namespace nexus::v0
