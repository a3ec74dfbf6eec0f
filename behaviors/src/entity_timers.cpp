#include "entity_timers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace nexus { inline namespace v0 { namespace detail {
namespace {

std::uint64_t next_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint32_t bytes_of(const envelope& command) { return command.as<entity_call>().size_bytes; }

}  // namespace

result<void> entity_timers::set(steady_time now, timer_wish wish, std::size_t timers_max,
                                std::size_t bytes_max) {
  const auto* before = set_.find(wish.key);
  if (before == nullptr && set_.size() >= timers_max) {
    return fail(errc::overloaded,
                fmt::format("the timer \"{}\" was not set: {} timers are set already, which is "
                            "entity_options::timers_max",
                            wish.key, set_.size()));
  }
  const auto freed = before == nullptr ? 0 : bytes_of(before->command);
  const auto bytes = bytes_ - freed + bytes_of(wish.command);
  if (bytes > bytes_max) {
    return fail(errc::overloaded,
                fmt::format("the timer \"{}\" was not set: the commands of all timers would have "
                            "{} bytes, at most {} are allowed (entity_options::mailbox_bytes_max)",
                            wish.key, bytes, bytes_max));
  }
  cancel(wish.key);
  timer made{next_number(), std::move(wish.command), std::max(wish.delay, decltype(wish.delay){}),
             wish.when_idle, wish.lets_passivate};
  made.command.as<entity_call>().timer = made.number;
  bytes_ = bytes;
  keeping_ += made.lets_passivate ? 0 : 1;
  const auto due = later(now, made.delay);
  set_.set(wish.key, {due}, std::move(made));
  return {};
}

void entity_timers::count_out(const timer& t) {
  bytes_ -= bytes_of(t.command);
  keeping_ -= t.lets_passivate ? 0 : 1;
}

void entity_timers::cancel(std::string_view key) {
  std::erase_if(taken_, [&](const taken& t) { return t.key == key; });
  const auto* before = set_.find(key);
  if (before == nullptr) return;
  count_out(*before);
  set_.cancel(key);
}

envelope entity_timers::take_due(steady_time now) {
  while (auto due = set_.fire(now)) {
    auto& t = due->what;
    const auto quiet_until = later(heard_, t.delay);
    if (t.when_idle && quiet_until > now) {
      set_.set(due->key, {quiet_until}, std::move(t));
      set_.done(std::move(*due), now);
      continue;
    }
    count_out(t);
    auto command = std::move(t.command);
    taken_.push_back({t.number, due->key});
    set_.done(std::move(*due), now);
    return command;
  }
  return {};
}

bool entity_timers::decide(std::uint64_t number) {
  return std::erase_if(taken_, [&](const taken& t) { return t.number == number; }) != 0;
}

}}}
