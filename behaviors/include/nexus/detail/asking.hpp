// Asking another entity as an effect: the answer comes back as a command to the asking entity.
//
// Threads: sent on the asker's thread; the answer becomes a command on the answering thread.
// Bound: one command per question. It passes the bounds of the asker's mailbox, since a lost answer
// would leave a process waiting for ever. Delays and deadlines: see entity_directory::call_later.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/detail/compiled.hpp"
#include "nexus/detail/directory.hpp"
#include "nexus/effect_options.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class B>
class asking : public std::enable_shared_from_this<asking<B>> {
 public:
  virtual ~asking() = default;

  [[nodiscard]] std::string_view entity_type() const noexcept { return type_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const ask_options& how() const noexcept { return how_; }

  /// `cause` is the header of the command that has this effect.
  virtual void send(entity_host& host, const call_header& cause) const = 0;

 protected:
  asking(std::string_view type, std::string id, const ask_options& how)
      : type_{type}, id_{std::move(id)}, how_{how} {}

 private:
  std::string_view type_;
  std::string id_;
  ask_options how_;
};

/// Replaces an answer whose mapping threw: a command that fails, and so reaches supervision,
/// `on_signal` and the dead letters. A process starts again after a pause, and its on_recovered
/// asks again, as after a crash.
template <class B>
class lost_answer final : public entity_call, public answer_slot<void> {
 public:
  explicit lost_answer(error why) : why_{std::move(why)} { size_bytes = sizeof(*this); }

  decision decide(entity_model& /*model*/, const context& /*c*/, const decision_limits& /*limits*/,
                  event_batch& /*out*/) noexcept override {
    answer.emplace(tl::unexpected<error>(why_));
    return {.rebuilds = recovers<B>, .failed = true, .pauses = recovers<B>};
  }
  void finish(const entity_model& /*model*/, entity_host& host) noexcept override {
    host.chain_threw(*this, why_);
    complete();
  }
  [[nodiscard]] const error* refusal() const noexcept override {
    return answer && !*answer ? &answer->error() : nullptr;
  }

 private:
  void set_error(error why) noexcept override {
    answer.emplace(tl::unexpected<error>(std::move(why)));
  }

  error why_;
};

/// The route of a question and of its answer: the part that does not depend on user types.
struct question_way {
  std::shared_ptr<entity_directory> self;   ///< of the entity that asks
  std::shared_ptr<entity_directory> other;  ///< of the asked entity; null: there is none
  std::string id;                           ///< of the entity that asks
  call_header there;
  call_header back;

  /// The asking entity is not at rest from `under_way` until `answered`.
  [[nodiscard]] static question_way begin(entity_host& host, const call_header& cause,
                                          std::string_view asked_type, const void* asked_tag);

  void under_way() const { self->question_asked(); }

  /// Finds `other` once more: entities may have come or gone during a delay.
  void find_other(std::string_view type, const void* tag);
  /// Forgets `other` if it has another behavior than that with this tag.
  void check_other(const void* tag) noexcept;

  /// Sends the new call `c` to the entity that asked, as its answer.
  void answered(entity_call* c) const;

  /// Sends the question `c` to the entity `to`; its continuation is set.
  void send(std::string_view to, entity_call& c, envelope e) const;
};

[[nodiscard]] error no_entities_of(std::string_view type);

/// A question with a delay or a deadline, from the effect until the entity has heard the answer.
/// The answer or the timeout, whichever is first, is the answer; the other is dropped.
class timed_question : public std::enable_shared_from_this<timed_question> {
 public:
  /// `type` is that of the entity that asks, `asked` the name of the other one.
  timed_question(question_way way, const ask_options& how, std::string_view type, std::string asked)
      : way_{std::move(way)}, how_{how}, type_{type}, asked_{std::move(asked)} {}
  virtual ~timed_question() = default;

  void begin() noexcept;

  /// True for the first answer; then the deadline is forgotten.
  [[nodiscard]] bool is_first() noexcept;

 protected:
  [[nodiscard]] question_way& way() noexcept { return way_; }
  [[nodiscard]] bool is_delayed() const noexcept {
    return std::chrono::nanoseconds{how_.after} > std::chrono::nanoseconds{};
  }

 private:
  virtual void ask() = 0;
  virtual void give(error why) noexcept = 0;

  void delay(time_span by) noexcept;
  void delay_is_over(bool due) noexcept;
  void ask_now() noexcept;
  // Leaves the deadline alone: its thread calls this too.
  void give_up(error why) noexcept {
    if (!is_over_.exchange(true)) give(std::move(why));
  }
  [[nodiscard]] error late() const;

  question_way way_;
  const ask_options how_;
  const std::string_view type_;
  const std::string asked_;
  entity_directory::later_call deadline_;  // set before anything is asked
  std::atomic<bool> is_over_{false};
};

[[nodiscard]] inline bool is_timed(const ask_options& how) noexcept {
  using std::chrono::nanoseconds;
  return nanoseconds{how.after} > nanoseconds{} || nanoseconds{how.within} < nanoseconds::max();
}

/// A question of a `B` to an `Other`, with the command `C`.
template <class B, class Other, class C>
class question final : public asking<B> {
 public:
  using answer_type = result<reply_t<Other, C>>;
  using back = std::function<typename B::command(answer_type)>;

  question(std::string id, C command, back f, const ask_options& how)
      : asking<B>{Other::entity_type, std::move(id), how},
        command_{std::move(command)},
        back_{std::move(f)} {}

  [[nodiscard]] const C& command() const noexcept { return command_; }

  /// The command that the asker gets for the answer `a`.
  [[nodiscard]] typename B::command answered(answer_type a) const { return back_(std::move(a)); }

  void send(entity_host& host, const call_header& cause) const override {
    auto way = question_way::begin(host, cause, Other::entity_type, &behavior_tag<Other>);
    if (is_timed(this->how())) {
      return std::make_shared<timed>(std::move(way), own())->begin();
    }
    way.under_way();
    ask(way, nullptr);
  }

 private:
  class timed final : public timed_question {
   public:
    timed(question_way way, std::shared_ptr<const question> of)
        : timed_question{std::move(way), of->how(), B::entity_type, of->name()},
          of_{std::move(of)} {}

   private:
    void ask() override {
      if (is_delayed()) way().find_other(Other::entity_type, &behavior_tag<Other>);
      of_->ask(way(), shared_from_this());
    }
    void give(error why) noexcept override { of_->come_back(way(), fail(std::move(why))); }

    const std::shared_ptr<const question> of_;
  };

  [[nodiscard]] std::shared_ptr<const question> own() const {
    return std::static_pointer_cast<const question>(this->shared_from_this());
  }
  [[nodiscard]] std::string name() const {
    return std::string{Other::entity_type}.append("|").append(this->id());
  }

  // `t` is null for a question without a delay and a deadline.
  void ask(const question_way& way, const std::shared_ptr<timed_question>& t) const {
    const auto answer = [way, t, q = own()](answer_type&& a) {
      if (t == nullptr || t->is_first()) q->come_back(way, std::move(a));
    };
    if (way.other == nullptr) return answer(fail(no_entities_of(Other::entity_type)));
    replying_call<Other, reply_t<Other, C>>* c = nullptr;
    try {
      auto copied = command_;
      c = call_with<Other>(copied);
    } catch (...) {
      return answer(fail(
          threw(errc::decide_failed, B::entity_type, way.id, "copying the command of then_ask")));
    }
    envelope sent{c};
    // The call lives until its continuation has run; then `leave` releases it.
    c->on_answer([c, answer] {
      answer(std::move(*c->answer));
      c->leave();
    });
    way.send(this->id(), *c, std::move(sent));
  }

  // Maps the answer to a command, in the user's code, and sends the command.
  void come_back(const question_way& way, answer_type&& a) const noexcept {
    entity_call* c = nullptr;
    try {
      c = call_of<B>(answered(std::move(a)));
    } catch (...) {
      c = new lost_answer<B>{threw(errc::decide_failed, B::entity_type, way.id,
                                   "the answer's function of then_ask to \"" + name() + "\"")};
    }
    way.answered(c);
  }

  C command_;
  back back_;
};

template <class Other, class C, class F>
template <class B>
std::shared_ptr<asking<B>> ask_link<Other, C, F>::bind() {
  if constexpr (!is_alternative<C, typename Other::command>) {
    (void)required::command_of<Other, C>;
    return nullptr;
  } else if constexpr (!std::is_invocable_v<F&, result<reply_t<Other, C>>>) {
    (void)required::answer_taken_by<B, Other, C, F>;
    return nullptr;
  } else {
    using returned = std::invoke_result_t<F&, result<reply_t<Other, C>>>;
    if constexpr (std::is_convertible_v<returned, typename B::command>) {
      return std::shared_ptr<asking<B>>{
          new question<B, Other, C>{std::move(id), std::move(command), std::move(answer), how}};
    } else {
      (void)required::command_from_answer<B, returned>;
      return nullptr;
    }
  }
}

}}}

#include "nexus/detail/timing.hpp"
#include "nexus/detail/watching.hpp"
