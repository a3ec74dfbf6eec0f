#include "nexus/query_conditions.hpp"

#include <fmt/format.h>

#include "nexus/journal_checks.hpp"

namespace nexus { inline namespace v0 {
namespace {

using kind = query_condition::kind;

void add_ids(const event_filter& filter, query_plan& into) {
  auto add = [&](kind what, std::string text) {
    into.conditions.push_back({what, std::move(text)});
  };
  if (filter.entity_type && filter.entity_id) {
    into.of_one_id = true;
    add(kind::id, fmt::format("{}|{}", *filter.entity_type, *filter.entity_id));
  } else if (filter.entity_type) {
    add(kind::id_from, *filter.entity_type + '|');
    add(kind::id_to, *filter.entity_type + static_cast<char>('|' + 1));
  } else if (filter.entity_id) {
    add(kind::instance, *filter.entity_id);
  }
}

// A position that is the start excludes nothing as `after`, and everything as `up_to`.
result<void> add_positions(const event_filter& filter, const event_page& page, std::uint64_t epoch,
                           std::string_view journal, query_plan& into) {
  auto after = position_in(0, filter.after);
  auto up_to = filter.up_to;
  auto cursor = positions_of(page);
  if (!cursor) return fail(std::move(cursor.error()));
  if (!cursor->empty()) {
    const auto at = position_in(0, *cursor);
    if (into.newest_first) {
      up_to.assign(1, at);
    } else if (!at.is_start()) {
      after = at;
    }
  }
  up_to.push_back(after);
  for (const auto& one : up_to) {
    if (auto why = foreign(one, 1, epoch, journal)) return fail(*std::move(why));
  }
  up_to.pop_back();
  if (!after.is_start()) into.conditions.push_back({kind::after, after});
  if (up_to.empty()) return {};
  into.nothing = up_to.front().is_start();
  into.conditions.push_back({kind::up_to, up_to.front()});
  return {};
}

}  // namespace

result<query_plan> plan_of(const event_filter& filter, const event_page& page, std::uint64_t epoch,
                           std::string_view journal) {
  if (auto why = fault_of(filter, 1)) return fail(*std::move(why));
  if (auto why = fault_of(page)) return fail(*std::move(why));
  query_plan made{.by_tag = filter.tag.has_value(),
                  .newest_first = page.order == reading_order::newest_first,
                  .rows = page.limit + 1,
                  .offset = page.offset};
  auto add = [&](kind what, auto value) { made.conditions.push_back({what, std::move(value)}); };
  if (filter.tag) add(kind::tag, *filter.tag);
  if (filter.event_type) add(kind::event_type, *filter.event_type);
  add_ids(filter, made);
  if (filter.from) add(kind::later_than, *filter.from);
  if (filter.to) add(kind::before, *filter.to);
  if (filter.slices) {
    add(kind::slice_from, std::int64_t{filter.slices->first});
    add(kind::slice_to, std::int64_t{filter.slices->last});
  }
  if (auto done = add_positions(filter, page, epoch, journal, made); !done) {
    return fail(std::move(done.error()));
  }
  return made;
}

query_pager::query_pager(const event_filter& filter, const event_page& page) : page_{page} {
  info_.number = static_cast<std::uint64_t>(page.offset / page.limit) + 1;
  info_.has_previous = page.offset > 0 || !page.cursor.empty();
  if (page.order == reading_order::newest_first) return;
  next_ = position_in(0, filter.after);
  if (const auto cursor = positions_of(page); cursor && !cursor->empty()) {
    if (const auto at = position_in(0, *cursor); !at.is_start()) next_ = at;
  }
}

bool query_pager::take(const persistence_id& of, const record_view& r, const journal_sink& sink) {
  if (ended_ || static_cast<std::int64_t>(info_.size) == page_.limit) {
    info_.has_next = true;
    if (page_.order == reading_order::newest_first) next_ = r.at;
    return false;
  }
  ++info_.size;
  if (page_.order == reading_order::oldest_first) next_ = r.at;
  ended_ = !sink(of, r);  // the row after it tells whether there are more
  return true;
}

page_info query_pager::info() const {
  auto made = info_;
  made.next = cursor_of(page_.order, {next_});
  return made;
}

}}  // namespace nexus::v0
