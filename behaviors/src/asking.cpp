#include "nexus/detail/asking.hpp"

#include <fmt/format.h>

#include "nexus/detail/saturating.hpp"

namespace nexus { inline namespace v0 { namespace detail {

question_way question_way::begin(entity_host& host, const call_header& cause,
                                 std::string_view asked_type, const void* asked_tag) {
  question_way made;
  made.self = host.own_directory();
  made.other = host.directory_of(asked_type);
  made.check_other(asked_tag);
  made.id = host.own_id().id();
  made.there = made.self->caused_by(cause);
  // The answer must arrive however late it is: a process would wait for it for ever.
  made.back = made.there;
  made.back.deadline = {};
  host.question_sent();
  return made;
}

void question_way::check_other(const void* tag) noexcept {
  if (other != nullptr && other->behavior() != tag) other = nullptr;
}

void question_way::find_other(std::string_view type, const void* tag) {
  other = self->beside(type);
  check_other(tag);
}

void question_way::answered(entity_call* c) const {
  c->header = back;
  c->told = c->own = true;
  (void)self->send(id, nullptr, *c, envelope{c}, admission::always);
  c->leave();
  self->question_answered();
}

void question_way::send(std::string_view to, entity_call& c, envelope e) const {
  c.header = there;
  const auto by = other == self ? admission::kin : admission::inside;
  (void)other->send(to, nullptr, c, std::move(e), by);
}

error no_entities_of(std::string_view type) {
  return {errc::invalid_argument,
          "there are no entities of type \"" + std::string{type} + "\" on this system"};
}

// -- questions with a delay or a deadline -------------------------------------------------------

// A delayed question outlives the caller's patience: the caller's deadline is not its own.
void timed_question::begin() noexcept {
  if (!is_delayed()) {
    way_.under_way();
    return ask_now();
  }
  way_.there.deadline = {};
  way_.other = nullptr;
  delay(how_.after);
}

// While it waits, nothing is in flight: a shutdown does not wait for it.
void timed_question::delay(time_span by) noexcept {
  error why;
  try {
    auto waits =
        way_.self->call_later(by, [me = shared_from_this()](bool due) { me->delay_is_over(due); });
    if (waits) return;
    why = std::move(waits.error());
  } catch (...) {
    why = threw(errc::decide_failed, type_, way_.id, "delaying the question to " + asked_);
  }
  way_.under_way();
  give_up(std::move(why));
}

// In a shutdown it waits until its entities stop: a process that heard `stopped` earlier could ask
// again at once, and again.
void timed_question::delay_is_over(bool due) noexcept {
  if (due && way_.self->is_ending()) return delay(std::chrono::nanoseconds::max());
  way_.under_way();
  if (due) return ask_now();
  give_up({errc::stopped, fmt::format("{}|{}: did not ask {}: stopped before the delay was over",
                                      type_, way_.id, asked_)});
}

void timed_question::ask_now() noexcept {
  try {
    const std::chrono::nanoseconds within = how_.within;
    if (within <= std::chrono::nanoseconds{}) return give_up(late());
    if (within < std::chrono::nanoseconds::max()) {
      auto waits = way_.self->call_later(within, [me = shared_from_this()](bool due) {
        if (due) me->give_up(me->late());
      });
      if (!waits) return give_up(std::move(waits.error()));
      deadline_ = *waits;
      auto& deadline = way_.there.deadline;
      const auto own = deadline_at(way_.self->steady(), within);
      if (deadline == steady_time{} || own < deadline) deadline = own;
    }
    ask();
  } catch (...) {
    give_up(threw(errc::decide_failed, type_, way_.id, "asking " + asked_));
  }
}

bool timed_question::is_first() noexcept {
  if (is_over_.exchange(true)) return false;
  if (deadline_.second != 0) way_.self->forget(deadline_);
  return true;
}

error timed_question::late() const {
  const auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds{how_.within});
  return {errc::timeout,
          fmt::format("{}|{}: {} did not answer within {} ms; the question may still take effect",
                      type_, way_.id, asked_, waited.count())};
}

}}}
