// The state machine's view of a behavior: commands that decide themselves, and a model that holds
// the state. Without user types, so one machine serves every behavior.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nexus/call.hpp"
#include "nexus/context.hpp"
#include "nexus/detail/draft.hpp"
#include "nexus/detail/event_batch.hpp"
#include "nexus/journal.hpp"

namespace nexus { inline namespace v0 { namespace detail {

class entity_host;

/// See entity_options::events_per_command_max.
inline constexpr std::size_t events_per_command_default = 10'000;

/// The state of one entity.
class entity_model {
 public:
  virtual ~entity_model() = default;

  /// Drops the state. `begin` or `restore` must follow before the next use.
  virtual void reset() = 0;

  /// Makes the state of an entity without events. The user's constructor may throw.
  [[nodiscard]] virtual result<void> begin() {
    reset();
    return {};
  }

  /// Continues from a snapshot. The error does not name the entity.
  [[nodiscard]] virtual result<void> restore(const stored_snapshot& from) = 0;

  /// Applies a stored event. The error does not name the entity.
  [[nodiscard]] virtual result<void> replay(const event_view& event) = 0;

  /// The encoded current state; type, version, codec and data are set.
  [[nodiscard]] virtual result<stored_snapshot> encode_snapshot() const = 0;

  /// The call for `on_recovered` of the behavior; empty if it has none. The call is not counted,
  /// and no caller waits for its answer.
  [[nodiscard]] virtual envelope recovered_call() { return {}; }

  /// Whether the behavior has `alarm`.
  [[nodiscard]] virtual bool has_alarm() const noexcept { return false; }

  /// When the state wants to be woken. After `begin`, `restore` and `replay` it is known only when
  /// `look_at_alarm` was called; it calls the behavior's `alarm`, whose error does not name the
  /// entity.
  [[nodiscard]] const std::optional<timestamp>& due() const noexcept { return due_; }
  [[nodiscard]] virtual result<void> look_at_alarm() { return {}; }

  /// The call for the command that the state's alarm names; empty if it names none. The call is not
  /// counted, and no caller waits for its answer.
  [[nodiscard]] virtual result<envelope> alarm_call() { return envelope{}; }

  /// Whether there is no state, so that each command has to read it again.
  [[nodiscard]] virtual bool looks_again() const noexcept { return false; }

  /// Whether the behavior has `on_recovered`. Its work continues without a command, so the entity
  /// restarts by itself after a storage failure.
  [[nodiscard]] virtual bool is_process() const noexcept { return false; }

 protected:
  std::optional<timestamp> due_{};
};

/// The outcome of deciding a command.
struct decision {
  effect_flags flags{};
  bool rebuilds = false;  ///< apply threw: nothing was persisted, and the state is unusable
  bool failed = false;    ///< decide or apply threw: supervision decides what happens
  bool pauses = false;    ///< before the rebuild, longer each time until something is stored

  friend bool operator==(const decision&, const decision&) = default;
};

/// Bounds of a decision. A command past them is answered `too_large`, or `overloaded` if the stash
/// is full.
struct decision_limits {
  std::size_t event_bytes_max = journal_limits{}.payload_bytes_max;
  std::size_t events_max = events_per_command_default;
  std::size_t events_bytes_max = journal_limits{}.request_bytes_max;  ///< of one command's events
  bool by_journal = false;  ///< `events_max` is the journal's bound: no option can raise it
  bool stash_full = false;
};

/// A command on its way through an entity.
class entity_call : public call {
 public:
  static constexpr std::uint8_t no_index = 255;

  /// Decides on the state of `model`: adds events to `out`, applies them, and keeps the answer.
  [[nodiscard]] virtual decision decide(entity_model& model, const context& c,
                                        const decision_limits& limits,
                                        event_batch& out) noexcept = 0;

  /// Called when everything is durable: runs the chain on the state of `model` and gives the
  /// answer.
  virtual void finish(const entity_model& model, entity_host& host) noexcept = 0;

  /// The pending answer, if it is an error.
  [[nodiscard]] virtual const error* refusal() const noexcept { return nullptr; }

  /// The check of a verified command, that no other writer has written meanwhile.
  enum class check : std::uint8_t { none, wanted, under_way };

  check verify = check::none;
  std::uint8_t index = no_index;  ///< the index of the command in the behavior's variant
  std::uint32_t size_bytes = 0;   ///< its share of the bounds by bytes
  bool chained = false;           ///< as decided: it has a chain that may ask others
  bool from_outside = false;      ///< as it was admitted
  bool counted = true;            ///< by the gate; false for commands that the entity sends itself
  effect_flags flags{};           ///< as decided
  bool told = false;              ///< no caller hears how it ends; the dead letters do
  std::uint64_t timer = 0;        ///< the number of the timer that brought it; 0: none
  /// The answer to a question of the entity, which a process needs to go on. It passes every bound,
  /// survives storage failures, and is decided again if its append is lost.
  bool own = false;
  bool looked = false;  ///< a read of the state began after it came
  /// It is `own`, and tells that a watched actor ended: no question waits for it.
  bool of_watch = false;
  /// The command of the entity's alarm. It is never decided again: by then the state may name
  /// another one.
  bool alarm = false;
  std::uint32_t retries = 0;      ///< how often another writer was first and it was decided again
  sequence_nr releasable_at = 0;  ///< the number that must be durable before the answer
  entity_call* next = nullptr;    ///< in the list that holds it

 protected:
  entity_call() noexcept;
};

/// A list of calls, without allocations. Holds an envelope of each.
class call_list {
 public:
  call_list() = default;
  call_list(const call_list&) = delete;
  call_list& operator=(const call_list&) = delete;
  ~call_list() {
    while (!empty()) pop();
  }

  void push(envelope e) noexcept {
    auto* c = static_cast<entity_call*>(e.detach());
    c->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = c;
    last_ = c;
    count_in(*c);
  }

  /// Inserts all of `first`, in its order, before the calls in this list.
  void prepend(call_list& first) noexcept {
    if (first.empty()) return;
    first.last_->next = first_;
    if (last_ == nullptr) last_ = first.last_;
    first_ = std::exchange(first.first_, nullptr);
    first.last_ = nullptr;
    size_ += std::exchange(first.size_, 0);
    counted_ += std::exchange(first.counted_, 0);
    bytes_ += std::exchange(first.bytes_, 0);
  }

  envelope pop() noexcept {
    auto* c = first_;
    first_ = c->next;
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    counted_ -= c->counted ? 1 : 0;
    bytes_ -= c->size_bytes;
    return envelope::adopt(c);
  }

  /// Calls `f` with each call, in order.
  template <class F>
  void each(F f) const {
    for (auto* c = first_; c != nullptr; c = c->next) f(*c);
  }

  [[nodiscard]] entity_call& front() const noexcept { return *first_; }
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t counted() const noexcept { return counted_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  void count_in(const entity_call& c) noexcept {
    ++size_;
    counted_ += c.counted ? 1 : 0;
    bytes_ += c.size_bytes;
  }

  entity_call* first_ = nullptr;
  entity_call* last_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t counted_ = 0;  // the calls that the gate counted
};

class entity_directory;

/// A timer as an effect sets it.
struct timer_wish {
  std::string key;
  envelope command;  ///< an entity_call
  std::chrono::nanoseconds delay{};
  bool when_idle = false;  ///< the delay begins again with each command that no timer brought
  bool lets_passivate = false;
};

/// The surroundings of an entity, as far as the end of a command needs them.
class entity_host {
 public:
  virtual ~entity_host() = default;

  /// The entity's directory and id, for answers that come back as commands.
  [[nodiscard]] virtual std::shared_ptr<entity_directory> own_directory() = 0;
  [[nodiscard]] virtual const persistence_id& own_id() const = 0;

  /// The entities of another type on this system; null if there are none.
  [[nodiscard]] virtual std::shared_ptr<entity_directory> directory_of(std::string_view type) = 0;

  /// Timers of the entity; an error means that there are too many.
  [[nodiscard]] virtual result<void> set_timer(timer_wish what) = 0;
  virtual void cancel_timer(std::string_view key) = 0;

  /// Reports that the behavior does not handle this command.
  virtual void unhandled(const entity_call& c, const error& why) = 0;

  /// A question was sent to another entity; its answer comes back as a command with `own`.
  virtual void question_sent() noexcept {}

  /// Reports that a link of the chain of `c` failed: a then_run or the mapping of a then_ask threw,
  /// or a timer could not be set. The command stands.
  virtual void chain_threw(const entity_call& /*c*/, const error& /*why*/) noexcept {}
};

/// The metadata stored with an event, as a msgpack map; valid until the thread's next call.
[[nodiscard]] std::string_view encode_metadata(const call_header& command,
                                               const metadata_fields& fields);

/// The error for more events, or bytes of events, than one command may persist.
[[nodiscard]] error too_many_events(std::size_t count, const decision_limits& limits);
[[nodiscard]] error too_many_bytes(std::size_t bytes, const decision_limits& limits);

/// "type|id: where threw: what". Call it while the exception is being handled.
[[nodiscard]] error threw(errc code, std::string_view entity_type, std::string_view id,
                          std::string_view where);

/// The message of the exception being handled.
[[nodiscard]] std::string what_was_thrown();

/// Runs a callback of the user that returns nothing or a result<void>. An exception becomes `code`.
template <class F>
[[nodiscard]] result<void> guarded(errc code, std::string_view what, F f) {
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      return {};
    } else {
      return f();
    }
  } catch (...) {
    return fail(code, std::string{what}.append(" threw: ").append(what_was_thrown()));
  }
}

}}}
