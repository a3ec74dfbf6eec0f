// What the entity state machine sees of a behavior: commands that decide themselves, and a model that
// holds the state. No type of the user's shows here, so one machine serves every behavior.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nexus/call.hpp"
#include "nexus/context.hpp"
#include "nexus/event_batch.hpp"
#include "nexus/journal.hpp"

namespace nexus::inline v0::detail {

/// The state of one entity.
class entity_model {
 public:
  virtual ~entity_model() = default;

  /// Back to the state of an entity with no events.
  virtual void reset() = 0;

  /// Continues from a snapshot. Its error says what is wrong, without naming the entity.
  [[nodiscard]] virtual result<void> restore(const stored_snapshot& from) = 0;

  /// Applies a stored event. Likewise.
  [[nodiscard]] virtual result<void> replay(const event_view& event) = 0;

  /// The state now, encoded: type, version, codec and data are filled in.
  [[nodiscard]] virtual result<stored_snapshot> encode_snapshot() const = 0;
};

/// What deciding a command came to.
struct decision {
  bool runs = false;      ///< a then_run waits: nothing later may be decided before
  bool stops = false;     ///< the entity stops once this is durable
  bool rebuilds = false;  ///< apply threw: nothing was persisted, and the state is spoilt

  friend bool operator==(const decision&, const decision&) = default;
};

/// Bounds that a decision keeps to; past them the command is answered `too_large`.
struct decision_limits {
  std::size_t event_bytes_max = std::size_t{64} << 20;
  std::size_t events_max = 100'000;
};

/// A command on its way through an entity.
class entity_call : public call {
 public:
  static constexpr std::uint8_t message_kind = 1;

  /// Decides on `model`'s state: adds events to `out`, applies them, and keeps the answer.
  [[nodiscard]] virtual decision decide(entity_model& model, const context& c,
                                        const decision_limits& limits,
                                        event_batch& out) noexcept = 0;

  /// Everything is durable: runs the chain on `model`'s state and gives the answer.
  virtual void finish(const entity_model& model) noexcept = 0;

  std::uint32_t size_bytes = 0;   ///< what it counts toward the bounds by bytes
  sequence_nr releasable_at = 0;  ///< the number that must be durable before the answer
  entity_call* next = nullptr;    ///< in the one list it is in

 protected:
  entity_call() noexcept : call{message_kind} {}
};

/// Calls in order, without an allocation of its own. Holds an envelope of each.
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
    ++size_;
    bytes_ += c->size_bytes;
  }

  envelope pop() noexcept {
    auto* c = first_;
    first_ = c->next;
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    bytes_ -= c->size_bytes;
    return envelope::adopt(c);
  }

  [[nodiscard]] entity_call& front() const noexcept { return *first_; }
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  entity_call* first_ = nullptr;
  entity_call* last_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint32_t size_ = 0;
};

/// The metadata stored with an event, as a msgpack map; valid until the thread's next call.
[[nodiscard]] std::string_view encode_metadata(const call_header& command);

/// A then_run threw: there is nobody to tell but the log.
void log_chain_error(std::string_view entity_type, const char* what) noexcept;

}
