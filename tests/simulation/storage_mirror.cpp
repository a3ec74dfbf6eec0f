#include "storage_mirror.hpp"

#include <fmt/format.h>

namespace nexus::simulation {

void storage_mirror::check_truth_known() {
  if (unsettled()) broken("nothing is decided before the truth is known");
}

// -- writes -----------------------------------------------------------------------------------

void storage_mirror::appends(const d::append& a, sequence_nr durable) {
  // Of the command that passed the bound.
  constexpr std::size_t events_bytes_max = events_max * (sizeof(event) + padding_max);
  if (writing()) broken("at most one append is in flight");
  if (closed_unsettled_) broken("closing gives up what is not settled");
  writing_ = step::append;
  if (a.events == nullptr || a.events->empty()) return broken("an append has events");
  if (a.expected != durable) {
    broken("an append expects what is durable", fmt::format("{}, not {}", a.expected, durable));
  }
  if (a.events->bytes() >= s_.planned.machine.undurable_bytes_max + events_bytes_max) {
    broken("an append has a bound by bytes", fmt::format("{}", a.events->bytes()));
  }
}

void storage_mirror::append_answered(const append_outcome& outcome) {
  writing_ = std::holds_alternative<unknown>(outcome) ? step::unsettled : step::nothing;
  if (std::holds_alternative<stored>(outcome)) failures_ = 0;
  wait_due_ = std::holds_alternative<failed>(outcome) && !closing_;
}

// A conflict may be settled too: it may be one's own lost answer.
void storage_mirror::settles() {
  if (writing_ == step::append || writing_ == step::settle) broken("settling follows an answer");
  if (wait_due_) broken("a failure is followed by a pause");
  writing_ = step::settle;
}

void storage_mirror::settled(const result<settlement>& what) {
  writing_ = what ? step::nothing : step::unsettled;
  wait_due_ = !what && !closing_;
  if (!what) return;
  switch (*what) {
    case settlement::stored:
      failures_ = 0;
      return s_.reaches(landmark::settled_stored);
    case settlement::not_stored:
      return s_.reaches(landmark::settled_not_stored);
    case settlement::superseded:
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
  if (++loads_ > loads_max) broken("a recovery begins anew a bounded number of times");
  if (writing()) broken("the truth is known before a recovery begins");
  if (wait_due_) broken("a failure is followed by a pause");
  if (closing_) broken("what closes does not recover");
  if (waited_ && !anybody_waits) broken("nobody recovers after a failure unless somebody waits");
  if (loads_ > 1) s_.reaches(landmark::loaded_again);
  waited_ = false;
  reads_ = 0;  // those of an earlier attempt don't count: their answers come too late
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
  failures_ = 0;
}

void storage_mirror::recovery_fails(errc why) {
  loads_ = 0;
  wait_due_ = !closing_ && (why == errc::unavailable || why == errc::timeout);
}

void storage_mirror::waits(std::uint32_t attempt) {
  if (attempt != failures_) {
    broken("pauses grow from the last success", fmt::format("{}, not {}", attempt, failures_));
  }
  ++failures_;
  wait_due_ = false;
}

// -- the end ----------------------------------------------------------------------------------

void storage_mirror::closes() {
  closing_ = true;
  wait_due_ = false;
  closed_unsettled_ = unsettled();
  if (closed_unsettled_) s_.reaches(landmark::closed_unsettled);
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
