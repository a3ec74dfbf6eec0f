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
#include "nexus/detail/fitting.hpp"
#include "nexus/effect_options.hpp"
#include "nexus/result.hpp"

namespace nexus { inline namespace v0 {

namespace detail {

/// The part of an effect that does not depend on the type of its answer.
template <class B>
class effect_body {
 public:
  using state = state_t<B>;
  using link = chain_link<B>;
  /// The stored type of the behavior: its event variant, or its state.
  using record = record_t<B>;

  [[nodiscard]] bool rejected() const noexcept { return refused_.has_value(); }
  [[nodiscard]] bool stashes() const noexcept { return traits_.flags.stashes; }
  [[nodiscard]] bool unstashes() const noexcept { return traits_.flags.unstashes; }
  [[nodiscard]] bool stops() const noexcept { return traits_.flags.stops; }
  [[nodiscard]] bool passivates() const noexcept { return traits_.flags.passivates; }
  [[nodiscard]] bool takes_snapshot() const noexcept { return traits_.flags.snapshots; }
  [[nodiscard]] bool erases() const noexcept { return traits_.flags.erases; }

  /// Why the command was rejected; only if `rejected()`.
  [[nodiscard]] const v0::error& error() const { return *refused_; }

  /// The events of an event-sourced behavior.
  [[nodiscard]] const std::vector<record>& events() const noexcept
    requires has_events<B>
  {
    return records_;
  }

  /// The new state of a durable-state behavior; null if the command leaves it unchanged.
  [[nodiscard]] const record* new_state() const noexcept
    requires(!has_events<B>)
  {
    return records_.empty() ? nullptr : &records_.front();
  }

  /// Calls the function that the effect persists, if it is one, on a copy of `now`: the result is
  /// the new state.
  void resolve(const state& now) {
    if (!change_) return;
    auto next = now;
    std::exchange(change_, nullptr)(next);
    records_.push_back(std::move(next));
  }

  /// User fields for the metadata of the events.
  [[nodiscard]] const metadata_fields& metadata() const noexcept { return traits_.fields; }

  [[nodiscard]] std::vector<link>& links() noexcept { return links_; }
  [[nodiscard]] const std::vector<link>& links() const noexcept { return links_; }
  [[nodiscard]] std::size_t links_before_reply() const noexcept {
    return traits_.links_before_reply;
  }

  /// True if the chain has a then_run, which needs the state that this command produced.
  [[nodiscard]] bool runs() const noexcept { return traits_.flags.runs; }

  /// All of the above that are yes or no.
  [[nodiscard]] const effect_flags& flags() const noexcept { return traits_.flags; }

 protected:
  explicit effect_body(effect_traits t) : traits_{std::move(t)} {}
  explicit effect_body(v0::error refused) : refused_{std::move(refused)} {}
  effect_body(effect_body&&) noexcept = default;
  effect_body(const effect_body&) = default;
  effect_body& operator=(effect_body&&) noexcept = default;
  effect_body& operator=(const effect_body&) = default;
  ~effect_body() = default;

  void take_records(no_records&) {}
  // push_back and not emplace_back, which would be compiled for each type of event. Parentheses:
  // braces would make a container of a container.
  template <class E>
  void take_records(one_record<E>& from) {
    if constexpr (changes_state<B, E>) {
      change_ = std::move(from.record);
    } else {
      records_.push_back(record(std::move(from.record)));
    }
  }
  template <class... E>
  void take_records(std::tuple<E...>& from) {
    records_.reserve(sizeof...(E));
    std::apply([this](E&... each) { (records_.push_back(record(std::move(each))), ...); }, from);
  }
  // The vector may be a state itself.
  template <class E>
  void take_records(std::vector<E>& from) {
    if constexpr (is_record_of<B, std::vector<E>>) {
      records_.push_back(record(std::move(from)));
    } else {
      records_.reserve(from.size());
      for (auto& one : from) records_.push_back(record(std::move(one)));
    }
  }
  void take_records(std::vector<record>& from) { records_ = std::move(from); }

  void take_links(no_links&) {}
  template <class Before, class Link>
  void take_links(links_and<Before, Link>& all) {
    take_links(all.before);
    if constexpr (requires { typename Link::asked_behavior; }) {
      links_.push_back({.run = {}, .ask = all.link.template bind<B>(), .timer = {}});
    } else if constexpr (requires { typename Link::timed_command; }) {
      links_.push_back({.run = {}, .ask = {}, .timer = all.link.template bind<B>()});
    } else {
      links_.push_back({.run = std::move(all.link), .ask = {}, .timer = {}});
      traits_.flags.runs = true;
    }
  }

  const std::optional<v0::error>& refused() const noexcept { return refused_; }

 private:
  effect_traits traits_;
  std::vector<record> records_;
  std::function<void(state&)> change_;
  std::vector<link> links_;
  std::optional<v0::error> refused_;
};

}

/// The effect of a command of behavior `B` that is answered with an `R`.
template <class B, class R = void>
class [[nodiscard("an effect does nothing unless decide returns it")]] effect
    : public detail::effect_body<B> {
  using body = detail::effect_body<B>;

 public:
  using reply_type = R;
  using state = state_t<B>;

  effect(detail::refusal r) : body{std::move(r.why)} {}  // NOLINT: converts on purpose
  effect(detail::putting_aside)                          // NOLINT: converts on purpose
      : body{detail::effect_traits{.flags = {.stashes = true}}} {}

  template <class Records, class Reply, class Links>
  effect(detail::draft<Records, Reply, Links> d)  // NOLINT: converts on purpose
      : body{std::move(d.traits_)} {
    if constexpr (detail::can_persist<B>(static_cast<Records*>(nullptr))) {
      this->take_records(d.records_);
    }
    if constexpr (!std::is_same_v<Reply, detail::no_reply>) {
      if constexpr (detail::answers_failures<Reply>) {
        static_assert(!std::is_void_v<R>, "the command has no reply that could take its place");
        static_assert(
            std::is_invocable_r_v<R, decltype(d.reply_.instead)&, const v0::error&>,
            "then_reply_on_failure takes a callable from const nexus::error& to the reply");
        on_failure_ = std::move(d.reply_.instead);
      }
      if constexpr (std::is_invocable_r_v<R, const Reply&, const state&>) {
        reply_ = std::move(d.reply_);
      } else {
        (void)required::given_reply_of<B, R, Reply>;
      }
    } else if constexpr (!std::is_void_v<R>) {
      (void)required::reply_of<B, R>;
    }
    if constexpr (detail::can_follow_all<B>(static_cast<Links*>(nullptr))) {
      this->take_links(d.links_);
    }
  }

  /// The answer, for the state after the events; nothing for `effect<B>`.
  [[nodiscard]] result<R> reply(const state& after) const {
    if (this->refused()) return fail(*this->refused());
    if constexpr (std::is_void_v<R>) {
      if (reply_) reply_(after);
      return {};
    } else {
      return reply_(after);
    }
  }

  /// What is answered in place of the error if the command is not stored; may be empty.
  [[nodiscard]] const std::function<R(const v0::error&)>& on_failure() const noexcept {
    return on_failure_;
  }

 private:
  std::function<R(const state&)> reply_;
  std::function<R(const v0::error&)> on_failure_;
};

/// Stores the events, all or none of them, in this order. For a durable state or a row: stores the
/// new one; or what a function makes of it: `persist([](state& s) { s.paid = true; })`.
template <class... E>
[[nodiscard]] auto persist(E... records) {
  static_assert(sizeof...(E) > 0, "persist takes at least one event");
  if constexpr (sizeof...(E) == 1) {
    return detail::draft<detail::one_record<E...>, detail::no_reply>{{std::move(records)...}};
  } else {
    return detail::draft<std::tuple<E...>, detail::no_reply>{
        std::tuple<E...>{std::move(records)...}};
  }
}

/// Stores the events, all or none of them; an empty vector stores nothing. For a durable state that
/// is a vector: stores that vector.
template <class E>
[[nodiscard]] auto persist(std::vector<E> events) {
  return detail::draft<std::vector<E>, detail::no_reply>{std::move(events)};
}

/// Changes nothing and answers `value`.
template <class V>
[[nodiscard]] auto reply(V value) {
  return detail::draft<detail::no_records, detail::constant_reply<V>>{{}, {std::move(value)}};
}

/// Changes nothing and answers nothing.
[[nodiscard]] inline auto none() { return detail::plain_draft({}); }

/// Erases a durable state: it starts again as a default state, but its version keeps rising.
[[nodiscard]] inline auto erase() { return detail::plain_draft({.erases = true}); }

/// Deletes a relational entity's row, or erases a durable state, and stops the entity.
[[nodiscard]] inline auto remove() { return detail::plain_draft({.erases = true, .stops = true}); }

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
[[nodiscard]] auto ask(std::string id, C command, F answer, ask_options how = {}) {
  return none().template then_ask<Other>(std::move(id), std::move(command), std::move(answer), how);
}

/// Changes nothing and sets a timer; see then_after.
template <class C>
[[nodiscard]] auto after(std::string key, time_span delay, C command, timer_options how = {}) {
  return none().then_after(std::move(key), delay, std::move(command), how);
}

/// Changes nothing and sets a timer for a time without commands; see then_when_idle.
template <class C>
[[nodiscard]] auto when_idle(std::string key, time_span quiet, C command, timer_options how = {}) {
  return none().then_when_idle(std::move(key), quiet, std::move(command), how);
}

/// Changes nothing and cancels a timer; see then_cancel.
[[nodiscard]] inline auto cancel(std::string key) { return none().then_cancel(std::move(key)); }

/// Changes nothing and watches the entity `id` of `Other`; see then_watch.
template <class Other, class F>
[[nodiscard]] auto watch(std::string id, F answer) {
  return none().template then_watch<Other>(std::move(id), std::move(answer));
}

/// Changes nothing and watches a CAF actor; see then_watch.
template <class F, std::same_as<caf::actor> Actor>
[[nodiscard]] auto watch(Actor who, F answer) {
  return none().then_watch(std::move(who), std::move(answer));
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

}}  // namespace nexus::v0
