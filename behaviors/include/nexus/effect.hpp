// What a command leads to, as a value: `decide` returns one and touches nothing.
//
//   return nexus::persist(deposited{c.cents}).then_reply(&state::cents);
//   return nexus::persist(started{}).then_ask<account>(c.from, account::hold{c.cents}, on_held);
//   return nexus::reject("insufficient funds");
//
// After Akka Persistence's Effect, without the builder's traps: a chain is made from temporaries only,
// so one that would be ignored does not compile, and neither does an effect that owes a reply and
// gives none.
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
#include "nexus/detail/fitting.hpp"
#include "nexus/result.hpp"

namespace nexus::inline v0 {

/// What `decide` of behavior `B` leads to when the command is answered with an `R`.
template <class B, class R = void>
class [[nodiscard("an effect does nothing unless decide returns it")]] effect {
 public:
  using reply_type = R;
  using state = typename B::state;
  using run = std::function<void(const state&)>;
  using ask = std::shared_ptr<detail::asking<B>>;
  /// A part of the chain: something to run, or somebody to ask.
  using link = std::variant<run, ask>;
  /// What the behavior stores: one of its events, or its state.
  using record = detail::record_t<B>;

  effect(detail::refusal r) : refused_{std::move(r.why)} {}  // NOLINT: converts on purpose
  effect(detail::putting_aside) { traits_.stashes = true; }  // NOLINT: converts on purpose

  template <class Records, class Reply, class... Links>
  effect(detail::draft<Records, Reply, Links...> d)  // NOLINT: converts on purpose
      : traits_{std::move(d.traits_)} {
    if constexpr (detail::can_persist<B>(static_cast<Records*>(nullptr))) take_records(d.records_);
    if constexpr (!std::is_same_v<Reply, detail::no_reply>) {
      if constexpr (std::is_invocable_r_v<R, const Reply&, const state&>) {
        reply_ = std::move(d.reply_);
      } else {
        (void)required::given_reply_of<B, R, Reply>;
      }
    } else if constexpr (!std::is_void_v<R>) {
      (void)required::reply_of<B, R>;
    }
    if constexpr ((detail::can_follow<B, Links>() && ...)) {
      std::apply([&](auto&... l) -> void { (take_link(l), ...); }, d.links_);
    }
  }

  [[nodiscard]] bool rejected() const noexcept { return refused_.has_value(); }
  [[nodiscard]] bool stashes() const noexcept { return traits_.stashes; }
  [[nodiscard]] bool unstashes() const noexcept { return traits_.unstashes; }
  [[nodiscard]] bool stops() const noexcept { return traits_.stops; }
  [[nodiscard]] bool passivates() const noexcept { return traits_.passivates; }
  [[nodiscard]] bool takes_snapshot() const noexcept { return traits_.snapshots; }
  [[nodiscard]] bool erases() const noexcept { return traits_.erases; }

  /// Why the command was turned down; only when `rejected()`.
  [[nodiscard]] const v0::error& error() const { return *refused_; }

  /// The events of an event-sourced behavior.
  [[nodiscard]] const std::vector<record>& events() const noexcept requires detail::has_events<B> {
    return records_;
  }

  /// What a durable-state behavior will be; null if the command leaves it as it is.
  [[nodiscard]] const record* new_state() const noexcept requires(!detail::has_events<B>) {
    return records_.empty() ? nullptr : &records_.front();
  }

  /// Free fields for the metadata of the events.
  [[nodiscard]] const detail::metadata_fields& metadata() const noexcept { return traits_.fields; }

  /// The answer, given the state after the events; nothing for `effect<B>`.
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

  /// True if something in the chain must see the state that this command produced.
  [[nodiscard]] bool runs() const noexcept { return runs_; }

 private:
  template <class Records>
  void take_records(Records & from) {
    if constexpr (requires { from.size(); }) {
      records_.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    } else if constexpr (std::tuple_size_v<Records> > 0) {
      std::apply(
          [&](auto&... r) -> void {
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

/// Stores the events, all or none of them, in this order; or, for a durable state, what it is now.
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

/// Changes nothing.
[[nodiscard]] inline auto none() { return detail::plain_draft({}); }

/// Erases a durable state: it is as at first, but its version goes on rising.
[[nodiscard]] inline auto erase() { return detail::plain_draft({.erases = true}); }

/// Changes nothing and stops the entity; the next command starts it again.
[[nodiscard]] inline auto stop() { return detail::plain_draft({.stops = true}); }

/// Changes nothing and stops the entity as soon as no command is on its way.
[[nodiscard]] inline auto passivate() { return detail::plain_draft({.passivates = true}); }

/// Changes nothing and saves a snapshot.
[[nodiscard]] inline auto snapshot() { return detail::plain_draft({.snapshots = true}); }

/// Puts this command aside, undecided, until `unstash_all` or `then_unstash`; then it is decided
/// before whatever waits, in the order of stashing. Past `stash_max` its caller gets `overloaded`.
/// It is also decided again when an append is lost, and when the entity stops and starts again.
[[nodiscard]] inline detail::putting_aside stash() { return {}; }

/// Changes nothing and has the stashed commands decided, before whatever waits.
[[nodiscard]] inline auto unstash_all() { return detail::plain_draft({.unstashes = true}); }

/// Changes nothing and asks the entity `id` of `Other`; see then_ask of what this returns.
template <class Other, class C, class F>
[[nodiscard]] auto ask(std::string id, C command, F answer) {
  return none().template then_ask<Other>(std::move(id), std::move(command), std::move(answer));
}

/// Turns the command down: the caller gets errc::rejected with `why`.
[[nodiscard]] inline detail::refusal reject(std::string why) {
  return {{errc::rejected, std::move(why)}};
}

/// There is no answer to this command in this state: the caller gets errc::unhandled, and so do the
/// system's dead letters.
[[nodiscard]] inline detail::refusal unhandled() {
  return {{errc::unhandled, "the behavior does not handle this command in this state"}};
}

}  // namespace nexus::inline v0
