// Tells which threads must not wait: the few that everything else needs to make progress.
//
// These are the threads of a scheduler that Nexus owns; of an adopted scheduler, the threads on
// which an actor of Nexus has run; and any thread while it runs a user's callback inside
// `no_waiting`. Detached and blocking actors have their own threads, and may wait.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "nexus/result.hpp"

namespace nexus { inline namespace v0 { namespace detail {

/// Describes the place if the calling thread must not wait, e.g. "a thread of the scheduler"; else
/// null.
[[nodiscard]] const char* no_waiting_here() noexcept;

/// The `would_block` error of a call that would wait here until `until`; none if it may wait, or
/// need not. `what` names the call, `instead` what to use in its place.
[[nodiscard]] std::optional<error> refuse_to_wait(std::string_view what, std::string_view instead,
                                                  std::chrono::steady_clock::time_point until);
[[nodiscard]] std::optional<error> refuse_to_wait(std::string_view what, std::string_view instead);

/// The same for collecting answers.
[[nodiscard]] std::optional<error> refuse_to_collect(std::chrono::steady_clock::time_point until);

/// Marks the calling thread as one of the scheduler of `of`, a caf::actor_system.
void belongs_to_scheduler(const void* of) noexcept;

/// The scheduler of the calling thread; null if it has none, or if that is not known.
[[nodiscard]] const void* scheduler_here() noexcept;

/// While this lives, the calling thread must not wait; `where` describes it.
class no_waiting {
 public:
  explicit no_waiting(const char* where) noexcept;
  ~no_waiting();
  no_waiting(const no_waiting&) = delete;
  no_waiting& operator=(const no_waiting&) = delete;

 private:
  const char* before_;
};

inline constexpr const char* in_an_actor = "an actor's thread";

}}}  // namespace nexus::v0::detail
