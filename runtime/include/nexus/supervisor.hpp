// Supervision of plain CAF actors: an actor that fails is restarted, resumed or stopped, and keeps
// its handle and its mailbox.
//
//   nexus::supervisor top{sys, "app"};
//   nexus::supervisor parsers{sys, "parsers", {.restarts_max = 3}, &top};
//   auto parser = parsers.spawn("parser 1", [](caf::event_based_actor* self) -> caf::behavior {
//     auto state = std::make_shared<parsing>();   // new after each restart
//     return {[state](const std::string& line) { return state->parse(line); }};
//   });
//
// An actor fails when a handler throws, or when it quits with an error. Its asker gets an error at
// once. A restart drops the state, the handlers, open requests and receive timeouts; queued
// messages, links and monitors stay. A stopped actor ends with an error, so that links and monitors
// are told. An actor that quits without an error, or exits by `user_shutdown` or `kill`, is
// forgotten. `resume` of an actor that quit is `restart` without a pause.
//
// The parent's strategy decides an escalated failure; for the parent, the child is this group as a
// whole. `resume` applies to the actor that failed; `restart` and `stop` apply to all actors of the
// group and of the groups below it. Without a parent the group is stopped. A stopped group takes no
// more actors.
//
// Threads: any may use a supervisor. Its destructor waits for its actors on a plain thread, but not
// in an actor. `make`, and everything an actor does, runs on CAF's threads. A supervisor may
// outlive its system, which stops it first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nexus/registration.hpp"
#include "nexus/result.hpp"
#include "nexus/supervision.hpp"

namespace caf {
class actor;
class behavior;
class event_based_actor;
}

namespace nexus { inline namespace v0 {

class supervision_group;
class system;

/// Makes an actor's state and behavior, at the start and at each restart. If it throws, the actor
/// has failed; if it returns no behavior, the actor ends as usual in CAF.
using actor_factory = std::function<caf::behavior(caf::event_based_actor*)>;

/// How often each measure was applied to members of a group: actors and the groups below.
struct supervision_counts {
  std::uint64_t restarts = 0;
  std::uint64_t resumes = 0;
  std::uint64_t stops = 0;
  std::uint64_t escalations = 0;  ///< failures escalated, each counted once
};

class supervisor {
 public:
  /// Messages that may queue while an actor waits for its restart. Further messages are dead
  /// letters, and an asker gets caf::sec::unavailable_or_would_block.
  static constexpr unsigned waiting_max = 10'000;

  /// `parent` must outlive this. The full name is the parent's path and `name`, e.g. "app/parsers",
  /// and must be unique in the system.
  supervisor(system& on, std::string name, supervision how = {}, supervisor* parent = nullptr);

  /// Stops its actors and waits until they have ended.
  ~supervisor();
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  /// Why the group takes no actors: `invalid_argument`, `already_exists` or `stopped`.
  [[nodiscard]] result<void> status() const;

  /// Starts an actor. It lives until it ends or the supervisor does, even if the program keeps no
  /// handle. `already_exists` if the group has an actor of that name.
  [[nodiscard]] result<caf::actor> spawn(std::string name, actor_factory make);

  /// The names of the actors that have not ended.
  [[nodiscard]] std::vector<std::string> children() const;

  /// Ends its actors, and those of the groups below, after their current message. Messages left in
  /// their mailboxes are dead letters. Does not wait.
  void stop();

  /// E.g. "app/parsers"; the label `supervisor` of nexus_supervision_total.
  [[nodiscard]] const std::string& path() const noexcept;

  [[nodiscard]] supervision_counts counts() const noexcept;

 private:
  void sample();

  std::shared_ptr<system> on_;
  std::shared_ptr<supervision_group> group_;
  bool is_named_ = false;
  std::vector<registration> sampled_;
};

}}  // namespace nexus::v0
