#include "alarm_mirror.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nexus::simulation {
namespace {

std::string word(const std::optional<vtime>& due) {
  return due ? fmt::format("at {}", *due) : std::string{"none"};
}

}  // namespace

void alarm_mirror::loaded(const std::optional<stored_alarm>& found) {
  stored_.reset();
  if (found) stored_ = vtime_of(found->due);
  foreign_ = found && found->writer != writer_;
}

void alarm_mirror::recovers(sequence_nr number) {
  if (number > journal_.highest()) return;  // of a lying journal
  const auto wanted = due_of(s_.planned, journal_.at(number));
  corrects_ = wanted != stored_ && !(wanted && stored_ && *wanted > *stored_);
}

// -- what is written --------------------------------------------------------------------------

void alarm_mirror::appends(const d::append& a) {
  by_itself_ = a.events == nullptr;
  in_flight_ = a.due;
  if (a.expected > journal_.highest()) return;  // of a lying journal
  auto after = journal_.at(a.expected);
  if (!by_itself_) {
    for (const auto& view : a.events->events()) {
      if (const auto e = decode_event(view.data)) apply(after, *e);
    }
  }
  const auto wanted = due_of(s_.planned, after);
  if (by_itself_ && !corrects_ && !asked_) {
    broken("a due time is written by itself only after a recovery or for a firing");
  }
  const bool may_have_changed = foreign_ || corrects_ || (stored_ && *stored_ <= s_.time.now());
  if (!by_itself_ && !a.due && may_have_changed) {
    broken("an append writes a due time that another entity may have changed", word(stored_));
  }
  const auto known = stored_ ? due_change::set(time_of(*stored_)) : due_change::clear();
  if (by_itself_ && asked_ && !corrects_ && a.due == known) {
    return s_.reaches(landmark::alarm_doubted);
  }
  if (a.due.what != due_change::kind::set) return check_not_set(a, wanted);
  if (!wanted || *wanted != vtime_of(a.due.at)) {
    broken("the due time that is written is that of the state after the append",
           fmt::format("at {} instead of {}", vtime_of(a.due.at), word(wanted)));
    return;
  }
  check_set(*wanted);
}

// An entity whose alarm moves with every command does not write it with every append.
void alarm_mirror::check_set(vtime to) {
  if (foreign_ && !by_itself_) return s_.reaches(landmark::alarm_taken_over);
  const bool may_wait = stored_ && to >= *stored_ && *stored_ > s_.time.now();
  const bool sure = by_itself_ || !(corrects_ || asked_);
  if (may_wait && sure) {
    broken("a later due time is not written before the stored one has come",
           fmt::format("{} for {}", to, *stored_));
  }
}

void alarm_mirror::check_not_set(const d::append& a, const std::optional<vtime>& wanted) {
  if (a.due.what == due_change::kind::clear && wanted) {
    broken("only an alarm that the state does not want is removed", word(wanted));
  }
  if (a.due.what == due_change::kind::none && wanted && stored_ && *wanted > *stored_) {
    s_.reaches(landmark::alarm_waits);
  }
}

// One that is not stored may still be settled.
void alarm_mirror::written(bool is_stored) {
  if (!is_stored) return;
  const auto done = std::exchange(in_flight_, {});
  if (!done) return;
  if (by_itself_ && corrects_) s_.reaches(landmark::alarm_corrected);
  stored_.reset();
  if (done.what == due_change::kind::set) stored_ = vtime_of(done.at);
  foreign_ = corrects_ = false;
}

void alarm_mirror::settled(bool is_stored) {
  if (is_stored && in_flight_ && by_itself_) s_.reaches(landmark::alarm_settled);
  written(is_stored);
}

void alarm_mirror::noted(const std::optional<timestamp>& due) {
  std::optional<vtime> said;
  if (due) said = vtime_of(*due);
  if (said != stored_) {
    broken("the entity tells the due time that is stored",
           fmt::format("{} instead of {}", word(said), word(stored_)));
  }
}

// -- when it has come -------------------------------------------------------------------------

void alarm_mirror::decides(const state& on, const state& named_by, timestamp now) {
  if (!asked_) broken("a firing decides a command, and once");
  const auto due = due_of(s_.planned, on);
  if (!due || on != named_by) return broken("an alarm's command is what the state names");
  if (now < time_of(*due)) {
    broken("the context's time is never before the due time",
           fmt::format("{} before {}", vtime_of(now), *due));
  }
  if (asked_ && time_of(*due) > std::max(*asked_, time_of(s_.time.now()))) {
    broken("an alarm's command is decided once the due time has come",
           fmt::format("due at {}", *due));
  }
  asked_.reset();
  deciding_ = true;
  decided_on_ = on;
  foreign_then_ = foreign_;
}

void alarm_mirror::fired(const state& after) {
  if (after.count == decided_on_.count) return;
  s_.reaches(landmark::alarm_fired);
  if (foreign_then_) s_.reaches(landmark::alarm_elsewhere);
}

void alarm_mirror::seen(const error& why) {
  if (deciding_) broken("a firing is answered when its command is over");
  if (!asked_) broken("an answer belongs to a firing");
  asked_.reset();
  if (!why.message.empty()) return;
  corrects_ = false;
  s_.reaches(landmark::alarm_not_due);
}

void alarm_mirror::idles_on(const state& now) {
  if (asked_) broken("a firing is looked at once nothing else is to be done");
  const auto wanted = due_of(s_.planned, now);
  if (wanted ? !stored_ || *stored_ > *wanted : stored_.has_value()) {
    broken("an idle entity has written its due time",
           fmt::format("{}, and {} is stored", word(wanted), word(stored_)));
  }
}

}
