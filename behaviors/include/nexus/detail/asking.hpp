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

/// Sends the new call `c` to the entity itself.
inline void send_self(entity_directory& directory, std::string_view id, entity_call* c,
                      const call_header& header) {
  c->header = header;
  c->told = c->own = true;
  (void)directory.send(id, nullptr, *c, envelope{c}, admission::always);
  c->leave();
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
    auto self = host.own_directory();
    auto other = host.directory_of(Other::entity_type);
    auto header = self->caused_by(cause);
    // The answer must arrive however late it is: a process would wait for it for ever.
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
    // The call lives until its continuation has run; then `leave` releases it.
    c->on_answer([c, come_back = std::move(come_back)] {
      come_back(std::move(*c->answer));
      c->leave();
    });
    const auto by = other == self ? admission::kin : admission::inside;
    (void)other->send(this->id(), nullptr, *c, std::move(sent), by);
  }

 private:
  // Maps the answer to a command, in the user's code, and sends the command.
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
  static_assert(is_alternative<C, typename Other::command>, "ask takes a command of the asked");
  static_assert(std::is_invocable_v<F&, result<reply_t<Other, C>>>,
                "the answer of ask takes the result of the asked command");
  return std::make_shared<question<B, Other, C>>(std::move(id), std::move(command),
                                                 std::move(answer));
}

}
