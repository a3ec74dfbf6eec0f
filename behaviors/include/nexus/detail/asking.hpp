// Asking another entity as an effect: the answer comes back as a command to the asking entity.
//
// Threads: sent on the asker's thread; the answer becomes a command on the answering thread.
// Bound: one command per question. It passes the bounds of the asker's mailbox, since a lost answer
// would leave a process waiting for ever.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/detail/compiled.hpp"
#include "nexus/detail/directory.hpp"

namespace nexus { inline namespace v0 { namespace detail {

template <class B>
class asking : public std::enable_shared_from_this<asking<B>> {
 public:
  virtual ~asking() = default;

  [[nodiscard]] std::string_view entity_type() const noexcept { return type_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// `cause` is the header of the command that has this effect.
  virtual void send(entity_host& host, const call_header& cause) const = 0;

 protected:
  asking(std::string_view type, std::string id) : type_{type}, id_{std::move(id)} {}

 private:
  std::string_view type_;
  std::string id_;
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

  /// The asking entity is not at rest from here until `answered`.
  [[nodiscard]] static question_way begin(entity_host& host, const call_header& cause,
                                          std::string_view asked_type, const void* asked_tag);

  /// Sends the new call `c` to the entity that asked, as its answer.
  void answered(entity_call* c) const;

  /// Sends the question `c` to the entity `to`; its continuation is set.
  void send(std::string_view to, entity_call& c, envelope e) const;
};

[[nodiscard]] error no_entities_of(std::string_view type);

/// A new call that carries `command` to an entity of `B`.
template <class B>
[[nodiscard]] entity_call* call_of(typename B::command&& command) {
  entity_call* made = nullptr;
  with_alternative(command, [&](auto& one) { made = call_with<B>(one); });
  return made;
}

/// A question of a `B` to an `Other`, with the command `C`.
template <class B, class Other, class C>
class question final : public asking<B> {
 public:
  using answer_type = result<reply_t<Other, C>>;
  using back = std::function<typename B::command(answer_type)>;

  question(std::string id, C command, back f)
      : asking<B>{Other::entity_type, std::move(id)},
        command_{std::move(command)},
        back_{std::move(f)} {}

  [[nodiscard]] const C& command() const noexcept { return command_; }

  /// The command that the asker gets for the answer `a`.
  [[nodiscard]] typename B::command answered(answer_type a) const { return back_(std::move(a)); }

  void send(entity_host& host, const call_header& cause) const override {
    auto way = question_way::begin(host, cause, Other::entity_type, &behavior_tag<Other>);
    if (way.other == nullptr) return come_back(way, fail(no_entities_of(Other::entity_type)));
    replying_call<Other, reply_t<Other, C>>* c = nullptr;
    try {
      auto copied = command_;
      c = call_with<Other>(copied);
    } catch (...) {
      return come_back(way, fail(threw(errc::decide_failed, B::entity_type, way.id,
                                       "copying the command of then_ask")));
    }
    envelope sent{c};
    // The call lives until its continuation has run; then `leave` releases it.
    c->on_answer([c, way, q = this->shared_from_this()] {
      static_cast<const question&>(*q).come_back(way, std::move(*c->answer));
      c->leave();
    });
    way.send(this->id(), *c, std::move(sent));
  }

 private:
  // Maps the answer to a command, in the user's code, and sends the command.
  void come_back(const question_way& way, answer_type&& a) const noexcept {
    entity_call* c = nullptr;
    try {
      c = call_of<B>(answered(std::move(a)));
    } catch (...) {
      c = new lost_answer<B>{threw(errc::decide_failed, B::entity_type, way.id,
                                   "the answer's function of then_ask to \"" +
                                       std::string{Other::entity_type} + "|" + this->id() + "\"")};
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
          new question<B, Other, C>{std::move(id), std::move(command), std::move(answer)}};
    } else {
      (void)required::command_from_answer<B, returned>;
      return nullptr;
    }
  }
}

}}}

#include "nexus/detail/watching.hpp"
