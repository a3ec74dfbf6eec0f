// The events of a strand in order: the log says where they are.
//
// A page reads some log items, then the items that they list and the mark of what was erased. The
// mark is set before anything is removed: an item that is missing and not erased by the mark is not
// visible yet, or the mark was read too early. Then the page is read again.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "records.hpp"
#include "session.hpp"
#include "tags.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

/// What the log says of an item.
struct dynamodb_session::listed {
  persistence_id id;
  sequence_nr first;
  std::uint64_t count;
  position at;  ///< of its first event

  [[nodiscard]] position last() const {
    auto made = at;
    made.minor += count - 1;
    return made;
  }
  [[nodiscard]] std::pair<std::string, std::string> place() const {
    return {of_id(id), events_from(first)};
  }
};

/// What comes next in a strand.
struct dynamodb_session::listed_page {
  std::vector<listed> items{};
  bool last = false;        ///< no more items come behind these
  bool all_visible = true;  ///< else some are to be looked for again
};

struct dynamodb_session::whole {
  position next;  ///< passed up to here
  bool from_kept;
  std::size_t left;
  const journal_sink& sink;
  bool done = false;
};

namespace {

constexpr std::size_t listed_max = 99;  // of one BatchGetItem, with the mark

/// A list of the index of tags.
struct tag_list {
  std::string_view tag;            ///< empty: the list of batches with too many tags
  std::set<std::uint64_t> seen{};  ///< the numbers of its batches that were read
};

}  // namespace

result<dynamodb_session::listed_page> dynamodb_session::list_log(const whole& now) {
  const auto of = now.next.strand;
  const bool at_start = now.next.is_start();
  auto log = table_.items({.p = log_of(of),
                           .from = in_order(at_start ? 1 : now.next.major),
                           .limit = std::clamp<std::size_t>(now.left, 2, 50)});
  if (!log) return fail(std::move(log.error()));
  if (log->items.empty() && !at_start) return fail(past_the_end(now.next, core_->name));
  listed_page made{.last = log->next.is_null()};
  auto n = at_start ? 1 : now.next.major;
  std::uint64_t events = 0;
  for (const auto& one : log->items) {
    if (number_of_log(one) != n) break;
    const auto entries = unpack_entries(bytes_in(one, "d").value_or("?"));
    if (!entries) {
      return fail(errc::corrupt, fmt::format("{}: item {} of the log of strand {} is corrupt",
                                             core_->name, n, of));
    }
    std::uint64_t i = 1;
    for (const auto& entry : *entries) {
      auto id = persistence_id::parse(entry.id);
      if (!id) return fail(std::move(id.error()));
      listed item{*std::move(id), entry.first, entry.count, at(of, n, i)};
      i += entry.count;
      if (!at_start && !(item.last() > now.next)) continue;
      if (events >= now.left || made.items.size() == listed_max) {
        made.last = false;
        return made;
      }
      events += entry.count;
      made.items.push_back(std::move(item));
    }
    ++n;
  }
  return made;
}

position dynamodb_session::mark_in(const json& item, std::uint32_t of) const {
  return at(of, number_in(item, "n").value_or(0), number_in(item, "i").value_or(0));
}

// The newest items of the log say in which lists their batches are: an item that is missing in one
// of them is not visible yet. The items of earlier batches are visible, since a batch is sent when
// the one before is stored.
result<dynamodb_session::listed_page> dynamodb_session::list_tagged(const whole& now) {
  constexpr std::size_t newest_looked_at = 16;
  const auto of = now.next.strand;
  const auto begin = now.next.is_start() ? 1 : now.next.major;
  const auto newest = table_.items(
      {.p = log_of(of), .ascending = false, .limit = newest_looked_at, .only = "s, t"});
  if (!newest) return fail(newest.error());
  const auto end = newest->items.empty() ? 0 : number_of_log(newest->items.front());
  if (end < begin) {
    if (!now.next.is_start()) return fail(past_the_end(now.next, core_->name));
    return listed_page{.last = true};
  }
  std::array lists{tag_list{*only_tag_}, tag_list{""}};
  std::vector<request> asked;
  for (const auto& one : lists) {
    asked.push_back(table_.query({.p = tagged(of, one.tag),
                                  .from = in_order(begin),
                                  .to = in_order(end),
                                  .limit = std::clamp<std::size_t>(now.left, 2, listed_max / 2)}));
  }
  auto got = table_.ask_all(asked);
  if (!got) return fail(std::move(got.error()));
  std::vector<json> places;
  auto until = end;  // both lists were read up to this batch
  for (std::size_t i = 0; i < lists.size(); ++i) {
    auto some = page_of(std::move((*got)[i]));
    if (!some.next.is_null()) until = std::min(until, number_of_log(some.next));
    for (auto& one : some.items) {
      lists[i].seen.insert(number_of_log(one));
      places.push_back(std::move(one));
    }
  }
  listed_page made{.last = until == end};
  for (const auto& one : newest->items) {
    const auto n = number_of_log(one);
    const auto tags = bytes_in(one, "t").value_or("");
    const bool is_here = std::ranges::all_of(lists, [&tags, n](const tag_list& list) {
      return list.seen.contains(n) || !has_tag(tags, list.tag);
    });
    if (n < begin || n > until || is_here) continue;
    made.all_visible = false;
    until = std::min(until, n - 1);
  }
  for (const auto& one : places) {
    const auto n = number_of_log(one);
    if (n > until) continue;
    const auto entries = unpack_places(bytes_in(one, "d").value_or("?"));
    if (!entries) {
      return fail(errc::corrupt,
                  fmt::format("{}: item {} of the tag \"{}\" of strand {} is corrupt", core_->name,
                              n, *only_tag_, of));
    }
    for (const auto& [entry, i] : *entries) {
      auto id = persistence_id::parse(entry.id);
      if (!id) return fail(std::move(id.error()));
      listed item{*std::move(id), entry.first, entry.count, at(of, n, i)};
      if (now.next.is_start() || item.last() > now.next) made.items.push_back(std::move(item));
    }
  }
  std::ranges::sort(made.items, {}, &listed::at);
  if (const auto most = std::min(listed_max, now.left); made.items.size() > most) {
    made.items.erase(made.items.begin() + static_cast<std::ptrdiff_t>(most), made.items.end());
    made.last = false;
    made.all_visible = true;
  }
  return made;
}

// Returns whether it got on; else an item is not visible.
result<bool> dynamodb_session::read_page(whole& now) {
  const auto of = now.next.strand;
  const auto begin = now.next;
  auto page = only_tag_ ? list_tagged(now) : list_log(now);
  if (!page) return fail(std::move(page.error()));
  const auto& wanted = page->items;
  if (wanted.empty()) {
    now.done = page->all_visible;
    return page->all_visible;
  }
  std::vector<item_key> keys;
  for (const auto& one : wanted) keys.push_back({of_id(one.id), events_from(one.first)});
  keys.push_back(mark_of(of));
  auto items = table_.many_items(keys);
  if (!items) return fail(std::move(items.error()));
  const auto mark =
      std::ranges::find_if(*items, [](const json& one) { return text_in(one, "s") == head_place; });
  const auto erased = mark == items->end() ? at(of, 0, 0) : mark_in(*mark, of);
  const bool any_erased = erased.major > 0 && now.next < erased;
  if (any_erased && !now.from_kept) return fail(erased_past(now.next, core_->name));
  std::map<std::string, head> heads;
  if (any_erased) {
    for (const auto& one : wanted) {
      if (!(one.at <= erased) || heads.contains(one.id.str())) continue;
      auto found = head_now(one.id);
      if (!found) return fail(std::move(found.error()));
      heads.emplace(one.id.str(), *std::move(found));
    }
  }
  std::map<std::pair<std::string, std::string>, const json*> found;
  for (const auto& one : *items) {
    found.emplace(std::pair{text_in(one, "p").value_or(""), text_in(one, "s").value_or("")}, &one);
  }
  for (const auto& one : wanted) {
    const auto of_id_here = heads.find(one.id.str());
    auto from = of_id_here == heads.end() ? one.first : of_id_here->second.erased + 1;
    from = std::max(from, one.first);
    const auto last = one.first + one.count - 1;
    if (!now.next.is_start() && one.at <= now.next) {
      from = std::max(from, one.first + (now.next.minor - one.at.minor) + 1);
    }
    if (from > last) {  // erased
      now.next = one.last();
      continue;
    }
    const auto at_place = found.find(one.place());
    if (at_place == found.end()) return now.next != begin;
    const auto item = item_in(*at_place->second);
    if (item.bad.empty() && from < item.first + item.missing) return now.next != begin;
    auto passed = pass(one.id, item, from, last, [&](const record_view& r) {
      const bool more = now.sink(one.id, r);
      now.next = r.at;
      --now.left;
      return more && now.left > 0;
    });
    if (!passed) return fail(std::move(passed.error()));
    if (!*passed) {
      now.done = true;
      return true;
    }
    if (auto why = stopped()) return fail(*std::move(why));
  }
  now.done = page->last && page->all_visible;
  return page->all_visible || now.next != begin;
}

result<void> dynamodb_session::read_all(reading_start from, std::size_t max,
                                        const journal_sink& sink) {
  if (auto why = stopped()) return fail(*std::move(why));
  if (auto why = foreign(from.after, core_->strands, core_->epoch, core_->name)) {
    return fail(*std::move(why));
  }
  if (max == 0) return {};
  whole now{from.after, from.from_kept, max, sink};
  for (look_again again; !now.done;) {
    auto got_on = read_page(now);
    if (!got_on) return fail(std::move(got_on.error()));
    if (now.done) break;
    if (*got_on) {
      again = {};
      continue;
    }
    if (!again.after_a_pause()) {
      return fail(errc::corrupt, fmt::format("{}: an event behind the position \"{}\" is missing",
                                             core_->name, to_string(now.next)));
    }
  }
  return {};
}

result<std::vector<position>> dynamodb_session::newest(std::uint32_t of, std::size_t count) {
  std::vector<position> found;
  item_range range{.p = log_of(of), .ascending = false, .limit = 4};
  // What is past the mark of before is not erased, or was not when this was called.
  auto got = table_.ask_all(std::vector{table_.query(range), table_.get(mark_of(of))});
  if (!got) return fail(std::move(got.error()));
  const auto mark = mark_in(item_of(std::move((*got)[1])), of);
  result<page> some = page_of(std::move((*got)[0]));
  for (;;) {
    for (const auto& one : some->items) {
      const auto entries = unpack_entries(bytes_in(one, "d").value_or("?"));
      if (!entries) return fail(errc::corrupt, core_->name + ": an item of the log is corrupt");
      std::uint64_t i = 0;
      for (const auto& entry : *entries) i += entry.count;
      for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
        auto id = persistence_id::parse(entry->id);
        if (!id) return fail(std::move(id.error()));
        sequence_nr erased = 0;
        if (at(of, number_of_log(one), i - entry->count + 1) <= mark) {
          auto known = head_now(*id);
          if (!known) return fail(std::move(known.error()));
          erased = known->erased;
        }
        const auto last = entry->first + entry->count - 1;
        for (auto n = last; n >= entry->first && n > erased; --n) {
          found.push_back(at(of, number_of_log(one), i - (last - n)));
          if (found.size() == count) return found;
        }
        i -= entry->count;
      }
    }
    if (some->next.is_null()) return found;
    range.after = std::move(some->next);
    range.limit = 50;
    some = table_.items(range);
    if (!some) return fail(std::move(some.error()));
  }
}

result<position> dynamodb_session::last(std::uint32_t of) {
  if (auto why = stopped()) return fail(*std::move(why));
  if (of >= core_->strands) return position::start_of(of);
  auto found = newest(of, 1);
  if (!found) return fail(std::move(found.error()));
  return found->empty() ? position::start_of(of) : found->front();
}

namespace {

/// The strand of which a filter wants all events, if it is one.
std::optional<std::uint32_t> whole_strand(const event_filter& filter, std::uint32_t strands) {
  if (filter.event_type || filter.entity_type || filter.entity_id || filter.from || filter.to ||
      filter.tag || !filter.after.empty() || !filter.up_to.empty()) {
    return std::nullopt;
  }
  const auto all = filter.slices.value_or(slice_range{});
  const auto strand = strand_of(all.first, strands);
  const auto own = slices_of(strand, strands);
  if (own.first != all.first || own.last != all.last) return std::nullopt;
  return strand;
}

}  // namespace

/// While it is there, `read_all` reads the index of tags, if that serves the filter.
class dynamodb_session::by_tag {
 public:
  by_tag(dynamodb_session& of, const event_filter& filter) : of_{of} {
    if (of_.core_->indexes.tag) of_.only_tag_ = filter.tag;
  }
  ~by_tag() { of_.only_tag_.reset(); }
  by_tag(const by_tag&) = delete;
  by_tag& operator=(const by_tag&) = delete;

 private:
  dynamodb_session& of_;
};

result<std::uint64_t> dynamodb_session::count(const event_filter& filter) {
  const by_tag if_chosen{*this, filter};
  return journal_session::count(filter);
}

result<std::string> dynamodb_session::explain(const event_filter& filter) {
  auto told = journal_session::explain(filter);
  if (told && filter.tag && core_->indexes.tag) return std::string{"reads the index of tags"};
  return told;
}

result<page_info> dynamodb_session::query(const event_filter& filter, const event_page& page,
                                          const journal_sink& sink) {
  const by_tag if_chosen{*this, filter};
  const auto of = whole_strand(filter, core_->strands);
  if (!of || page.order != reading_order::newest_first || page.limit != 1 || page.offset != 0 ||
      !page.cursor.empty() || page.count) {
    return journal_session::query(filter, page, sink);
  }
  if (auto why = stopped()) return fail(*std::move(why));
  auto found = newest(*of, 2);
  if (!found) return fail(std::move(found.error()));
  page_info info;
  if (found->empty()) return info;
  const auto wanted = found->front();
  auto before = wanted;
  if (--before.minor == 0) before = at(*of, before.major - 1, UINT64_MAX);
  if (before.major == 0) before = position::start_of(*of);
  auto read = read_all(reading_start::kept_after(before), 1,
                       [&](const persistence_id& id, const record_view& r) {
                         ++info.size;
                         return sink(id, r);
                       });
  if (!read) return fail(std::move(read.error()));
  info.has_next = found->size() > 1;
  info.next = cursor_of(page.order, std::vector{wanted});
  return info;
}

}}}  // namespace nexus::v0::dynamodb
