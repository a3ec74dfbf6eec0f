// id → live actor: the part of `entities` that does not depend on user types.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/detail/entity_model.hpp"
#include "nexus/entity_options.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Asks how an entity ends, see entity_ref::watch.
class watch_call final : public call, public answer_slot<ending> {
 public:
  watch_call() noexcept;

  void ended(ending why) {
    answer.emplace(why);
    complete();
  }

 private:
  void set_error(error why) noexcept override {
    answer.emplace(tl::unexpected<error>(std::move(why)));
  }
};

/// CAF actors that the entities of one type watch at a time.
inline constexpr std::size_t actor_watches_max = 100'000;

/// The address of a behavior's tag identifies its C++ type.
template <class B>
inline constexpr char behavior_tag = 0;

/// The facts about a behavior that a directory needs.
struct behavior_info {
  std::string_view entity_type;
  bool of_state;  ///< durable-state instead of event-sourced
  std::unique_ptr<entity_model> (*make_model)(std::string_view id);
  const void* tag;
  std::span<const std::string_view> commands;  ///< the commands' names, in the order of the variant
  std::string_view cpp_name;                   ///< the name of the behavior
  std::string fault;  ///< the error in its stored names, see fault_of_all_names; empty: none
  /// The version of its `alarm`; 0: it has none.
  std::uint32_t alarm_version = 0;
  /// Where these entities are stored, given the store that they were opened with; null: there.
  result<store> (*storage)(const store& in) = nullptr;
};

enum class admission : std::uint8_t {
  outside,  ///< bounded; refused once an ordered shutdown has begun
  inside,   ///< bounded: an entity asks one of another type
  kin,      ///< bounded: an entity asks one of its own type
  always    ///< for answers that an entity waits for, and its commands to itself
};

class entity_directory {
 public:
  class slot;
  using slot_ref = std::shared_ptr<slot>;

  [[nodiscard]] static std::shared_ptr<entity_directory> make(const behavior_info& of, system& sys,
                                                              const store& in,
                                                              const entity_options& options);
  virtual ~entity_directory() = default;

  /// The entities of `type` on `sys`; null if there are none.
  [[nodiscard]] static std::shared_ptr<entity_directory> on(system& sys, std::string_view type);

  /// The entities of `type` on the system of these; null if there are none.
  [[nodiscard]] virtual std::shared_ptr<entity_directory> beside(std::string_view type) const = 0;

  /// The error of all entities of this directory, e.g. its name is taken.
  [[nodiscard]] virtual result<void> status() const = 0;

  /// See behavior_tag.
  [[nodiscard]] virtual const void* behavior() const = 0;

  /// As spelled in C++.
  [[nodiscard]] virtual std::string_view behavior_name() const = 0;

  /// The slot of the live entity, if it is live.
  [[nodiscard]] virtual slot_ref find(std::string_view id) const = 0;

  /// Sends to the entity, and starts it if needed. `known` saves the look-up while the entity is
  /// live. On failure the command was not taken, and the call is answered with the failure.
  [[nodiscard]] virtual result<void> send(std::string_view id, const slot_ref& known,
                                          entity_call& c, envelope e, admission by) = 0;

  /// Answers `c` when the live entity ends, with the reason. The gate does not count it.
  virtual void watch(std::string_view id, call& c, envelope e) = 0;

  [[nodiscard]] virtual std::size_t live() const = 0;
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady() const = 0;

  /// A call that is due later: when, and its number.
  using later_call = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;

  /// Calls `f(true)` after `delay`, on a thread of the scheduler, or `f(false)` when these entities
  /// stop before; `f` must not throw. Fails with `stopped` if they have, and with `overloaded` if
  /// too many calls are due.
  [[nodiscard]] virtual result<later_call> call_later(time_span delay,
                                                      std::function<void(bool due)> f) = 0;
  /// Forgets such a call, unless it has begun.
  virtual void forget(const later_call& what) = 0;

  /// True once a shutdown, or the end of these entities, has begun.
  [[nodiscard]] virtual bool is_ending() const noexcept = 0;

  /// Bracket a question to another entity: the asker is not at rest until the answer is back.
  virtual void question_asked() noexcept = 0;
  virtual void question_answered() noexcept = 0;

  /// Bracket the watch of a CAF actor. False: too many are watched.
  [[nodiscard]] virtual bool actor_watched() noexcept = 0;
  virtual void actor_ended() noexcept = 0;
  [[nodiscard]] virtual ulid next_id() = 0;

  /// The header of a command caused by `cause`.
  [[nodiscard]] call_header caused_by(const call_header& cause) {
    call_header made;
    made.command_id = next_id();
    made.correlation_id = cause.correlation_id.empty() ? cause.command_id : cause.correlation_id;
    made.causation_id = cause.command_id;
    made.traceparent = cause.traceparent;
    made.tracestate = cause.tracestate;
    made.deadline = cause.deadline;
    return made;
  }

  /// Refuses new commands, finishes the work in flight and waits until every entity has stopped. On
  /// a thread that must not wait it does not wait, and undecided commands are answered `stopped`.
  virtual void close() = 0;
};

}}}
