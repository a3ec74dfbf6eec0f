#include "journal_source.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "nexus/journal_checks.hpp"

namespace nexus { inline namespace v0 {
namespace {

using detail::journal_selection;

// All events of one strand.
class strand_source final : public journal_source {
 public:
  strand_source(const journal_selection& which, std::size_t batch_max)
      : strand_{which.filter.after.empty() ? 0 : which.filter.after.front().strand},
        from_kept_{which.from_kept},
        batch_max_{batch_max} {}

  result<void> fill(journal_session& from, places& at, read_ahead& ahead) override {
    reading_start start{at.in(strand_)};
    start.from_kept = from_kept_;
    auto done = from.read_all(start, batch_max_, [&](const auto&... r) { return ahead.add(r...); });
    if (!ahead.empty()) return {};
    return done;
  }

 private:
  const std::uint32_t strand_;
  const bool from_kept_;
  const std::size_t batch_max_;
};

// The events that match a filter.
class event_source final : public journal_source {
 public:
  event_source(journal_selection which, std::size_t batch_max)
      : filter_{std::move(which.filter)}, from_kept_{which.from_kept}, live_{which.live} {
    page_.limit = static_cast<std::int64_t>(
        std::min(batch_max, static_cast<std::size_t>(event_page::limit_max)));
  }

  result<void> begin(journal_session& from) override {
    if (auto why = fault_of(filter_, from.strands())) return fail(*std::move(why));
    if (filter_.entity_type && filter_.entity_id) {
      auto id = persistence_id::make(*filter_.entity_type, *filter_.entity_id);
      if (!id) return fail(std::move(id.error()));
      if (auto found = find_number(from, *id); !found) return found;
      id_ = *std::move(id);
    }
    if (live_) return {};
    auto heads = heads_of(from);
    if (!heads) return fail(std::move(heads.error()));
    filter_.up_to = *std::move(heads);
    return {};
  }

  result<void> fill(journal_session& from, places& at, read_ahead& ahead) override {
    filter_.after = at.all();
    if (auto done = read(from, ahead); !done || !ahead.empty()) return done;
    return live_ ? go_on_to_heads(from, at, ahead) : go_on_to(filter_.up_to, at);
  }

  [[nodiscard]] bool ends() const noexcept override { return !live_; }

 private:
  // A query skips erased events, so the mark is checked after it and before its events are passed.
  // The check is careful: events that are erased between the two count as missed.
  result<void> read(journal_session& from, read_ahead& ahead) {
    bool gapless = true;  // within one id
    auto number = number_;
    auto found = from.query(filter_, page_, [&](const persistence_id& of, const record_view& r) {
      gapless = gapless && r.number == ++number;
      return ahead.add(of, r);
    });
    if (!found && ahead.empty()) return fail(std::move(found.error()));
    if (from_kept_) return {};
    const bool surely_whole = id_ && gapless && !ahead.empty();
    auto whole = surely_whole ? result<void>{} : id_ ? check_numbers(from) : check_marks(from);
    if (!whole) {
      ahead.clear();
      return whole;
    }
    if (id_ && !ahead.empty()) number_ = ahead.last_number();
    return {};
  }

  result<void> check_marks(journal_session& from) {
    for (std::uint32_t strand = 0; strand < from.strands(); ++strand) {
      if (!wants(strand, from.strands())) continue;
      if (auto whole = check_mark(from, strand); !whole) return whole;
    }
    return {};
  }
  result<void> check_mark(journal_session& from, std::uint32_t strand) {
    return from.read_all({position_in(strand, filter_.after)}, 1,
                         [](const auto&...) { return false; });
  }

  // Of one id, the mark of its strand says too much: events of other ids may have been erased.
  // Events are erased from the first one on: with the next number kept, all past it are.
  result<void> check_numbers(journal_session& from) {
    auto highest = from.highest(*id_);
    if (!highest) return fail(std::move(highest.error()));
    if (*highest <= number_) return {};
    auto first = first_kept(from, *id_, number_ + 1);
    if (!first) return fail(std::move(first.error()));
    if (*first == number_ + 1) return {};
    return fail(errc::history_erased,
                "event " + std::to_string(number_ + 1) + " of " + id_->str() +
                    " has been erased; start at a later position, or with from_kept");
  }

  // The first number of the id that is kept; the one past all if none is.
  static result<sequence_nr> first_kept(journal_session& from, const persistence_id& id,
                                        sequence_nr least) {
    sequence_nr first = 0;
    auto done = from.replay_payloads(id, least, sequence_nr_max, 1, [&](const record_view& r) {
      first = r.number;
      return false;
    });
    if (!done) return fail(std::move(done.error()));
    if (first > 0) return first;
    auto highest = from.highest(id);
    if (!highest) return fail(std::move(highest.error()));
    return *highest + 1;
  }

  // The number of the id's last event that is not past the start.
  result<void> find_number(journal_session& from, const persistence_id& id) {
    const auto strand = strand_of(id.slice(), from.strands());
    const auto start = position_in(strand, filter_.after);
    if (start.is_start()) return {};
    if (auto found = go_on_in_id(from, {start}); !found) return found;
    if (number_ > 0 || from_kept_) return {};
    // All events up to the start are erased, or there was none.
    auto first = first_kept(from, id, 1);
    if (!first) return fail(std::move(first.error()));
    number_ = *first - 1;
    return check_mark(from, strand);
  }

  // The id's last event up to these positions has been read, or does not match.
  result<void> go_on_in_id(journal_session& from, const std::vector<position>& up_to) {
    event_filter before{
        .entity_type = filter_.entity_type, .entity_id = filter_.entity_id, .up_to = up_to};
    auto found = from.query(before, {.order = reading_order::newest_first, .limit = 1},
                            [&](const persistence_id&, const record_view& r) {
                              number_ = std::max(number_, r.number);
                              return true;
                            });
    if (!found) return fail(std::move(found.error()));
    return {};
  }

  // Events of other types move the mark of a strand, so a stream goes on past them too.
  result<void> go_on_to_heads(journal_session& from, places& at, read_ahead& ahead) {
    auto heads = heads_of(from);
    if (!heads) return fail(std::move(heads.error()));
    const bool further = std::any_of(heads->begin(), heads->end(), [&](const position& head) {
      return head > at.in(head.strand);
    });
    if (!further) return {};
    if (auto done = read(from, ahead); !done || !ahead.empty()) return done;
    if (id_) {
      if (auto done = go_on_in_id(from, *heads); !done) return done;
    }
    return go_on_to(*heads, at);
  }

  static result<void> go_on_to(const std::vector<position>& heads, places& at) {
    for (const auto& head : heads) {
      if (head > at.in(head.strand)) at.move_to(head);
    }
    return {};
  }

  // The last position of each strand that can be read now.
  result<std::vector<position>> heads_of(journal_session& from) {
    std::vector<position> heads;
    const auto strands = from.strands();
    for (std::uint32_t strand = 0; strand < strands; ++strand) {
      auto head = position::start_of(strand);
      event_filter all;
      if (strands > 1) all.slices = slices_of(strand, strands);
      if (wants(strand, strands)) {
        auto found = from.query(all, {.order = reading_order::newest_first, .limit = 1},
                                [&](const persistence_id&, const record_view& r) {
                                  head = r.at;
                                  return true;
                                });
        if (!found) return fail(std::move(found.error()));
      }
      heads.push_back(head);
    }
    return heads;
  }

  [[nodiscard]] bool wants(std::uint32_t strand, std::uint32_t strands) const {
    if (id_) return strand == strand_of(id_->slice(), strands);
    if (!filter_.slices) return true;
    return strand_of(filter_.slices->first, strands) <= strand &&
           strand <= strand_of(filter_.slices->last, strands);
  }

  event_filter filter_;
  event_page page_;
  const bool from_kept_;
  const bool live_;
  std::optional<persistence_id> id_;  // the only one, if the filter names one
  sequence_nr number_ = 0;            // of its last event read
};

// The latest states.
class state_source final : public journal_source {
 public:
  state_source(journal_selection which, std::size_t batch_max)
      : filter_{std::move(which.filter)}, live_{which.live}, batch_max_{batch_max} {}

  result<void> begin(journal_session& from) override {
    if (auto why = fault_of(filter_, from.strands())) return fail(*std::move(why));
    for (const auto& start : filter_.after) {
      auto numbered = from.read_states(start, 1, [](const auto&...) { return false; });
      if (!numbered) return numbered;
    }
    return from.read_states({}, 1, [](const auto&...) { return false; });
  }

  // Begins with another strand each time, so that a busy one does not hide the others.
  result<void> fill(journal_session& from, places& at, read_ahead& ahead) override {
    const auto strands = from.strands();
    const auto first = next_++;
    complete_.resize(strands);
    for (std::uint32_t i = 0; i < strands && ahead.empty(); ++i) {
      const auto strand = (first + i) % strands;
      if (complete_[strand]) continue;
      if (auto done = fill_from(strand, from, at, ahead); !done) return done;
    }
    return {};
  }

  [[nodiscard]] bool ends() const noexcept override { return !live_; }

 private:
  result<void> fill_from(std::uint32_t strand, journal_session& from, places& at,
                         read_ahead& ahead) {
    for (bool more = true; more && ahead.empty();) {
      std::size_t count = 0;
      bool stopped = false;
      auto take = [&](const persistence_id& of, const changed_state& changed) {
        ++count;
        const auto r = as_record(changed);
        if (fits(of)) {
          stopped = !ahead.add(of, r);
        } else if (ahead.empty()) {
          at.move_to(r.at);
        }
        return !stopped;
      };
      auto done = from.read_states(at.in(strand), batch_max_, take);
      if (!done && ahead.empty()) return done;
      more = !done || stopped || count == batch_max_;
      // Every state that is past `at` was in this batch: whatever changes later is for live streams.
      complete_[strand] = !more && !live_;
    }
    return {};
  }

  [[nodiscard]] bool fits(const persistence_id& of) const {
    if (filter_.entity_type && *filter_.entity_type != of.type()) return false;
    if (filter_.entity_id && *filter_.entity_id != of.id()) return false;
    if (!filter_.slices) return true;
    return filter_.slices->first <= of.slice() && of.slice() <= filter_.slices->last;
  }

  static record_view as_record(const changed_state& changed) {
    record_view made{changed.version, changed.at, changed.writer, {}};
    made.event.time = changed.time;
    if (!changed.value) return made;
    made.event.type = changed.value->type;
    made.event.schema_version = changed.value->schema_version;
    made.event.codec = changed.value->codec;
    made.event.data = changed.value->data;
    return made;
  }

  const event_filter filter_;
  const bool live_;
  const std::size_t batch_max_;
  std::uint32_t next_ = 0;
  std::vector<bool> complete_;  // by strand
};

}  // namespace

void places::move_to(const position& at) {
  auto found = std::ranges::find(named_, at.strand, &position::strand);
  if (found == named_.end()) {
    named_.push_back(at);
  } else {
    *found = at;
  }
}

std::unique_ptr<journal_source> journal_source::of(journal_selection which, std::size_t batch_max) {
  batch_max = std::max(batch_max, std::size_t{1});
  switch (which.what) {
    case journal_selection::kind::events:
      return std::make_unique<event_source>(std::move(which), batch_max);
    case journal_selection::kind::states:
      return std::make_unique<state_source>(std::move(which), batch_max);
    case journal_selection::kind::strand:
      break;
  }
  return std::make_unique<strand_source>(which, batch_max);
}

}}  // namespace nexus::v0
