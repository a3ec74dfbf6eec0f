// Where a thread must not wait: on the few threads that everything else needs in order to go on.
//
// Threads of a scheduler that Nexus owns are known as such; of an adopted one those that an actor of
// Nexus has run on. Beside them, whatever runs callbacks of users says so for as long as it does.
// Detached and blocking actors have threads of their own, and may wait.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "nexus/result.hpp"

namespace nexus::inline v0::detail {

/// Where the calling thread is if it must not wait, e.g. "a thread of the scheduler"; else null.
[[nodiscard]] const char* no_waiting_here() noexcept;

/// The error of a call that would wait until `until` here, `would_block`; none if it may, or would not
/// have to wait at all. `what` is the call, `instead` what to use.
[[nodiscard]] std::optional<error> refuse_to_wait(std::string_view what, std::string_view instead,
                                                  std::chrono::steady_clock::time_point until);
[[nodiscard]] std::optional<error> refuse_to_wait(std::string_view what, std::string_view instead);

/// Likewise for what collects answers.
[[nodiscard]] std::optional<error> refuse_to_collect(std::chrono::steady_clock::time_point until);

/// From now on the calling thread is one of the scheduler of `of`, a caf::actor_system.
void belongs_to_scheduler(const void* of) noexcept;

/// The scheduler that the calling thread belongs to; null if it is not known, or none.
[[nodiscard]] const void* scheduler_here() noexcept;

/// For as long as this lives the calling thread is `where`.
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

}  // namespace nexus::inline v0::detail
