// Tests a behavior as given events, a command, and expected effects. No actor, no journal.
//
//   using namespace nexus::testkit;
//   given<account>(deposited{100}).when(withdraw{30}).then(withdrawn{30}, replies(70));
//   given<account>().when(withdraw{30}).then(rejects("insufficient funds"));
//   given<transfer>(started{…}).when(held{}).then(held_at{…}, asks<account>("bob", deposit{30}));
//
// Events and states (and commands, if they have MSGPACK_DEFINE_MAP) pass through the behavior's
// serializer and back, so a field that is not stored is found. What the runtime would refuse to
// store is refused here, too: more events than events_per_command_max, events or states that are
// too large or nest too deep, invalid tags. `then` must name every event, every question with its
// delay and deadline, and every timer set or cancelled, each kind in its order; the reply and other
// parts of the effect are optional. It returns the scenario after the command. After Akka's
// EventSourcedBehaviorTestKit.
//
// Threads: values. Failures: a non-fatal failure of GoogleTest at the line of `when`.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/behavior.hpp"
#include "nexus/detail/model_of.hpp"
#include "nexus/entity_options.hpp"
#include "nexus/testkit/detail/difference.hpp"
#include "nexus/testkit/detail/expected.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Expects the answer `value`.
template <class V>
detail::replying<V> replies(V value) {
  return {std::move(value)};
}
/// Expects a rejection with this reason.
inline detail::rejecting rejects(std::string why) { return {std::move(why)}; }
/// Expects a question to another entity, with this delay and deadline or none; commands are
/// compared by their fields.
template <class Other, class C>
detail::asking_for<Other, C> asks(std::string id, C command, ask_options how = {}) {
  return {std::move(id), std::move(command), how};
}
/// Expects a timer (then_after); commands are compared by their fields.
template <class C>
detail::setting_timer<C> sets_timer(std::string key, time_span delay, C command,
                                    timer_options how = {}) {
  return {std::move(key), delay, std::move(command), how, false};
}
/// Expects a timer that waits for a time without commands (then_when_idle).
template <class C>
detail::setting_timer<C> sets_idle_timer(std::string key, time_span quiet, C command,
                                         timer_options how = {}) {
  return {std::move(key), quiet, std::move(command), how, true};
}
/// Expects the end of a timer (then_cancel).
inline detail::cancelling_timer cancels_timer(std::string key) { return {std::move(key)}; }
inline constexpr detail::being_unhandled is_unhandled{};
inline constexpr detail::doing stashes{&detail::effect_flags::stashes, "stashes"};
inline constexpr detail::doing unstashes{&detail::effect_flags::unstashes, "unstashes"};
inline constexpr detail::doing stops{&detail::effect_flags::stops, "stops"};
inline constexpr detail::doing passivates{&detail::effect_flags::passivates, "passivates"};
inline constexpr detail::doing takes_snapshot{&detail::effect_flags::snapshots, "takes a snapshot"};
inline constexpr detail::doing erases{&detail::effect_flags::erases, "erases"};

template <behavior B>
class scenario;

/// The outcome of a command, compared by `then`.
template <behavior B, class R>
class outcome {
 public:
  outcome(scenario<B> from, effect<B, R> e, const char* file, int line)
      : after_{std::move(from)}, effect_{std::move(e)}, file_{file}, line_{line} {
    after_.take(effect_, file_, line_);
  }

  /// Expects these events, questions and timers, each kind in order, and the other parts named.
  template <class... E>
  scenario<B> then(const E&... expected) {
    (check(expected), ...);
    const auto records = record_count();
    if (!rejected_ && effect_.rejected()) failure() << "rejected: " << effect_.error().message;
    if (records_ < records) failure() << "one more record is persisted: " << record_shown(records_);
    if (asks_ < questions().size()) {
      failure() << "one more question is asked: " << questions()[asks_]->entity_type() << "|"
                << questions()[asks_]->id();
    }
    if (timed_ < timers().size()) {
      const auto& more = *timers()[timed_];
      failure() << "one more timer is " << (more.command ? "set: " : "cancelled: ") << more.key;
    }
    return after_;
  }

 private:
  using question_ptr = std::shared_ptr<nexus::detail::asking<B>>;
  using timer_ptr = std::shared_ptr<const nexus::detail::timing<B>>;

  struct failing {
    std::ostringstream text;
    const char* file;
    int line;
    failing(const char* f, int l) : file{f}, line{l} {}
    ~failing() { ADD_FAILURE_AT(file, line) << text.str(); }
    template <class T>
    failing& operator<<(const T& value) {
      text << value;
      return *this;
    }
  };
  [[nodiscard]] failing failure() const { return {file_, line_}; }

  [[nodiscard]] std::size_t record_count() const {
    if constexpr (nexus::detail::has_events<B>) {
      return effect_.events().size();
    } else {
      return effect_.new_state() != nullptr ? 1 : 0;
    }
  }
  [[nodiscard]] std::string record_shown(std::size_t at) const {
    if constexpr (nexus::detail::has_events<B>) {
      return std::visit(
          []<class E>(const E& e) { return std::string{E::type_name} + " " + detail::shown<B>(e); },
          effect_.events()[at]);
    } else {
      return detail::shown<B>(*effect_.new_state());
    }
  }
  [[nodiscard]] std::vector<question_ptr> questions() const {
    std::vector<question_ptr> all;
    for (const auto& l : effect_.links()) {
      if (l.ask) all.push_back(l.ask);
    }
    return all;
  }
  [[nodiscard]] std::vector<timer_ptr> timers() const {
    std::vector<timer_ptr> all;
    for (const auto& l : effect_.links()) {
      if (l.timer) all.push_back(l.timer);
    }
    return all;
  }
  /// The next timer; null, and a failure, if there is none or it has another key.
  timer_ptr next_timer(const std::string& key, bool is_set) {
    const auto* what = is_set ? "set" : "cancel";
    const auto all = timers();
    if (timed_ >= all.size()) {
      failure() << "does not " << what << " the timer " << key;
      return nullptr;
    }
    auto found = all[timed_++];
    if (found->key == key && found->command.has_value() == is_set) return found;
    failure() << (found->command ? "sets" : "cancels") << " the timer " << found->key
              << ", expected to " << what << " " << key;
    return nullptr;
  }
  void compare(std::string_view what, time_span is, time_span expected) {
    if (std::chrono::nanoseconds{is} == std::chrono::nanoseconds{expected}) return;
    failure() << what << " is " << detail::shown_span(is) << ", expected "
              << detail::shown_span(expected);
  }

  // An event, or a state.
  template <class E>
    requires nexus::detail::is_record_of<B, E>
  void check(const E& expected) {
    if (records_ >= record_count()) {
      failure() << "is not persisted: " << detail::shown<B>(expected);
      return;
    }
    const auto at = records_++;
    std::optional<std::string> where{""};
    std::string wanted = detail::shown<B>(expected);
    if constexpr (nexus::detail::has_events<B>) {
      if (const auto* found = std::get_if<E>(&effect_.events()[at])) {
        where = detail::difference(*found, expected);
      }
      wanted = std::string{E::type_name} + " " + wanted;
    } else {
      where = detail::difference(*effect_.new_state(), expected);
    }
    if (!where) return;
    failure() << "persists " << record_shown(at) << ", expected " << wanted << detail::at(*where);
  }

  template <class V>
  void check(const detail::replying<V>& expected) {
    static_assert(!std::is_void_v<R>, "this command is answered with nothing");
    if (effect_.rejected()) return;  // `then` reports it
    const auto answer = effect_.reply(after_.state());
    if (answer && !(*answer == expected.value)) {
      failure() << "replies " << ::testing::PrintToString(*answer) << ", expected "
                << ::testing::PrintToString(expected.value);
    }
  }

  void check(const detail::rejecting& expected) {
    rejected_ = true;
    if (!effect_.rejected()) {
      failure() << "is not rejected";
    } else if (effect_.error().message != expected.why) {
      failure() << "rejected with \"" << effect_.error().message << "\", expected \""
                << expected.why << "\"";
    }
  }

  template <class Other, class C>
  void check(const detail::asking_for<Other, C>& expected) {
    const auto all = questions();
    const auto name = std::string{Other::entity_type} + "|" + expected.id;
    if (asks_ >= all.size()) {
      failure() << "does not ask " << name;
      return;
    }
    const auto& asked = *all[asks_++];
    const auto* q = dynamic_cast<const nexus::detail::question<B, Other, C>*>(&asked);
    if (q == nullptr || q->id() != expected.id) {
      failure() << "asks " << asked.entity_type() << "|" << asked.id()
                << (q == nullptr ? " (or another command)" : "") << ", expected " << name;
    } else if (const auto where = detail::difference(q->command(), expected.command)) {
      failure() << "asks " << name << " " << detail::shown<B>(q->command()) << ", expected "
                << detail::shown<B>(expected.command) << detail::at(*where);
    }
    compare("the delay of the question to " + name, asked.how().after, expected.how.after);
    compare("the deadline of the question to " + name, asked.how().within, expected.how.within);
  }

  template <class C>
  void check(const detail::setting_timer<C>& expected) {
    static_assert(nexus::detail::is_alternative<C, typename B::command>,
                  "the command of a timer is one of the behavior's");
    const auto set = next_timer(expected.key, true);
    if (set == nullptr) return;
    const auto name = "the timer " + expected.key;
    if (set->when_idle != expected.when_idle) {
      failure() << name << (set->when_idle ? " waits" : " does not wait")
                << " for a time without commands";
    }
    if (set->how.lets_passivate != expected.how.lets_passivate) {
      failure() << name << (set->how.lets_passivate ? " lets" : " does not let")
                << " the entity passivate";
    }
    compare(name, set->delay, expected.delay);
    const auto* command = std::get_if<C>(&*set->command);
    if (command == nullptr) {
      failure() << name << " brings another command than " << nexus::detail::type_name<C>();
    } else if (const auto where = detail::difference(*command, expected.command)) {
      failure() << name << " brings " << detail::shown<B>(*command) << ", expected "
                << detail::shown<B>(expected.command) << detail::at(*where);
    }
  }

  void check(const detail::cancelling_timer& expected) { (void)next_timer(expected.key, false); }

  void check(const detail::being_unhandled& /*expected*/) {
    rejected_ = true;
    if (!effect_.rejected() || effect_.error().code != errc::unhandled) {
      failure() << "expected that it is unhandled";
    }
  }

  void check(const detail::doing& expected) {
    if (!(effect_.flags().*expected.flag)) failure() << "expected that it " << expected.name;
  }

  scenario<B> after_;
  effect<B, R> effect_;
  const char* file_;
  int line_;
  std::size_t records_ = 0;
  std::size_t asks_ = 0;
  std::size_t timed_ = 0;
  bool rejected_ = false;
};

/// An entity and its state.
template <behavior B>
class scenario {
 public:
  using state_type = typename B::state;

  scenario() = default;
  explicit scenario(state_type s) : state_{std::move(s)} {}

  /// Sets the id that `decide` sees in its context.
  [[nodiscard]] scenario named(std::string id) const {
    auto made = *this;
    made.id_ = std::move(id);
    return made;
  }

  /// Sets the time that `decide` sees in its context.
  [[nodiscard]] scenario at(timestamp now) const {
    auto made = *this;
    made.now_ = now;
    return made;
  }

  /// Sets the bound events_per_command_max from `options`.
  [[nodiscard]] scenario with(const entity_options& options) const {
    auto made = *this;
    made.limits_.events_max = options.events_per_command_max;
    return made;
  }

  template <class C>
  [[nodiscard]] outcome<B, reply_t<B, C>> when(const C& command,
                                               const char* file = __builtin_FILE(),
                                               int line = __builtin_LINE()) const {
    const context c{id_, number_ + 1, now_, header_};
    if constexpr (nexus::detail::mapped<C>) {
      const auto read = detail::stored_and_read<B>(command, file, line);
      return led_to(nexus::decide<B>(state_, read, c), c, file, line);
    } else {
      return led_to(nexus::decide<B>(state_, command, c), c, file, line);
    }
  }

  /// The outcome of `on_recovered`.
  [[nodiscard]] outcome<B, void> when_recovered(const char* file = __builtin_FILE(),
                                                int line = __builtin_LINE()) const {
    const context c{id_, number_ + 1, now_, header_};
    return led_to(nexus::detail::recovered_of<B>{}(state_, c), c, file, line);
  }

  [[nodiscard]] const state_type& state() const noexcept { return state_; }

  /// Applies events, stored and read.
  template <class E>
  void apply(const E& event, const char* file, int line) {
    B::apply(state_, detail::stored_and_read<B>(event, file, line));
    ++number_;
  }

 private:
  template <behavior, class>
  friend class outcome;

  template <class R>
  outcome<B, R> led_to(effect<B, R> e, const context& c, const char* file, int line) const {
    return {*this, detail::storable<B>(std::move(e), header_, c, limits_), file, line};
  }

  template <class R>
  void take(const effect<B, R>& e, const char* file, int line) {
    if constexpr (nexus::detail::has_events<B>) {
      for (const auto& event : e.events()) {
        std::visit([&](const auto& one) { apply(one, file, line); }, event);
      }
    } else if (e.erases()) {
      state_ = state_type{};
      ++number_;
    } else if (const auto* next = e.new_state()) {
      state_ = *next;
      ++number_;
    }
    state_ = detail::stored_and_read<B>(state_, file, line);
  }

  state_type state_{};
  std::string id_ = "test";
  timestamp now_{};
  sequence_nr number_ = 0;
  call_header header_{};
  nexus::detail::decision_limits limits_{};
};

/// An entity with these past events; or, for a durable state, this state or none.
template <behavior B, class... E>
[[nodiscard]] scenario<B> given(const E&... before) {
  if constexpr (nexus::detail::has_events<B>) {
    scenario<B> made;
    (made.apply(before, __FILE__, __LINE__), ...);
    return made;
  } else {
    static_assert(sizeof...(E) <= 1, "a durable state has one state");
    return scenario<B>{typename B::state{before...}};
  }
}

}}}  // namespace nexus::v0::testkit
