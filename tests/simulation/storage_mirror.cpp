#include "storage_mirror.hpp"

#include <fmt/format.h>

#include <utility>

namespace nexus::simulation {

void storage_mirror::check_truth_known() {
  if (unsettled()) broken("nothing is decided before the truth is known");
}

void storage_mirror::check_told(errc why) {
  if (why == loss_) return;
  broken("callers are told what became of their append",
         fmt::format("{}, not {}", to_string(why), to_string(loss_)));
}

// -- writes -----------------------------------------------------------------------------------

void storage_mirror::appends(const d::append& a, sequence_nr durable) {
  // By the command that exceeded the bound.
  constexpr std::size_t events_bytes_max = events_max * (sizeof(event) + padding_max);
  if (writing()) broken("at most one append is in flight");
  if (closed_unsettled_) broken("closing gives up what is not settled");
  writing_ = step::append;
  last_ = durable + (a.events == nullptr ? 0 : a.events->size());
  only_due_ = a.events == nullptr;
  if (only_due_ ? !a.due : a.events->empty()) return broken("an append has events or a due time");
  if (a.expected != durable) {
    broken("an append expects what is durable", fmt::format("{}, not {}", a.expected, durable));
  }
  if (only_due_) return;
  if (a.events->size() > s_.planned.machine.append_events_max) {
    broken("an append has a bound by events", fmt::format("{}", a.events->size()));
  }
  if (a.events->bytes() >= s_.planned.machine.undurable_bytes_max + events_bytes_max) {
    broken("an append has a bound by bytes", fmt::format("{}", a.events->bytes()));
  }
}

void storage_mirror::append_answered(const append_outcome& outcome, bool of_callers) {
  writing_ = std::holds_alternative<unknown>(outcome) ? step::unsettled : step::nothing;
  if (std::holds_alternative<stored>(outcome)) writes_again();
  lost_answer_ = std::holds_alternative<unknown>(outcome);
  loss_ = errc::unavailable;
  if (std::holds_alternative<conflict>(outcome)) loss_ = errc::conflict;
  if (const auto* r = std::get_if<rejected>(&outcome)) loss_ = r->why.code;
  // Automatic retries must not come without a pause.
  const bool comes_again = !of_callers || only_due_;
  const bool refused = std::holds_alternative<rejected>(outcome) && comes_again;
  const auto* c = std::get_if<conflict>(&outcome);
  const bool too_often = c != nullptr && (only_due_ || c->highest < last_) && conflicts_too_often();
  wait_due_ = (refused || too_often || std::holds_alternative<failed>(outcome)) && !closing_;
  unwritten_ = unwritten_ || wait_due_;
}

bool storage_mirror::conflicts_too_often() {
  constexpr std::uint32_t at_once_max = 8;
  const bool often = ++conflicts_ % at_once_max == 0;
  if (often) s_.reaches(landmark::conflicts_in_a_row);
  return often;
}

void storage_mirror::writes_again() {
  failures_ = conflicts_ = 0;
  unwritten_ = false;
}

// A conflict may be settled too: it may be an own lost answer.
void storage_mirror::settles() {
  if (writing_ == step::append || writing_ == step::settle) broken("settling follows an answer");
  if (wait_due_) broken("a failure is followed by a pause");
  writing_ = step::settle;
}

void storage_mirror::settled(const result<settlement>& what, bool of_callers) {
  writing_ = what ? step::nothing : step::unsettled;
  wait_due_ = !what && !closing_;
  // No caller waits for long without a reason.
  constexpr std::uint32_t silent_attempts = 5;
  const bool tells = !what && !closing_ && failures_ >= silent_attempts;
  if (tells) s_.reaches(landmark::told_unsettled);
  if (!what && (closing_ || tells)) loss_ = errc::outcome_unknown;
  told_ = told_ || tells;
  if (!what) return;
  const bool told = std::exchange(told_, false);
  const bool comes_again = !of_callers || only_due_;
  switch (*what) {
    case settlement::stored:
      writes_again();
      return s_.reaches(landmark::settled_stored);
    case settlement::not_stored:
      wait_due_ = !told && (lost_answer_ ? comes_again : conflicts_too_often()) && !closing_;
      unwritten_ = unwritten_ || wait_due_;
      return s_.reaches(landmark::settled_not_stored);
    case settlement::superseded:
      loss_ = errc::outcome_unknown;
      return s_.reaches(landmark::superseded);
  }
}

void storage_mirror::saves() {
  if (saving_) broken("one snapshot is saved at a time");
  saving_ = true;
}

// -- recoveries -------------------------------------------------------------------------------

void storage_mirror::loads(bool anybody_waits) {
  constexpr int loads_max = 4;
  if (++loads_ > loads_max) broken("a recovery is repeated a bounded number of times");
  if (writing()) broken("the truth is known before a recovery begins");
  if (wait_due_) broken("a failure is followed by a pause");
  if (closing_) broken("what closes does not recover");
  if (waited_ && !anybody_waits) {
    if (s_.planned.recovered == on_recovered::nothing) {
      broken("only a process recovers after a failure without a command");
    }
    s_.reaches(landmark::came_back_by_itself);
  }
  if (loads_ > 1) s_.reaches(landmark::loaded_again);
  waited_ = false;
  reads_ = 0;  // earlier attempts do not count: their answers come too late
}

void storage_mirror::reads(const d::replay& a) {
  if (++reads_ > 2) broken("at most two chunks are read at a time");
  if (reads_ == 2) s_.reaches(landmark::two_reads);
  if (a.from > a.to || a.to - a.from >= s_.planned.machine.replay_chunk_events) {
    broken("a chunk has a bound", fmt::format("{}..{}", a.from, a.to));
  }
  if (a.to > journal_.highest()) broken("no chunk is past the highest number");
}

void storage_mirror::recovers() {
  loads_ = 0;
  if (!unwritten_) failures_ = 0;
}

void storage_mirror::recovery_fails(errc why) {
  loads_ = 0;
  const bool process = std::exchange(process_failed_, false);
  wait_due_ = !closing_ && (why == errc::unavailable || why == errc::timeout || process);
}

void storage_mirror::waits(std::uint32_t attempt) {
  if (attempt != failures_) {
    broken("pauses grow until the storage does again what it did not",
           fmt::format("{}, not {}", attempt, failures_));
  }
  ++failures_;
  wait_due_ = false;
}

// -- the end ----------------------------------------------------------------------------------

void storage_mirror::closes() {
  closing_ = true;
  wait_due_ = false;
  closed_unsettled_ = unsettled();
  if (!closed_unsettled_) return;
  s_.reaches(landmark::closed_unsettled);
  loss_ = errc::outcome_unknown;
}

void storage_mirror::stops() {
  if (wait_due_) broken("a failure is followed by a pause");
  loads_ = reads_ = 0;
  waited_ = false;
}

void storage_mirror::at_rest() {
  if (closed_unsettled_) broken("closing gives up what is not settled");
}

}
