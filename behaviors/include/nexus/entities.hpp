// The entities of one behavior: each id has one live actor, started and recovered on first use.
//
//   nexus::entities<account> accounts{sys, *store, {.snapshot_every = 100}};
//   auto left = accounts.of("alice").ask(account::withdraw{500}).get(1s);
//
// Threads: any may make every call. No call blocks, except the destructor.
// Bounds: per entity, commands admitted and not yet answered, by number and bytes. Past them the
// sender gets `overloaded`, or `too_large` if the command can never fit. Failures come as answers;
// see errc.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/answers.hpp"
#include "nexus/behavior.hpp"
#include "nexus/detail/compiled.hpp"
#include "nexus/detail/directory.hpp"
#include "nexus/entity_options.hpp"
#include "nexus/store.hpp"
#include "nexus/system.hpp"
#include "nexus/time_span.hpp"

namespace nexus { inline namespace v0 {

namespace detail {

enum class verified : bool { no, yes };

/// Asks an entity. A refusal to admit the command is an answer too.
template <class B, class C>
asked<reply_t<B, C>> ask_entity(entity_directory& in, std::string_view id,
                                const entity_directory::slot_ref& slot, C command,
                                call_header header, verified how, admission by) {
  auto* c = call_with<B>(command);
  if (how == verified::yes) c->verify = entity_call::check::wanted;
  asked<reply_t<B, C>> answer{*c, *c};
  c->header = std::move(header);
  if (c->header.command_id.empty()) c->header.command_id = in.next_id();
  (void)in.send(id, slot, *c, envelope{c}, by);
  return answer;
}

}

/// An entity, live or not.
template <behavior B>
class entity_ref {
 public:
  entity_ref(std::shared_ptr<detail::entity_directory> in, std::string_view id)
      : directory_{std::move(in)}, id_{id}, slot_{directory_->find(id)} {}

  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// Sends a command now; collect the answer with get() or then().
  template <class C>
    requires detail::is_alternative<C, typename B::command>
  asked<reply_t<B, C>> ask(C command, call_header header = {}) const {
    return send<C>(std::move(command), std::move(header), detail::verified::no);
  }

  /// Sends a command with a deadline: if it is not decided within `within`, it never is. Questions
  /// that the command leads to have the same deadline.
  template <class C>
    requires detail::is_alternative<C, typename B::command>
  asked<reply_t<B, C>> ask(C command, time_span within, call_header header = {}) const {
    header.deadline = detail::deadline_at(directory_->steady(), within);
    return send<C>(std::move(command), std::move(header), detail::verified::no);
  }

  /// Sends a command to an entity that other processes write too. Before deciding, the entity asks
  /// the journal whether another writer has written, and recovers if so. This costs one read of the
  /// highest number; later commands wait for it.
  template <class C>
    requires detail::is_alternative<C, typename B::command>
  asked<reply_t<B, C>> ask_verified(C command, call_header header = {}) const {
    return send<C>(std::move(command), std::move(header), detail::verified::yes);
  }

  /// Sends a command whose answer is not awaited; an error means that it was not taken. If it fails
  /// later, for any reason, the system's dead letters get it once, with the reason.
  template <class C>
    requires detail::is_alternative<C, typename B::command>
  [[nodiscard]] result<void> tell(C command, call_header header = {}) const {
    auto* c = detail::call_with<B>(command);
    c->header = std::move(header);
    c->told = true;
    if (c->header.command_id.empty()) c->header.command_id = directory_->next_id();
    auto sent = directory_->send(id_, slot_, *c, envelope{c}, detail::admission::outside);
    c->leave();
    return sent;
  }

  // For a type that is no command of B: the compiler's first error says so.
  template <class C, class... More>
    requires(!detail::is_alternative<C, typename B::command>)
  auto ask(C, const More&...) const {
    return detail::send_to_none<B, C, asked<void>>();
  }
  template <class C, class... More>
    requires(!detail::is_alternative<C, typename B::command>)
  auto ask_verified(C, const More&...) const {
    return detail::send_to_none<B, C, asked<void>>();
  }
  template <class C, class... More>
    requires(!detail::is_alternative<C, typename B::command>)
  auto tell(C, const More&...) const {
    return detail::send_to_none<B, C, result<void>>();
  }

  /// Answered when the entity that is live now ends, with the reason; `stopped` if it is not live.
  [[nodiscard]] asked<ending> watch() const {
    auto* c = new detail::watch_call;
    asked<ending> answer{*c, *c};
    directory_->watch(id_, *c, envelope{c});
    return answer;
  }

 private:
  template <class C>
  asked<reply_t<B, C>> send(C command, call_header header, detail::verified how) const {
    return detail::ask_entity<B>(*directory_, id_, slot_, std::move(command), std::move(header),
                                 how, detail::admission::outside);
  }

  std::shared_ptr<detail::entity_directory> directory_;
  std::string id_;
  detail::entity_directory::slot_ref slot_;
};

/// The entity `id` of the `entities<B>` on `sys`, for code that has no `entities` at hand. Fails
/// with `invalid_argument` if there is none.
template <behavior B>
[[nodiscard]] result<entity_ref<B>> find(system& sys, std::string_view id) {
  auto found = detail::entity_directory::on(sys, B::entity_type);
  if (found == nullptr || found->behavior() != &detail::behavior_tag<B>) {
    return fail(errc::invalid_argument, "there are no entities of type \"" +
                                            std::string{B::entity_type} + "\" on this system");
  }
  return entity_ref<B>{std::move(found), id};
}

/// The same for a plain CAF actor: `find<account>(self->system(), "alice")`.
template <behavior B>
[[nodiscard]] result<entity_ref<B>> find(const caf::actor_system& on, std::string_view id) {
  auto* sys = system::of(on);
  if (sys == nullptr)
    return fail(errc::invalid_argument, "there is no nexus::system on this CAF one");
  return find<B>(*sys, id);
}

template <behavior B>
class entities {
 public:
  /// One per entity_type and system. For a second one, `status` and every command return
  /// `already_exists`, which names both behaviors if they differ. Contradicting options and invalid
  /// names are `invalid_argument` in the same way.
  entities(system& sys, const store& in, const entity_options& options = {})
      : directory_{detail::entity_directory::make(compiled<B>::info(), sys, in, options)} {}

  __attribute__((unavailable("check the result of nexus::open, then pass the store: *RESULT")))
  entities(system& sys, const result<store>& in, const entity_options& options = {});

  /// Refuses new commands, finishes the work in flight, and waits until every entity has stopped.
  /// Work without progress is given up (nexus/shutdown.hpp), and after 10 s also work that no
  /// caller outside waits for. In an actor it does not wait, and undecided commands are answered
  /// `stopped`.
  ~entities() { directory_->close(); }
  entities(const entities&) = delete;
  entities& operator=(const entities&) = delete;

  /// The entity `id`. An invalid id shows in the answers (`invalid_id`).
  [[nodiscard]] entity_ref<B> of(std::string_view id) const { return {directory_, id}; }

  [[nodiscard]] result<void> status() const { return directory_->status(); }

  /// The number of live entities.
  [[nodiscard]] std::size_t live() const { return directory_->live(); }

 private:
  std::shared_ptr<detail::entity_directory> directory_;
};

}}  // namespace nexus::v0
