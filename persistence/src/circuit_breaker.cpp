#include "circuit_breaker.hpp"

#include <fmt/format.h>

namespace nexus { inline namespace v0 {

std::optional<error> circuit_breaker::refusal(time_point now) const {
  if (closed_.load(std::memory_order_relaxed)) return std::nullopt;
  std::lock_guard guard{lock_};
  if (lets_through(now)) return std::nullopt;
  return why_open();
}

result<circuit_breaker::ticket> circuit_breaker::enter(time_point now) {
  std::lock_guard guard{lock_};
  if (!lets_through(now)) return fail(why_open());
  if (now_ == circuit::open) move_to(circuit::half_open);
  return ticket{epoch_};
}

circuit_breaker::change circuit_breaker::succeeded(ticket of) {
  std::lock_guard guard{lock_};
  if (of.epoch != epoch_) return change::none;
  failures_ = 0;
  if (now_ == circuit::closed) return change::none;
  move_to(circuit::closed);
  return change::closed;
}

circuit_breaker::change circuit_breaker::failed(ticket of, time_point now, const error& why) {
  std::lock_guard guard{lock_};
  if (of.epoch != epoch_) return change::none;
  ++failures_;
  last_failure_ = why.message;
  const bool trial = now_ == circuit::half_open;
  if (failures_max_ == 0 || (!trial && failures_ < failures_max_)) return change::none;
  opened_ = now;
  move_to(circuit::open);
  if (trial) return change::none;
  ++openings_;
  return change::opened;
}

breaker_status circuit_breaker::status() const {
  std::lock_guard guard{lock_};
  return {now_, failures_, openings_, last_failure_};
}

bool circuit_breaker::lets_through(time_point now) const {
  return now_ == circuit::closed || (now_ == circuit::open && now - opened_ >= reset_);
}

error circuit_breaker::why_open() const {
  return {errc::unavailable,
          fmt::format("the journal's circuit breaker is open after {} failures in a row: {}",
                      failures_, last_failure_)};
}

void circuit_breaker::move_to(circuit next) {
  now_ = next;
  closed_.store(next == circuit::closed, std::memory_order_relaxed);
  ++epoch_;
}

}}  // namespace nexus::v0
