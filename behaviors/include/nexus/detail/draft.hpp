// Drafts: the return values of `persist`, `reply`, `none` …, before they become an effect of a
// behavior.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/detail/effect_flags.hpp"
#include "nexus/effect_options.hpp"
#include "nexus/result.hpp"

namespace caf {
class actor;
}

namespace nexus { inline namespace v0 {

template <class B, class R>
class effect;

namespace detail {

/// Relational: its state is rows of the program's tables.
template <class B>
concept has_row = requires { typename B::row; } && !requires { typename B::state; };

template <class B>
struct state_type {};
template <class B>
  requires requires { typename B::state; }
struct state_type<B> {
  using type = typename B::state;
};
template <has_row B>
struct state_type<B> {
  using type = typename B::row;
};

}

/// What the commands of `B` are decided on: its `state`, or the `row` of a relational behavior.
template <class B>
using state_t = typename detail::state_type<B>::type;

namespace detail {

struct no_reply {};

/// A reply, and what takes its place if the command is not stored.
template <class Reply, class Instead>
struct reply_or {
  Reply reply;
  Instead instead;
  template <class State>
  auto operator()(const State& after) const -> std::invoke_result_t<const Reply&, const State&> {
    return std::invoke(reply, after);
  }
};
template <class Reply>
inline constexpr bool answers_failures = false;
template <class Reply, class Instead>
inline constexpr bool answers_failures<reply_or<Reply, Instead>> = true;

template <class V>
struct constant_reply {
  V value;
  template <class State>
  V operator()(const State&) const {
    return value;
  }
};

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::is_same_v<T, Ts> || ...);

/// Event-sourced instead of durable-state.
template <class B>
concept has_events = requires { typename B::event; };

template <class B>
struct record_of {
  using type = state_t<B>;
};
template <has_events B>
struct record_of<B> {
  using type = typename B::event;
};
template <class B>
using record_t = typename record_of<B>::type;

template <class B, class T>
inline constexpr bool is_record_of =
    std::is_same_v<T, record_t<B>> || is_alternative<T, record_t<B>>;

/// A function that changes a state, as `persist` takes it in place of a new state.
template <class B, class F>
concept changes_state = !has_events<B> && !is_record_of<B, F> && std::invocable<F&, state_t<B>&>;

using metadata_fields = std::vector<std::pair<std::string, std::string>>;

/// The parts of an effect besides its records, its answer and its chain.
struct effect_traits {
  effect_flags flags{};
  std::size_t links_before_reply = 0;
  metadata_fields fields{};
};

/// A question to another entity whose answer comes back as a command of `B`; see asking.hpp.
template <class B>
class asking;

/// A timer to set or to cancel; see timing.hpp.
template <class B>
struct timing;

/// A link of the chain of an effect of `B`: a function to run, a question to ask, or a timer.
template <class B>
struct chain_link {
  std::function<void(const state_t<B>&)> run{};
  std::shared_ptr<asking<B>> ask{};          ///< null: `run` or `timer`
  std::shared_ptr<const timing<B>> timer{};  ///< null: `run` or `ask`
};

template <class V, class F, std::size_t... I>
void with_alternative_of(V& v, F& f, std::index_sequence<I...>) {
  const bool called = ((v.index() == I && (f(*std::get_if<I>(&v)), true)) || ...);
  if (!called) throw std::bad_variant_access{};
}

/// Calls `f` with the alternative that `v` holds. std::visit generates a table of functions
/// instead, which takes several times as long to compile.
template <class F, class... T>
void with_alternative(const std::variant<T...>& v, F f) {
  with_alternative_of(v, f, std::index_sequence_for<T...>{});
}
template <class F, class... T>
void with_alternative(std::variant<T...>& v, F f) {
  with_alternative_of(v, f, std::index_sequence_for<T...>{});
}

/// Such a question before the asking behavior is known.
template <class Other, class C, class F>
struct ask_link {
  using asked_behavior = Other;
  std::string id;
  C command;
  F answer;
  ask_options how;

  template <class B>
  [[nodiscard]] std::shared_ptr<asking<B>> bind();  // in asking.hpp
};

/// A timer before the behavior is known.
template <class C>
struct timer_link {
  using timed_command = C;
  std::string key;
  time_span delay;
  C command;
  timer_options how;
  bool when_idle;

  template <class B>
  [[nodiscard]] std::shared_ptr<const timing<B>> bind();  // in timing.hpp
};

/// The end of a timer.
struct cancel_link {
  using timed_command = void;
  std::string key;

  template <class B>
  [[nodiscard]] std::shared_ptr<const timing<B>> bind();  // in timing.hpp
};

/// A watch of an entity before the watching behavior is known.
template <class Other, class F>
struct watch_link {
  using asked_behavior = Other;
  std::string id;
  F answer;

  template <class B>
  [[nodiscard]] std::shared_ptr<asking<B>> bind();  // in watching.hpp
};
/// The same of a CAF actor.
template <class Actor, class F>
struct actor_watch_link {
  using asked_behavior = void;
  Actor who;
  F answer;

  template <class B>
  [[nodiscard]] std::shared_ptr<asking<B>> bind();  // in watching.hpp
};

// The parts of a draft: plain nested structs, since a std::tuple of them costs each effect that is
// written a tenth of a second to compile.

/// Nothing to store.
struct no_records {};
/// The one record of `persist(e)`.
template <class E>
struct one_record {
  E record;
};

/// The end of a chain.
struct no_links {
  static constexpr std::size_t count = 0;
};
/// A chain, and the link after it.
template <class Before, class Link>
struct links_and {
  static constexpr std::size_t count = Before::count + 1;
  Before before;
  Link link;
};

/// The draft of an effect: what `decide` returns if its return type is `auto`. If it returns two
/// types of effect, the error is the compiler's own, and all it can say is their names: so the name
/// says what to write. Elsewhere it is `draft`.
template <class Records, class Reply, class Links = no_links>
class [[nodiscard(
    "an effect does nothing unless decide returns it")]] if_effects_differ_return_nexus_effect_B_R {
 public:
  explicit if_effects_differ_return_nexus_effect_B_R(Records records, Reply reply = {},
                                                     Links links = {}, effect_traits traits = {})
      : records_{std::move(records)},
        reply_{std::move(reply)},
        links_{std::move(links)},
        traits_{std::move(traits)} {}

  /// Answers with `f(state)` of the state after this command. `f` is a member pointer or a
  /// callable.
  template <class F>
  auto then_reply(F f) && {
    static_assert(std::is_same_v<Reply, no_reply>, "an effect replies once");
    traits_.links_before_reply = Links::count;
    return if_effects_differ_return_nexus_effect_B_R<Records, F, Links>{
        std::move(records_), std::move(f), std::move(links_), std::move(traits_)};
  }

  /// Answers with `f(error)` in place of the error if the command is decided and then not stored,
  /// e.g. since it breaks a constraint. After then_reply.
  template <class F>
  auto then_reply_on_failure(F f) && {
    static_assert(!std::is_same_v<Reply, no_reply> && !answers_failures<Reply>,
                  "then_reply_on_failure follows then_reply, once");
    return if_effects_differ_return_nexus_effect_B_R<Records, reply_or<Reply, F>, Links>{
        std::move(records_),
        {std::move(reply_), std::move(f)},
        std::move(links_),
        std::move(traits_)};
  }

  /// Runs `f(state)` when the command is durable. Later commands are decided only after that, so
  /// `f` sees the state that this command produced. For side effects that may be lost in a crash.
  /// `f` must not block.
  template <class F>
  auto then_run(F f) && {
    return std::move(*this).linked(std::move(f));
  }

  /// Asks the entity `id` of `Other` when the command is durable. `answer(result<reply>)` turns the
  /// answer, or the failure, into a command of this entity, which gets it even if it has stopped
  /// meanwhile. A crash loses the question: if it must be answered, ask again in `on_recovered`.
  /// `how` may delay the question and bound the wait for its answer.
  template <class Other, class C, class F>
  auto then_ask(std::string id, C command, F answer, ask_options how = {}) && {
    return std::move(*this).linked(
        ask_link<Other, C, F>{std::move(id), std::move(command), std::move(answer), how});
  }

  /// Sets the timer `key`, when the command is durable: `command` of this behavior is decided after
  /// `delay`, once, like a command from outside, unless the timer was cancelled or set again before
  /// that decision. The timer is gone when the entity stops, passivates or recovers. At most
  /// entity_options::timers_max are set at a time.
  template <class C>
  auto then_after(std::string key, time_span delay, C command, timer_options how = {}) && {
    return std::move(*this).linked(
        timer_link<C>{std::move(key), delay, std::move(command), how, false});
  }

  /// Same, but the delay begins again with each command that comes meanwhile, except those of the
  /// entity's own timers: `command` is decided when no other came for `quiet`.
  template <class C>
  auto then_when_idle(std::string key, time_span quiet, C command, timer_options how = {}) && {
    return std::move(*this).linked(
        timer_link<C>{std::move(key), quiet, std::move(command), how, true});
  }

  /// Cancels the timer `key`, if it is set, when the command is durable.
  auto then_cancel(std::string key) && {
    return std::move(*this).linked(cancel_link{std::move(key)});
  }

  /// Watches the entity `id` of `Other` once the command is durable: the incarnation that is live
  /// then. `answer(result<ending>)` turns its end into a command of this entity, which gets it even
  /// if it has stopped meanwhile. If none is live, the answer is the error `stopped`, at once. A
  /// crash loses the watch. It keeps neither entity alive, and a shutdown does not wait for it.
  template <class Other, class F>
  auto then_watch(std::string id, F answer) && {
    return std::move(*this).linked(watch_link<Other, F>{std::move(id), std::move(answer)});
  }

  /// The same of a CAF actor: `ending::stopped` if it quit or was told to end, else `actor_failed`
  /// with the reason. Include CAF's headers yourself.
  template <class F, std::same_as<caf::actor> Actor>
  auto then_watch(Actor who, F answer) && {
    return std::move(*this).linked(actor_watch_link<Actor, F>{std::move(who), std::move(answer)});
  }

  /// Then stops the entity. Waiting commands are handled after its next start.
  auto then_stop() && {
    return std::move(*this).with([](effect_traits& t) { t.flags.stops = true; });
  }

  /// Then stops the entity, but only when no command is on its way.
  auto then_passivate() && {
    return std::move(*this).with([](effect_traits& t) { t.flags.passivates = true; });
  }

  /// Then decides the stashed commands, before all waiting ones.
  auto then_unstash() && {
    return std::move(*this).with([](effect_traits& t) { t.flags.unstashes = true; });
  }

  /// Saves a snapshot of the state after this command.
  auto then_snapshot() && {
    return std::move(*this).with([](effect_traits& t) { t.flags.snapshots = true; });
  }

  /// Adds a field to the metadata of the events.
  auto with_metadata(std::string name, std::string value) && {
    return std::move(*this).with(
        [&](effect_traits& t) { t.fields.emplace_back(std::move(name), std::move(value)); });
  }

 private:
  template <class B, class R>
  friend class v0::effect;

  template <class Link>
  auto linked(Link l) && {
    return if_effects_differ_return_nexus_effect_B_R<Records, Reply, links_and<Links, Link>>{
        std::move(records_),
        std::move(reply_),
        {std::move(links_), std::move(l)},
        std::move(traits_)};
  }

  template <class F>
  auto with(F f) && {
    f(traits_);
    return std::move(*this);
  }

  Records records_;
  Reply reply_;
  Links links_;
  effect_traits traits_;
};

template <class Records, class Reply, class Links = no_links>
using draft = if_effects_differ_return_nexus_effect_B_R<Records, Reply, Links>;

inline draft<no_records, no_reply> plain_draft(effect_flags flags) {
  return draft<no_records, no_reply>{{}, {}, {}, {.flags = flags}};
}

/// A rejected command. It converts to every effect and takes no chain.
struct [[nodiscard("a refusal does nothing unless decide returns it")]] refusal {
  error why;
};

/// A stashed command. It converts to every effect and takes no chain.
struct [[nodiscard("stash does nothing unless decide returns it")]] putting_aside {};

}
}}  // namespace nexus::v0
