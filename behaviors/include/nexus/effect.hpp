// The effect of a command, as a value: `decide` returns an effect and has no side effects.
//
//   return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
//   return nexus::persist(started{}).then_ask<account>(c.from, account::hold{c.cents}, on_held);
//   return nexus::reject("insufficient funds");
//
// After Akka Persistence's Effect, with compile-time checks: chains are made from temporaries, so
// an ignored chain does not compile, and an effect that must reply but does not reply does not
// compile.
//
// Threads: values. Chains run on the entity's thread, in order, at most once, and only after
// everything the command persisted is durable.
#pragma once

#include <concepts>
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

#include "nexus/detail/draft.hpp"
#include "nexus/result.hpp"

namespace nexus::inline v0 {

/// The effect of a command of behavior `B` that is answered with an `R`.
template <class B, class R = void>
class [[nodiscard("an effect does nothing unless decide returns it")]] effect {
 public:
  using reply_type = R;
  using state = typename B::state;
  using run = std::function<void(const state&)>;
  using ask = std::shared_ptr<detail::asking<B>>;
  /// A part of the chain: a function to run, or a question to another entity.
  using link = std::variant<run, ask>;
  /// The stored type of the behavior: its event variant, or its state.
  using record = detail::record_t<B>;

  effect(detail::refusal r) : refused_{std::move(r.why)} {}  // NOLINT: converts on purpose
  effect(detail::putting_aside) { traits_.stashes = true; }  // NOLINT: converts on purpose

  template <class Records, class Reply, class... Links>
  effect(detail::draft<Records, Reply, Links...> d)  // NOLINT: converts on purpose
      : traits_{std::move(d.traits_)} {
    take_records(d.records_);
    if constexpr (std::is_same_v<Reply, detail::no_reply>) {
      static_assert(std::is_void_v<R>, "this effect owes a reply: add then_reply");
    } else {
      static_assert(std::is_invocable_r_v<R, const Reply&, const state&>,
                    "then_reply takes a member of the state, or a callable on the state, that "
                    "gives the reply type");
      reply_ = std::move(d.reply_);
    }
    std::apply([&](auto&... l) { (take_link(l), ...); }, d.links_);
  }

  [[nodiscard]] bool rejected() const noexcept { return refused_.has_value(); }
  [[nodiscard]] bool stashes() const noexcept { return traits_.stashes; }
  [[nodiscard]] bool unstashes() const noexcept { return traits_.unstashes; }
  [[nodiscard]] bool stops() const noexcept { return traits_.stops; }
  [[nodiscard]] bool passivates() const noexcept { return traits_.passivates; }
  [[nodiscard]] bool takes_snapshot() const noexcept { return traits_.snapshots; }
  [[nodiscard]] bool erases() const noexcept { return traits_.erases; }

  /// Why the command was rejected; only if `rejected()`.
  [[nodiscard]] const v0::error& error() const { return *refused_; }

  /// The events of an event-sourced behavior.
  [[nodiscard]] const std::vector<record>& events() const noexcept requires detail::has_events<B> {
    return records_;
  }

  /// The new state of a durable-state behavior; null if the command leaves it unchanged.
  [[nodiscard]] const record* new_state() const noexcept requires(!detail::has_events<B>) {
    return records_.empty() ? nullptr : &records_.front();
  }

  /// User fields for the metadata of the events.
  [[nodiscard]] const detail::metadata_fields& metadata() const noexcept { return traits_.fields; }

  /// The answer, for the state after the events; nothing for `effect<B>`.
  [[nodiscard]] result<R> reply(const state& after) const {
    if (refused_) return fail(*refused_);
    if constexpr (std::is_void_v<R>) {
      if (reply_) reply_(after);
      return {};
    } else {
      return reply_(after);
    }
  }

  [[nodiscard]] std::vector<link>& links() noexcept { return links_; }
  [[nodiscard]] const std::vector<link>& links() const noexcept { return links_; }
  [[nodiscard]] std::size_t links_before_reply() const noexcept {
    return traits_.links_before_reply;
  }

  /// True if the chain has a then_run, which needs the state that this command produced.
  [[nodiscard]] bool runs() const noexcept { return runs_; }

 private:
  template <class Records>
  void take_records(Records & from) {
    if constexpr (requires { from.size(); }) {
      static_assert(detail::has_events<B>, "a durable state persists one state");
      records_.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    } else if constexpr (std::tuple_size_v<Records> > 0) {
      static_assert(detail::has_events<B> || std::tuple_size_v<Records> == 1,
                    "a durable state persists one state");
      std::apply(
          [&](auto&... r) {
            static_assert((detail::is_record_of<B, std::decay_t<decltype(r)>> && ...),
                          "persist takes the behavior's own events, or its own state");
            records_.reserve(sizeof...(r));
            (records_.emplace_back(std::move(r)), ...);
          },
          from);
    }
  }

  template <class Link>
  void take_link(Link & l) {
    if constexpr (requires { typename Link::asked_behavior; }) {
      links_.emplace_back(std::in_place_type<ask>, l.template bind<B>());
    } else {
      static_assert(std::is_invocable_v<Link&, const state&>,
                    "then_run takes a callable on the state");
      links_.emplace_back(std::in_place_type<run>, std::move(l));
      runs_ = true;
    }
  }

  detail::effect_traits traits_;
  bool runs_ = false;
  std::vector<record> records_;
  std::function<R(const state&)> reply_;
  std::vector<link> links_;
  std::optional<v0::error> refused_;
};

/// Stores the events, all or none of them, in this order. For a durable state: stores the new
/// state.
template <class... E>
[[nodiscard]] auto persist(E... records) {
  static_assert(sizeof...(E) > 0, "persist takes at least one event");
  return detail::draft<std::tuple<E...>, detail::no_reply>{std::tuple<E...>{std::move(records)...}};
}

/// Stores the events, all or none of them; an empty vector stores nothing.
template <class E>
[[nodiscard]] auto persist(std::vector<E> events) {
  return detail::draft<std::vector<E>, detail::no_reply>{std::move(events)};
}

/// Changes nothing and answers `value`.
template <class V>
[[nodiscard]] auto reply(V value) {
  return detail::draft<std::tuple<>, detail::constant_reply<V>>{{}, {std::move(value)}};
}

/// Changes nothing and answers nothing.
[[nodiscard]] inline auto none() { return detail::plain_draft({}); }

/// Erases a durable state: it starts again as a default state, but its version keeps rising.
[[nodiscard]] inline auto erase() { return detail::plain_draft({.erases = true}); }

/// Changes nothing and stops the entity; the next command starts it again.
[[nodiscard]] inline auto stop() { return detail::plain_draft({.stops = true}); }

/// Changes nothing and stops the entity when no command is on its way.
[[nodiscard]] inline auto passivate() { return detail::plain_draft({.passivates = true}); }

/// Changes nothing and saves a snapshot.
[[nodiscard]] inline auto snapshot() { return detail::plain_draft({.snapshots = true}); }

/// Stashes this command, undecided, until `unstash_all` or `then_unstash`. Stashed commands are
/// then decided before all waiting ones, in the order of stashing. Past `stash_max` the caller gets
/// `overloaded`. A stashed command is also decided again when an append is lost, and when the
/// entity restarts.
[[nodiscard]] inline detail::putting_aside stash() { return {}; }

/// Changes nothing and decides the stashed commands, before all waiting ones.
[[nodiscard]] inline auto unstash_all() { return detail::plain_draft({.unstashes = true}); }

/// Changes nothing and asks the entity `id` of `Other`; see then_ask.
template <class Other, class C, class F>
[[nodiscard]] auto ask(std::string id, C command, F answer) {
  return none().template then_ask<Other>(std::move(id), std::move(command), std::move(answer));
}

/// Rejects the command: the caller gets errc::rejected with `why`.
[[nodiscard]] inline detail::refusal reject(std::string why) {
  return {{errc::rejected, std::move(why)}};
}

/// The behavior does not handle this command in this state: the caller gets errc::unhandled, and
/// the system's dead letters get the command.
[[nodiscard]] inline detail::refusal unhandled() {
  return {{errc::unhandled, "the behavior does not handle this command in this state"}};
}

}  // namespace nexus::inline v0
