// What a command leads to, as a value: `decide` returns one and touches nothing.
//
//   return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
//   return nexus::reject("insufficient funds");
//
// After Akka Persistence's Effect, without the builder's traps: a chain is made from temporaries only,
// so one that would be ignored does not compile, and neither does an effect that owes a reply and
// gives none.
//
// Threads: values. Chains run on the entity's thread, in order, once, and only after everything the
// command persisted is durable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/result.hpp"

namespace nexus::inline v0 {

template <class B, class R>
class effect;

namespace detail {

struct no_reply {};

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

/// An effect that no behavior has claimed yet: what `persist`, `reply` … return.
template <class Events, class Reply, class... Runs>
class [[nodiscard("an effect does nothing unless decide returns it")]] draft {
 public:
  draft(Events events, Reply reply, std::tuple<Runs...> runs, std::size_t runs_before, bool stops)
      : events_{std::move(events)},
        reply_{std::move(reply)},
        runs_{std::move(runs)},
        runs_before_reply_{runs_before},
        stops_{stops} {}

  /// Answers with `f(state)`, the state after this command: a member pointer or a callable.
  template <class F>
  auto then_reply(F f)&& {
    static_assert(std::is_same_v<Reply, no_reply>, "an effect replies once");
    return draft<Events, F, Runs...>{std::move(events_), std::move(f), std::move(runs_),
                                     sizeof...(Runs), stops_};
  }

  /// Runs `f(state)` once durable; until then nothing later is decided, so it sees the state that
  /// this command produced. For side effects that may be lost in a crash. It must not block.
  template <class F>
  auto then_run(F f)&& {
    return draft<Events, Reply, Runs..., F>{
        std::move(events_), std::move(reply_),
        std::tuple_cat(std::move(runs_), std::make_tuple(std::move(f))), runs_before_reply_,
        stops_};
  }

 private:
  template <class B, class R>
  friend class v0::effect;

  Events events_;
  Reply reply_;
  std::tuple<Runs...> runs_;
  std::size_t runs_before_reply_;
  bool stops_;
};

/// A command turned down; fits every effect and takes no chain.
struct [[nodiscard("a refusal does nothing unless decide returns it")]] refusal {
  error why;
};

}

/// What `decide` of behavior `B` leads to when the command is answered with an `R`.
template <class B, class R = void>
class [[nodiscard("an effect does nothing unless decide returns it")]] effect {
 public:
  using reply_type = R;

  effect(detail::refusal r) : refused_{std::move(r.why)} {}  // NOLINT: converts on purpose

  template <class Events, class Reply, class... Runs>
  effect(detail::draft<Events, Reply, Runs...> d)  // NOLINT: converts on purpose
      : stops_{d.stops_}, runs_before_reply_{d.runs_before_reply_} {
    using state = typename B::state;
    using event = typename B::event;
    if constexpr (requires { d.events_.size(); }) {
      events_.assign(std::make_move_iterator(d.events_.begin()),
                     std::make_move_iterator(d.events_.end()));
    } else {
      std::apply(
          [&](auto&... e) {
            static_assert((detail::is_alternative<std::decay_t<decltype(e)>, event> && ...),
                          "persist takes the behavior's own events");
            events_.reserve(sizeof...(e));
            (events_.emplace_back(std::move(e)), ...);
          },
          d.events_);
    }
    if constexpr (std::is_same_v<Reply, detail::no_reply>) {
      static_assert(std::is_void_v<R>, "this effect owes a reply: add then_reply");
    } else {
      static_assert(std::is_invocable_r_v<R, const Reply&, const state&>,
                    "then_reply takes a member of the state, or a callable on the state, that "
                    "gives the reply type");
      reply_ = std::move(d.reply_);
    }
    std::apply([&](auto&... f) { (runs_.emplace_back(std::move(f)), ...); }, d.runs_);
  }

  [[nodiscard]] bool rejected() const noexcept { return refused_.has_value(); }
  [[nodiscard]] bool stops() const noexcept { return stops_; }

  /// Why the command was turned down; only when `rejected()`.
  [[nodiscard]] const v0::error& error() const { return *refused_; }

  [[nodiscard]] const auto& events() const noexcept { return events_; }

  /// The answer, given the state after the events; nothing for `effect<B>`.
  [[nodiscard]] result<R> reply(const typename B::state& after) const {
    if (refused_) return fail(*refused_);
    if constexpr (std::is_void_v<R>) {
      if (reply_) reply_(after);
      return {};
    } else {
      return reply_(after);
    }
  }

  using run = std::function<void(const typename B::state&)>;
  [[nodiscard]] std::vector<run>& runs() noexcept { return runs_; }
  [[nodiscard]] std::size_t runs_before_reply() const noexcept { return runs_before_reply_; }

 private:
  bool stops_ = false;
  std::size_t runs_before_reply_ = 0;
  std::vector<typename B::event> events_;
  std::function<R(const typename B::state&)> reply_;
  std::vector<run> runs_;
  std::optional<v0::error> refused_;
};

/// Stores the events, all or none of them, in this order.
template <class... E>
[[nodiscard]] auto persist(E... events) {
  static_assert(sizeof...(E) > 0, "persist takes at least one event");
  return detail::draft<std::tuple<E...>, detail::no_reply>{
      std::tuple<E...>{std::move(events)...}, {}, {}, 0, false};
}

/// Stores the events, all or none of them; an empty vector stores nothing.
template <class E>
[[nodiscard]] auto persist(std::vector<E> events) {
  return detail::draft<std::vector<E>, detail::no_reply>{std::move(events), {}, {}, 0, false};
}

/// Changes nothing and answers `value`.
template <class V>
[[nodiscard]] auto reply(V value) {
  return detail::draft<std::tuple<>, detail::constant_reply<V>>{
      {}, {std::move(value)}, {}, 0, false};
}

/// Changes nothing.
[[nodiscard]] inline auto none() {
  return detail::draft<std::tuple<>, detail::no_reply>{{}, {}, {}, 0, false};
}

/// Changes nothing and stops the entity; the next command starts it again.
[[nodiscard]] inline auto stop() {
  return detail::draft<std::tuple<>, detail::no_reply>{{}, {}, {}, 0, true};
}

/// Turns the command down: the caller gets errc::rejected with `why`.
[[nodiscard]] inline detail::refusal reject(std::string why) {
  return {{errc::rejected, std::move(why)}};
}

/// There is no answer to this command in this state: the caller gets errc::unhandled.
[[nodiscard]] inline detail::refusal unhandled() {
  return {{errc::unhandled, "the behavior does not handle this command in this state"}};
}

}  // namespace nexus::inline v0
