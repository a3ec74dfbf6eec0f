// journal_session::query for journals without a query of their own: reads every event.
//
// Bounds: oldest first 4 MiB of events per strand; newest first the places of offset + limit events
// and the events of one page.
#include <algorithm>
#include <deque>
#include <iterator>

#include "nexus/journal.hpp"
#include "read_ahead.hpp"

namespace nexus { inline namespace v0 {
namespace {

constexpr std::size_t chunk = 1'000;   // records of one read at most
constexpr std::size_t chunk_min = 32;  // of a strand's share of a page at least

// Whether events of the strand may match: those of others need not be read.
bool may_match(const event_filter& filter, std::uint32_t strand, std::uint32_t strands) {
  if (filter.slices && (strand < strand_of(filter.slices->first, strands) ||
                        strand > strand_of(filter.slices->last, strands))) {
    return false;
  }
  if (!filter.entity_type || !filter.entity_id) return true;
  const auto id = persistence_id::make(*filter.entity_type, *filter.entity_id);
  return id && strand == strand_of(id->slice(), strands);
}

// The matching events of one strand, in order.
class strand_scan {
 public:
  strand_scan(journal_session& from, const event_filter& filter, position after)
      : from_{from}, filter_{filter}, read_{after} {}

  /// Passes each matching event with the position before it, until `sink` returns false or the
  /// strand ends. Reads `at_once` events first, then twice as many each time, up to a chunk: where
  /// few events match, reads become large.
  template <class Sink>
  result<void> each(Sink sink, std::size_t at_once = chunk) {
    for (bool more = true; more; at_once = std::min(2 * at_once, chunk)) {
      std::size_t count = 0;
      auto take = [&](const persistence_id& of, const record_view& r) {
        ++count;
        const auto before = std::exchange(read_, r.at);
        if (auto why = foreign(r.at)) return foreign_ = std::move(why), false;
        return !matches(filter_, of, r) || (more = sink(of, r, before));
      };
      if (auto done = from_.read_all(reading_start::kept_after(read_), at_once, take); !done) {
        return done;
      }
      if (foreign_) return fail(*std::move(foreign_));
      more = more && count == at_once;
    }
    return {};
  }

  [[nodiscard]] position read() const noexcept { return read_; }

 private:
  // `read_all` refuses only the position that it starts behind.
  std::optional<error> foreign(const position& at) const {
    for (const auto& end : filter_.up_to) {
      if (end.strand == at.strand && !end.is_start() && end.epoch != at.epoch) {
        return error{errc::foreign_position,
                     "query: up_to \"" + to_string(end) + "\" is not a position of this journal"};
      }
    }
    return std::nullopt;
  }

  journal_session& from_;
  const event_filter& filter_;
  position read_;
  std::optional<error> foreign_;
};

// Oldest first: a strand and its next events.
struct oldest {
  strand_scan scan;
  position passed;  // the last event passed, or the start
  // How many matching events are read ahead at most: the next page reads those again that this one
  // does not pass.
  std::size_t share;
  read_ahead ahead{};
  bool ended = false;

  result<void> fill() {
    if (!ahead.empty() || ended) return {};
    ended = true;
    const auto take = [this](const persistence_id& of, const record_view& r, const position&) {
      ended = ahead.add(of, r) && ahead.size() < share;
      return ended;
    };
    return scan.each(take, share);
  }
};

result<oldest*> next_of(std::vector<oldest>& strands) {
  oldest* next = nullptr;
  for (auto& one : strands) {
    if (auto done = one.fill(); !done) return fail(std::move(done.error()));
    if (one.ahead.empty()) continue;
    if (next == nullptr || one.ahead.front().event.time < next->ahead.front().event.time) {
      next = &one;
    }
  }
  return next;
}

result<page_info> oldest_first(journal_session& from, const event_filter& filter,
                               const event_page& page, const journal_sink& sink) {
  const auto starts = positions_of(page).value();
  const auto wanted =
      static_cast<std::size_t>(page.offset) + static_cast<std::size_t>(page.limit) + 1;
  const auto share = std::clamp(wanted / from.strands(), chunk_min, chunk);
  std::vector<oldest> strands;
  for (std::uint32_t i = 0; i < from.strands(); ++i) {
    auto after = position_in(i, filter.after);
    if (const auto there = position_in(i, starts); !there.is_start()) after = there;
    oldest made{{from, filter, after}, after, std::min(share, wanted)};
    made.ended = !may_match(filter, i, from.strands());
    strands.push_back(std::move(made));
  }
  page_info info;
  auto skip = page.offset;
  for (bool more = true;;) {
    auto next = next_of(strands);
    if (!next) return fail(std::move(next.error()));
    info.has_next = *next != nullptr;
    if (!info.has_next || !more || static_cast<std::int64_t>(info.size) == page.limit) break;
    auto& one = **next;
    const auto r = one.ahead.front();
    one.passed = r.at;
    if (skip > 0) {
      --skip;
    } else {
      ++info.size;
      more = sink(one.ahead.of(), r);
    }
    one.ahead.pop();
  }
  std::vector<position> at;
  // If all matching events that were read have been passed, the next page starts behind the last
  // event read.
  for (const auto& one : strands) {
    at.push_back(one.ahead.empty() ? one.scan.read() : one.passed);
  }
  info.next = cursor_of(page.order, at);
  return info;
}

// The place of a matching event.
struct place {
  position at;
  position before;  // read from here to find it
  timestamp time;
};

// Passes the events at `wanted`, in its order. Returns how many of them it has dealt with.
result<std::size_t> pass(journal_session& from, const std::vector<place>& wanted,
                         const journal_sink& sink, std::size_t& passed) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    read_ahead event;
    auto take = [&](const persistence_id& of, const record_view& r) {
      if (r.at == wanted[i].at) (void)event.add(of, r);
      return false;
    };
    if (auto done = from.read_all(reading_start::kept_after(wanted[i].before), 1, take); !done) {
      return fail(std::move(done.error()));
    }
    if (event.empty()) continue;  // erased meanwhile
    ++passed;
    if (!sink(event.of(), event.front())) return i + 1;
  }
  return wanted.size();
}

result<std::deque<place>> newest_of(journal_session& from, const event_filter& filter,
                                    position after, std::optional<position> last,
                                    std::size_t most) {
  auto bounded = filter;
  if (last) {
    std::erase_if(bounded.up_to, [&](const position& p) { return p.strand == last->strand; });
    bounded.up_to.push_back(*last);
  }
  std::deque<place> found;
  if (last && last->is_start()) return found;
  auto done = strand_scan{from, bounded, after}.each(
      [&](const persistence_id&, const record_view& r, const position& before) {
        found.push_back({r.at, before, r.event.time});
        if (found.size() > most) found.pop_front();
        return true;
      });
  if (!done) return fail(std::move(done.error()));
  return found;
}

result<page_info> newest_first(journal_session& from, const event_filter& filter,
                               const event_page& page, const journal_sink& sink) {
  if (page.offset > event_page::scanned_offset_max) {
    return fail(errc::invalid_argument, "query: offset is " + std::to_string(page.offset) +
                                            ", at most " +
                                            std::to_string(event_page::scanned_offset_max) +
                                            " where the journal scans; use the cursor");
  }
  const auto limit = static_cast<std::size_t>(page.limit);
  const auto offset = static_cast<std::size_t>(page.offset);
  const auto ends = positions_of(page).value();
  std::vector<std::deque<place>> strands;
  for (std::uint32_t i = 0; i < from.strands(); ++i) {
    std::optional<position> last;
    if (!page.cursor.empty()) last = position_in(i, ends);
    if (!may_match(filter, i, from.strands())) {
      strands.emplace_back();
      continue;
    }
    auto found = newest_of(from, filter, position_in(i, filter.after), last, offset + limit + 1);
    if (!found) return fail(std::move(found.error()));
    strands.push_back(*std::move(found));
  }
  auto next = [&]() -> std::deque<place>* {
    std::deque<place>* newest = nullptr;
    for (auto& one : strands) {
      if (one.empty()) continue;
      if (newest == nullptr || one.back().time > newest->back().time) newest = &one;
    }
    return newest;
  };
  std::vector<place> wanted;
  for (std::size_t i = 0; i < offset + limit; ++i) {
    auto* one = next();
    if (one == nullptr) break;
    if (i >= offset) wanted.push_back(one->back());
    one->pop_back();
  }
  page_info info{.has_next = next() != nullptr};
  std::vector<position> at;
  for (std::uint32_t i = 0; i < from.strands(); ++i) {
    at.push_back(strands[i].empty() ? position::start_of(i) : strands[i].back().at);
  }
  const auto done = pass(from, wanted, sink, info.size);
  if (!done) return fail(done.error());
  for (auto i = wanted.size(); i > *done; --i) {
    info.has_next = true;
    at[wanted[i - 1].at.strand] = wanted[i - 1].at;
  }
  info.next = cursor_of(page.order, at);
  return info;
}

}  // namespace

result<page_info> journal_session::query(const event_filter& filter, const event_page& page,
                                         const journal_sink& sink) {
  if (auto why = fault_of(filter, strands())) return fail(*std::move(why));
  if (auto why = fault_of(page)) return fail(*std::move(why));
  auto done = page.order == reading_order::oldest_first ? oldest_first(*this, filter, page, sink)
                                                        : newest_first(*this, filter, page, sink);
  if (!done) return done;
  done->number = static_cast<std::uint64_t>(page.offset / page.limit) + 1;
  done->has_previous = page.offset > 0 || !page.cursor.empty();
  if (page.count) {
    auto total = count(filter);
    if (!total) return fail(std::move(total.error()));
    done->total = *total;
  }
  return done;
}

result<std::uint64_t> journal_session::count(const event_filter& filter) {
  if (auto why = fault_of(filter, strands())) return fail(*std::move(why));
  std::uint64_t found = 0;
  for (std::uint32_t i = 0; i < strands(); ++i) {
    if (!may_match(filter, i, strands())) continue;
    auto done = strand_scan{*this, filter, position_in(i, filter.after)}.each(
        [&](const auto&...) { return ++found, true; });
    if (!done) return fail(std::move(done.error()));
  }
  return found;
}

result<position> journal_session::last(std::uint32_t strand) {
  auto found = position::start_of(strand);
  event_filter all;
  if (strands() > 1) all.slices = slices_of(strand, strands());
  auto read = query(all, {.order = reading_order::newest_first, .limit = 1},
                    [&](const persistence_id&, const record_view& r) {
                      found = r.at;
                      return true;
                    });
  if (!read) return fail(std::move(read.error()));
  return found;
}

result<std::string> journal_session::explain(const event_filter& filter) {
  if (auto why = fault_of(filter, strands())) return fail(*std::move(why));
  return std::string{"scans the journal"};
}

}}  // namespace nexus::v0
