// Plain CAF actors under supervision: one that fails is restarted, resumed or stopped, and keeps its
// handle and its mailbox.
//
//   nexus::supervisor top{sys, "app"};
//   nexus::supervisor parsers{sys, "parsers", {.restarts_max = 3}, &top};
//   auto parser = parsers.spawn("parser 1", [](caf::event_based_actor* self) -> caf::behavior {
//     auto state = std::make_shared<parsing>();   // made anew by each restart
//     return {[state](const std::string& line) { return state->parse(line); }};
//   });
//
// An actor fails when a handler throws, or when it quits with an error. Whoever asked it gets an error
// at once. Before a restart its state and handlers, requests it waits for and receive timeouts are
// dropped; messages wait in its mailbox, links and monitors stay. Stopped, it ends with an error, so
// that links and monitors hear. An actor that quits without an error, or that is told to exit by
// `user_shutdown` or `kill`, is gone and forgotten. `resume` of one that quit is `restart`, at once.
//
// What is escalated is decided by the parent's strategy, where the child is this group as a whole:
// resumed is the actor that failed; restarted and stopped are all of the group and of the groups below
// it. Without a parent the group is stopped. A group that was stopped takes no more actors.
//
// Threads: a supervisor may be used from any thread. Destroyed on a plain one it waits for its actors,
// in an actor it does not. `make` and all that an actor does runs on CAF's threads. A supervisor may
// outlive its system, which stops it then.
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

namespace nexus::inline v0 {

class supervision_group;
class system;

/// Makes an actor's state and behavior, at first and at each restart. If it throws, the actor failed;
/// if there is no behavior then, the actor ends like any other in CAF.
using actor_factory = std::function<caf::behavior(caf::event_based_actor*)>;

/// What was done to members of a group, which are actors and the groups below, and how often.
struct supervision_counts {
  std::uint64_t restarts = 0;
  std::uint64_t resumes = 0;
  std::uint64_t stops = 0;
  std::uint64_t escalations = 0;  ///< of failures, each once
};

class supervisor {
 public:
  /// Messages that may come while an actor waits for its restart. Past it they are dead letters, and
  /// whoever asks gets caf::sec::unavailable_or_would_block.
  static constexpr unsigned waiting_max = 10'000;

  /// `parent` must outlive this. The name, of one's own in the system, is the parent's path
  /// and `name`, e.g. "app/parsers".
  supervisor(system& on, std::string name, supervision how = {}, supervisor* parent = nullptr);

  /// Stops its actors and waits until they have ended.
  ~supervisor();
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  /// Why it takes no actors: `invalid_argument`, `already_exists` or `stopped`.
  [[nodiscard]] result<void> status() const;

  /// Starts an actor, which lives until it ends or this does, whether or not anybody holds it.
  /// `already_exists` if the group has one of that name.
  [[nodiscard]] result<caf::actor> spawn(std::string name, actor_factory make);

  /// The names of those that have not ended.
  [[nodiscard]] std::vector<std::string> children() const;

  /// Has its actors, and those of the groups below it, end after the message they are at. What is in
  /// their mailboxes then is dead letters. Does not wait.
  void stop();

  /// E.g. "app/parsers"; its counts are nexus_supervision_total with this as `supervisor`.
  [[nodiscard]] const std::string& path() const noexcept;

  [[nodiscard]] supervision_counts counts() const noexcept;

 private:
  void sample();

  std::shared_ptr<system> on_;
  std::shared_ptr<supervision_group> group_;
  bool is_named_ = false;
  std::vector<registration> sampled_;
};

}  // namespace nexus::inline v0
