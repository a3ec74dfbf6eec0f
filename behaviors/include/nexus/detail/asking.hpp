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

/// Sends `command` to the entity itself.
template <class B>
void tell_self(entity_directory& directory, std::string_view id, typename B::command command,
               call_header header) {
  std::visit(
      [&]<class C>(C& one) {
        auto* c = new command_call<B, C>{{std::move(one)}};
        c->header = std::move(header);
        (void)directory.send(id, nullptr, *c, envelope{c}, admission::always);
        c->leave();
      },
      command);
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
                      q = this->shared_from_this()](answer_type a) {
      try {
        tell_self<B>(*self, id, static_cast<const question&>(*q).answered(std::move(a)), header);
      } catch (const std::exception& e) {
        log_chain_error(B::entity_type, e.what());
      } catch (...) {
        log_chain_error(B::entity_type, "not a std::exception");
      }
      self->question_answered();
    };
    self->question_asked();
    if (other == nullptr || other->behavior() != &behavior_tag<Other>) {
      return come_back(fail(errc::invalid_argument, "there are no entities of type \"" +
                                                        std::string{Other::entity_type} +
                                                        "\" on this system"));
    }
    auto* c = new command_call<Other, C>{{command_}};
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
