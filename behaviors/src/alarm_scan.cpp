#include "alarm_scan.hpp"

#include <utility>

namespace nexus { inline namespace v0 { namespace detail {

persistence_id last_id_of(std::string_view type) {
  constexpr std::string_view last_character = "\xF4\x8F\xBF\xBF";  // U+10FFFF
  const auto room =
      persistence_id::bytes_max - std::min(persistence_id::bytes_max, type.size() + 1);
  std::string id;
  while (id.size() + last_character.size() <= room) id += last_character;
  if (id.empty()) id = std::string(std::max<std::size_t>(1, room), '\x7F');
  auto made = persistence_id::make(type, id);
  return made ? *std::move(made) : *persistence_id::make("?", "?");  // a type that has no ids
}

alarm_scan::alarm_scan(const alarm_times& times, std::string type)
    : times_{times}, last_id_{last_id_of(type)} {}

std::optional<alarm_read> alarm_scan::next_read(const moment& now) {
  if (reading_ || !rows_.empty() || now.steady < paused_until_) return std::nullopt;
  if (!pass_ && !begin(now)) return std::nullopt;
  reading_ = true;
  return alarm_read{pass_->strand, pass_->after, pass_->until};
}

// What is stored from here on is noted; what was stored before, this pass reads.
bool alarm_scan::begin(const moment& now) {
  pass next{kind::due, now.wall, planned_};
  if (all_wanted_) {
    next.what = kind::all;
    place_.reset();
  } else if (look_at_ <= now.steady || (all_goes_on_ && !(due_first_ && planned_ <= now.wall))) {
    next.what = all_goes_on_ ? kind::all : kind::some;
    if (place_) {
      next.strand = place_->strand;
      next.after = place_->after;
    }
  } else if (planned_ > now.wall) {
    return false;
  } else if (planned_ > timestamp::min()) {
    next.after = stored_alarm{last_id_, moved(planned_, std::chrono::microseconds{-1}), {}};
  }
  if (next.what != kind::due) look_at_ = later(now.steady, times_.look_every);
  all_wanted_ = due_first_ = false;
  if (next.what != kind::due) all_goes_on_ = false;
  planned_ = timestamp::max();
  pass_ = std::move(next);
  return true;
}

void alarm_scan::took(alarm_page page, const moment& now, const choice& runs_here) {
  reading_ = false;
  failures_ = 0;
  if (!pass_) return;
  strands_ = std::max(1u, page.strands);
  read_at_ = now.steady;
  is_last_ = page.due.size() + page.corrupt.size() < times_.page_rows;
  ran_ = false;
  rows_.assign(std::make_move_iterator(page.due.begin()), std::make_move_iterator(page.due.end()));
  if (is_last_ && !page.next.empty()) {
    const auto first = std::find_if(page.next.begin(), page.next.end(), runs_here);
    const bool more = page.next.size() >= times_.page_rows;
    if (first != page.next.end()) {
      note(first->due);
    } else if (more) {
      note(page.next.back().due);
    }
  }
  if (rows_.empty()) page_done();
}

void alarm_scan::failed(const moment& now, std::uint64_t random) {
  reading_ = false;
  failures_ = saturated_sum(failures_, 1);
  paused_until_ = later(now.steady, growing_pause_of(times_.read_pause_min, times_.read_pause_max,
                                                     failures_, random));
}

// Rows that had to wait for long may have been run elsewhere.
const stored_alarm* alarm_scan::front(const moment& now) {
  if (rows_.empty()) return nullptr;
  if (later(read_at_, times_.page_age_max) < now.steady) {
    rows_.clear();
    return nullptr;
  }
  return &rows_.front();
}

void alarm_scan::pop(bool ran) {
  ran_ = ran_ || ran;
  pass_->after = std::move(rows_.front());
  rows_.pop_front();
  if (rows_.empty()) page_done();
}

void alarm_scan::page_done() {
  auto& p = *pass_;
  if (!is_last_) {
    p.idle_pages = ran_ ? 0 : p.idle_pages + 1;
    if (p.what == kind::due || p.idle_pages < times_.idle_pages_max) return;
    place_ = place{p.strand, std::move(p.after)};
    all_goes_on_ = due_first_ = p.what == kind::all;
    note(p.what == kind::all ? p.until : p.kept_plan);  // what is due until then, it finds itself
    pass_.reset();
    return;
  }
  if (++p.strand < strands_) {
    p.after.reset();
    if (p.what == kind::due && p.kept_plan > timestamp::min()) {
      p.after = stored_alarm{last_id_, moved(p.kept_plan, std::chrono::microseconds{-1}), {}};
    }
    return;
  }
  if (p.what != kind::due && place_) note(p.kept_plan);  // it began behind what was planned
  if (p.what != kind::due) place_.reset();
  pass_.reset();
}

alarm_scan::wake alarm_scan::next_wake() const noexcept {
  wake made;
  if (reading_ || !rows_.empty()) return made;
  if (pass_ || all_wanted_ || all_goes_on_) {
    made.steady = paused_until_;
    return made;
  }
  made.wall = planned_;
  made.steady = look_at_;
  return made;
}

}}}
