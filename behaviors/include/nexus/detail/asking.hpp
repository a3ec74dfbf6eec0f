// Asking another entity as an effect: the answer comes back as a command of the asker's.
//
// Threads: sent on the asker's thread; the answer is turned into a command on the answering one.
// Bound: one command per question, admitted beyond the bounds of the asker's mailbox, since a lost
// answer would be a process that stands still.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "nexus/detail/directory.hpp"
#include "nexus/detail/model_of.hpp"

namespace nexus::inline v0::detail {

template <class B>
class asking : public std::enable_shared_from_this<asking<B>> {
 public:
  virtual ~asking() = default;

  [[nodiscard]] std::string_view entity_type() const noexcept { return type_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// `cause` is the header of the command whose effect this is.
  virtual void send(entity_host& host, const call_header& cause) const = 0;

 protected:
  asking(std::string_view type, std::string id) : type_{type}, id_{std::move(id)} {}

 private:
  std::string_view type_;
  std::string id_;
};

/// What comes to the entity in the place of an answer whose mapping threw. It is a command that fails,
/// and so reaches supervision, `on_signal` and the dead letters. A process begins anew, after a pause:
/// its on_recovered asks again, as after a crash.
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

/// Sends `c`, a new one, to the entity itself.
inline void send_self(entity_directory& directory, std::string_view id, entity_call* c,
                      const call_header& header) {
  c->header = header;
  c->told = c->own = true;
  (void)directory.send(id, nullptr, *c, envelope{c}, admission::always);
  c->leave();
}

/// The question of a `B` to an `Other` that is told a `C`.
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

  /// What the asker is told when the answer is `a`.
  [[nodiscard]] typename B::command answered(answer_type a) const { return back_(std::move(a)); }

  void send(entity_host& host, const call_header& cause) const override {
    auto self = host.own_directory();
    auto other = host.directory_of(Other::entity_type);
    auto header = self->caused_by(cause);
    // The answer must be heard however late it is: a process would stand still without it.
    auto back_header = header;
    back_header.deadline = {};
    auto come_back = [self, header = std::move(back_header), id = std::string{host.own_id().id()},
                      q = this->shared_from_this()](answer_type&& a) noexcept {
      static_cast<const question&>(*q).come_back(*self, id, header, std::move(a));
      self->question_answered();
    };
    self->question_asked();
    if (other == nullptr || other->behavior() != &behavior_tag<Other>) {
      return come_back(fail(errc::invalid_argument, "there are no entities of type \"" +
                                                        std::string{Other::entity_type} +
                                                        "\" on this system"));
    }
    command_call<Other, C>* c = nullptr;
    try {
      c = new command_call<Other, C>{{command_}};
    } catch (...) {
      return come_back(fail(threw(errc::decide_failed, B::entity_type, host.own_id().id(),
                                  "copying the command of then_ask")));
    }
    c->header = std::move(header);
    envelope sent{c};
    // The call lives until its continuation has run: an answered one drops it by `leave`.
    c->on_answer([c, come_back = std::move(come_back)] {
      come_back(std::move(*c->answer));
      c->leave();
    });
    const auto by = other == self ? admission::kin : admission::inside;
    (void)other->send(this->id(), nullptr, *c, std::move(sent), by);
  }

 private:
  // Makes a command of the answer, which is the user's code, and sends it.
  void come_back(entity_directory& self, std::string_view id, const call_header& header,
                 answer_type&& a) const noexcept {
    entity_call* c = nullptr;
    try {
      auto command = answered(std::move(a));
      c = std::visit(
          []<class Own>(Own& one) -> entity_call* {
            return new command_call<B, Own>{{std::move(one)}};
          },
          command);
    } catch (...) {
      c = new lost_answer<B>{threw(errc::decide_failed, B::entity_type, id,
                                   "the answer's function of then_ask to \"" +
                                       std::string{Other::entity_type} + "|" + this->id() + "\"")};
    }
    send_self(self, id, c, header);
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
      return std::make_shared<question<B, Other, C>>(std::move(id), std::move(command),
                                                     std::move(answer));
    } else {
      (void)required::command_from_answer<B, returned>;
      return nullptr;
    }
  }
}

}
