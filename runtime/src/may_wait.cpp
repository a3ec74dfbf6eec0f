#include "nexus/detail/may_wait.hpp"

#include <fmt/format.h>

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

thread_local const char* here = nullptr;
thread_local const void* scheduler = nullptr;

}  // namespace

const char* no_waiting_here() noexcept { return here; }

std::optional<error> refuse_to_wait(std::string_view what, std::string_view instead) {
  const auto* where = no_waiting_here();
  if (where == nullptr) return std::nullopt;
  return error{errc::would_block,
               fmt::format("{} would block {}, which others need: {}", what, where, instead)};
}

std::optional<error> refuse_to_wait(std::string_view what, std::string_view instead,
                                    std::chrono::steady_clock::time_point until) {
  if (no_waiting_here() == nullptr || until <= std::chrono::steady_clock::now()) {
    return std::nullopt;
  }
  return refuse_to_wait(what, instead);
}

std::optional<error> refuse_to_collect(std::chrono::steady_clock::time_point until) {
  return refuse_to_wait(
      "get()", "use then(self, …) in an actor, and then_ask in a behavior; the command was sent",
      until);
}

void belongs_to_scheduler(const void* of) noexcept {
  scheduler = of;
  if (here == nullptr) here = "a thread of the scheduler";
}

const void* scheduler_here() noexcept { return scheduler; }

no_waiting::no_waiting(const char* where) noexcept : before_{std::exchange(here, where)} {}
no_waiting::~no_waiting() { here = before_; }

}}}  // namespace nexus::v0::detail
