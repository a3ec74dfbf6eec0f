// Tests a behavior as given events, a command, and expected effects. No actor, no journal.
//
//   using namespace nexus::testkit;
//   given<account>(deposited{100}).when(withdraw{30}).then(withdrawn{30}, replies(70));
//   given<account>().when(withdraw{30}).then(rejects("insufficient funds"));
//   given<transfer>(started{…}).when(held{}).then(held_at{…}, asks<account>("bob", deposit{30}));
//   given<hold>(reserved{…}).at(noon).then_alarm(noon + 15min, expire{})
//       .advance(15min).when_alarm<expire>().then(expired{}).then_no_alarm();
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
#include "nexus/detail/saturating.hpp"
#include "nexus/entity_options.hpp"
#include "nexus/testkit/detail/difference.hpp"
#include "nexus/testkit/detail/expected.hpp"
#include "nexus/testkit/expectations.hpp"  // IWYU pragma: export
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

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
      failure() << "one more question is asked, or watch begun: "
                << questions()[asks_]->entity_type() << "|" << questions()[asks_]->id();
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

  template <class Other>
  void check(const detail::watching_for<Other>& expected) {
    const auto name = std::string{Other::entity_type} + "|" + expected.id;
    check_watch(name, [&](const question_ptr& is) {
      return is->id() == expected.id &&
             dynamic_cast<const nexus::detail::entity_watch<B, Other>*>(is.get()) != nullptr;
    });
  }
  template <class Actor>
  void check(const detail::watching_actor<Actor>& expected) {
    check_watch("caf|" + nexus::detail::actor_label(expected.who), [&](const question_ptr& is) {
      const auto* w = dynamic_cast<const nexus::detail::actor_watch<B, Actor>*>(is.get());
      return w != nullptr && w->who() == expected.who;
    });
  }
  template <class Is>
  void check_watch(const std::string& name, Is is_it) {
    const auto all = questions();
    if (asks_ >= all.size()) {
      failure() << "does not watch " << name;
      return;
    }
    const auto& found = all[asks_++];
    if (is_it(found)) return;
    failure() << "asks or watches " << found->entity_type() << "|" << found->id()
              << ", expected that it watches " << name;
  }

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
  using state_type = state_t<B>;

  scenario() = default;
  explicit scenario(state_type s) : state_{std::move(s)} {}

  /// Sets the id that `decide` sees in its context.
  [[nodiscard]] scenario named(std::string id) const {
    auto made = *this;
    made.id_ = std::move(id);
    return made;
  }

  /// Sets the number of the last event, or the version: `decide` sees the next one in its context.
  /// The state stays as it is.
  [[nodiscard]] scenario at_number(sequence_nr last) const {
    auto made = *this;
    made.number_ = last;
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

  /// Moves the time that `decide` sees in its context.
  [[nodiscard]] scenario advance(time_span d) const {
    auto made = *this;
    const auto by =
        nexus::detail::saturated<std::chrono::microseconds>(std::chrono::nanoseconds{d});
    made.now_ = timestamp{nexus::detail::saturated_sum(now_.time_since_epoch(), by)};
    return made;
  }

  /// Expects that the state wants to be woken at `due` with `command`.
  template <class C>
  scenario then_alarm(timestamp due, const C& command, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) const {
    const auto wanted = alarm_of(file, line);
    if (!wanted) return *this;
    if (wanted->due != due) {
      ADD_FAILURE_AT(file, line) << "its alarm is due at " << shown_time(wanted->due)
                                 << ", expected " << shown_time(due);
    }
    const auto* found = std::get_if<C>(&wanted->command);
    if (found == nullptr) {
      ADD_FAILURE_AT(file, line) << "its alarm names another command, expected "
                                 << nexus::detail::type_name<C>();
    } else if (const auto where = detail::difference(*found, command)) {
      ADD_FAILURE_AT(file, line) << "its alarm names " << detail::shown<B>(*found) << ", expected "
                                 << detail::shown<B>(command) << detail::at(*where);
    }
    return *this;
  }

  /// Expects that the state does not want to be woken.
  scenario then_no_alarm(const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    if (const auto wanted = B::alarm(state_)) {
      ADD_FAILURE_AT(file, line) << "it has an alarm, due at " << shown_time(wanted->due);
    }
    return *this;
  }

  /// The outcome of the command of its alarm, which must be a `C`. The alarm must be due: see `at`
  /// and `advance`.
  template <class C>
  [[nodiscard]] outcome<B, reply_t<B, C>> when_alarm(const char* file = __builtin_FILE(),
                                                     int line = __builtin_LINE()) const {
    C command{};
    if (const auto wanted = alarm_of(file, line)) {
      if (wanted->due > now_) {
        ADD_FAILURE_AT(file, line) << "its alarm is due at " << shown_time(wanted->due)
                                   << ", and it is " << shown_time(now_);
      }
      if (const auto* found = std::get_if<C>(&wanted->command)) {
        command = *found;
      } else {
        ADD_FAILURE_AT(file, line)
            << "its alarm names another command, expected " << nexus::detail::type_name<C>();
      }
    }
    return when(command, file, line);
  }

  [[nodiscard]] const state_type& state() const noexcept { return state_; }

  /// Applies events, stored and read; of a type in `old_event`, what it is adapted to.
  template <class E>
  void apply(const E& event, const char* file, int line) {
    ++number_;
    const auto read = detail::stored_and_read<B>(event, file, line);
    if constexpr (nexus::detail::is_alternative<E, typename B::event>) {
      B::apply(state_, read);
    } else {
      auto each = [&](const auto& one) { B::apply(state_, one); };
      if (auto done = nexus::detail::adapt_to<B>(read, each); !done) {
        ADD_FAILURE_AT(file, line) << E::type_name << ": " << done.error().message;
      }
    }
  }

 private:
  template <behavior, class>
  friend class outcome;

  [[nodiscard]] auto alarm_of(const char* file, int line) const {
    auto wanted = B::alarm(state_);
    if (!wanted) ADD_FAILURE_AT(file, line) << "it has no alarm";
    return wanted;
  }
  // In microseconds since 1970, as stored.
  static std::string shown_time(timestamp t) {
    return std::to_string(t.time_since_epoch().count()) + " us";
  }

  template <class R>
  outcome<B, R> led_to(effect<B, R> e, const context& c, const char* file, int line) const {
    if constexpr (!nexus::detail::has_events<B>) e.resolve(state_);
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
    if constexpr (!nexus::detail::has_row<B>) {
      state_ = detail::stored_and_read<B>(state_, file, line);
    }
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
    using state = state_t<B>;
    if constexpr ((std::is_same_v<E, state> && ...)) {
      return scenario<B>(state(before...));  // braces would make a container of a container
    } else {
      return scenario<B>(state{before...});
    }
  }
}

}}}  // namespace nexus::v0::testkit
