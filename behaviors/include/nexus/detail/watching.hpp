// Watching an entity or a CAF actor as an effect: its end comes back as a command to the watching
// entity.
//
// Unlike a question, a watch keeps nothing alive: neither the watching entity, nor its type, nor
// what is watched; and a shutdown does not wait for it.
//
// Threads: begun on the watching entity's thread; the command is made and sent on the thread on
// which the watched one ends.
// Bounds: of an entity, its watchers; of CAF actors, actor_watches_max per watching type.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nexus/detail/actor_ends.hpp"
#include "nexus/detail/asking.hpp"
#include "nexus/detail/directory.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// The route of the answer to a watch: the part that does not depend on user types.
struct watch_way {
  std::weak_ptr<entity_directory> self;  ///< of the entity that watches
  std::string id;                        ///< of that entity
  call_header back;

  [[nodiscard]] static watch_way begin(entity_host& host, const call_header& cause);

  /// Whether the entity can still get a command.
  [[nodiscard]] bool is_open() const;

  /// Sends the new call `c` to the entity that watches.
  void answered(entity_call* c) const;

  /// Answers `c` when the entity `of` of `in` ends; at once with an error if there is none.
  static void watch(entity_directory* in, std::string_view type, const void* tag,
                    std::string_view of, watch_call& c, envelope e);

  /// Calls `f` when the actor has ended, or with an error if too many are watched.
  void watch(const caf::actor& who, std::function<void(result<ending>)> f) const;
};

/// What a `B` does with the end of what it watches.
template <class B>
struct watch_answer {
  using function = std::function<typename B::command(result<ending>)>;

  function to_command;
  std::string watched;  ///< its name, for messages

  // Maps the end to a command, in the user's code, and sends the command.
  void come_back(const watch_way& way, result<ending>&& why) const noexcept {
    if (!way.is_open()) return;
    entity_call* c = nullptr;
    try {
      c = call_of<B>(to_command(std::move(why)));
    } catch (...) {
      c = new lost_answer<B>{threw(errc::decide_failed, B::entity_type, way.id,
                                   "the function of then_watch of \"" + watched + "\"")};
    }
    way.answered(c);
  }
};

/// A watch of a `B`.
template <class B>
class watch_of : public asking<B> {
 public:
  /// The command that the watching entity gets.
  [[nodiscard]] typename B::command answered(result<ending> why) const {
    return answer_->to_command(std::move(why));
  }

 protected:
  watch_of(std::string_view type, std::string id, typename watch_answer<B>::function f)
      : asking<B>{type, std::move(id), ask_options{}},
        answer_{std::make_shared<const watch_answer<B>>(
            watch_answer<B>{std::move(f), std::string{type}.append("|").append(this->id())})} {}

  const std::shared_ptr<const watch_answer<B>> answer_;
};

/// A watch of an entity of `Other`.
template <class B, class Other>
class entity_watch final : public watch_of<B> {
 public:
  entity_watch(std::string id, typename watch_answer<B>::function f)
      : watch_of<B>{Other::entity_type, std::move(id), std::move(f)} {}

  void send(entity_host& host, const call_header& cause) const override {
    auto* c = new watch_call;
    envelope sent{c};
    // The call lives until its continuation has run; then `leave` releases it.
    c->on_answer([c, way = watch_way::begin(host, cause), answer = this->answer_] {
      answer->come_back(way, std::move(*c->answer));
      c->leave();
    });
    watch_way::watch(host.directory_of(Other::entity_type).get(), Other::entity_type,
                     &behavior_tag<Other>, this->id(), *c, std::move(sent));
  }
};

/// A watch of a CAF actor. `Actor` is caf::actor, which is complete where this is used.
template <class B, class Actor>
class actor_watch final : public watch_of<B> {
 public:
  actor_watch(Actor who, typename watch_answer<B>::function f)
      : watch_of<B>{"caf", actor_label(who), std::move(f)}, who_{std::move(who)} {}

  [[nodiscard]] const Actor& who() const noexcept { return who_; }

  // The function that waits must not hold `this`, and with it the actor.
  void send(entity_host& host, const call_header& cause) const override {
    const auto way = watch_way::begin(host, cause);
    way.watch(who_, [way, answer = this->answer_](result<ending> why) {
      answer->come_back(way, std::move(why));
    });
  }

 private:
  Actor who_;
};

/// `answer` as the function of a watch of `B`; null, after an error of the compiler, if it is none.
template <class B, class F>
[[nodiscard]] typename watch_answer<B>::function watch_function(F answer) {
  if constexpr (!std::is_invocable_v<F&, result<ending>>) {
    (void)required::ending_taken_by<B, F>;
    return nullptr;
  } else {
    using returned = std::invoke_result_t<F&, result<ending>>;
    if constexpr (std::is_convertible_v<returned, typename B::command>) {
      return typename watch_answer<B>::function{std::move(answer)};
    } else {
      (void)required::command_from_answer<B, returned>;
      return nullptr;
    }
  }
}

template <class Other, class F>
template <class B>
std::shared_ptr<asking<B>> watch_link<Other, F>::bind() {
  return std::shared_ptr<asking<B>>{
      new entity_watch<B, Other>{std::move(id), watch_function<B>(std::move(answer))}};
}

template <class Actor, class F>
template <class B>
std::shared_ptr<asking<B>> actor_watch_link<Actor, F>::bind() {
  return std::shared_ptr<asking<B>>{
      new actor_watch<B, Actor>{std::move(who), watch_function<B>(std::move(answer))}};
}

}}}
