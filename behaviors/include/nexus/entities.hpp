// Entities of one behavior: an id leads to its one live actor, started and recovered on first use.
//
//   nexus::entities<account> accounts{sys, *store, {.snapshot_every = 100}};
//   auto left = accounts.of("alice").ask(account::withdraw{500}).get(1s);
//
// Threads: every call may be made from any thread and none blocks, but for the destructor.
// Bounds: commands admitted and not yet answered, per entity, by number and bytes; past them the
// sender gets `overloaded`. Failures come as answers; see errc.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/detail/event_sourced.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"

namespace nexus::inline v0 {

struct entity_options {
  std::uint64_t snapshot_every = 0;   ///< events between snapshots; 0: none
  std::uint32_t undurable_max = 256;  ///< commands decided and not yet durable; 1: one at a time
  std::size_t undurable_bytes_max = std::size_t{4} << 20;
  std::uint32_t mailbox_max = 10'000;  ///< commands of one entity not yet answered
  std::size_t mailbox_bytes_max = std::size_t{64} << 20;
  std::size_t replay_chunk_events = 4'000;  ///< read at once in a recovery
  std::size_t replay_chunk_bytes = std::size_t{4} << 20;
  std::chrono::milliseconds backoff_min{100};  ///< after a storage failure, doubled each time
  std::chrono::milliseconds backoff_max{10'000};
};

namespace detail {

/// id → live actor. What `entities` does that needs no type of the user's.
class entity_directory {
 public:
  using model_factory = std::unique_ptr<entity_model> (*)();
  class slot;
  using slot_ref = std::shared_ptr<slot>;

  [[nodiscard]] static std::shared_ptr<entity_directory> make(std::string_view type, system& sys,
                                                              const store& in,
                                                              const entity_options& options,
                                                              model_factory factory);
  virtual ~entity_directory() = default;

  /// Why no entity of this directory answers, e.g. its name is taken.
  [[nodiscard]] virtual result<void> status() const = 0;

  /// The live entity's slot, if there is one.
  [[nodiscard]] virtual slot_ref find(std::string_view id) const = 0;

  /// Sends to the entity, starting it if need be; `known` saves the look-up while it is live.
  /// On failure the command was not taken, and the call is answered with the failure.
  [[nodiscard]] virtual result<void> send(std::string_view id, const slot_ref& known,
                                          entity_call& c, envelope e) = 0;

  [[nodiscard]] virtual std::size_t live() const = 0;
  [[nodiscard]] virtual ulid next_id() = 0;

  /// Takes no more commands, finishes what is in flight and waits until every entity has stopped.
  virtual void close() = 0;
};

}

/// One entity, whether live or not.
template <event_sourced B>
class entity_ref {
 public:
  entity_ref(std::shared_ptr<detail::entity_directory> in, std::string_view id)
      : directory_{std::move(in)}, id_{id}, slot_{directory_->find(id)} {}

  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// Sends a command now; the answer is collected with get() or then().
  template <class C>
  requires detail::is_alternative<C, typename B::command> asked<reply_t<B, C>> ask(
      C command, call_header header = {})
  const {
    auto* c = new detail::command_call<B, C>{std::move(command)};
    asked<reply_t<B, C>> answer{*c, *c};
    (void)send(*c, std::move(header));  // a refusal is the answer
    return answer;
  }

  /// Sends a command whose answer nobody waits for; an error means it was not taken.
  template <class C>
  requires detail::is_alternative<C, typename B::command>
  [[nodiscard]] result<void> tell(C command, call_header header = {}) const {
    auto* c = new detail::command_call<B, C>{std::move(command)};
    auto sent = send(*c, std::move(header));
    c->leave();
    return sent;
  }

 private:
  result<void> send(detail::entity_call& c, call_header header) const {
    c.header = std::move(header);
    if (c.header.command_id.empty()) c.header.command_id = directory_->next_id();
    return directory_->send(id_, slot_, c, envelope{&c});
  }

  std::shared_ptr<detail::entity_directory> directory_;
  std::string id_;
  detail::entity_directory::slot_ref slot_;
};

template <event_sourced B>
class entities {
 public:
  /// Only one per behavior type and system: of a second one every command, and `status`, answers
  /// `already_exists`.
  entities(system& sys, const store& in, const entity_options& options = {})
      : directory_{detail::entity_directory::make(
            B::entity_type, sys, in, options, []() -> std::unique_ptr<detail::entity_model> {
              return std::make_unique<detail::event_sourced_model<B>>();
            })} {}

  /// Takes no more commands, finishes what is in flight, and waits until every entity has stopped.
  ~entities() { directory_->close(); }
  entities(const entities&) = delete;
  entities& operator=(const entities&) = delete;

  /// The entity named `id`. Whether the id is a valid one shows in the answers (`invalid_id`).
  [[nodiscard]] entity_ref<B> of(std::string_view id) const { return {directory_, id}; }

  [[nodiscard]] result<void> status() const { return directory_->status(); }

  /// How many entities are live now.
  [[nodiscard]] std::size_t live() const { return directory_->live(); }

 private:
  std::shared_ptr<detail::entity_directory> directory_;
};

}  // namespace nexus::inline v0
