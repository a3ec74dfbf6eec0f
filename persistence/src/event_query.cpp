#include "nexus/event_query.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "text.hpp"

namespace nexus { inline namespace v0 {
namespace {

error bad(std::string_view field, std::string_view why) {
  return {errc::invalid_argument, fmt::format("query: {} {}", field, why)};
}

std::optional<error> fault_of_positions(std::string_view field, const std::vector<position>& named,
                                        std::uint32_t strands) {
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (named[i].strand >= strands) {
      return bad(field,
                 fmt::format("names strand {}, but the journal has {}", named[i].strand, strands));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (named[j].strand == named[i].strand) {
        return bad(field, fmt::format("names strand {} twice", named[i].strand));
      }
    }
  }
  return std::nullopt;
}

std::optional<error> fault_of_texts(const event_filter& filter) {
  using namespace std::string_view_literals;
  auto text = [](std::string_view field, const std::optional<std::string>& value,
                 std::string_view forbidden) -> std::optional<error> {
    if (!value) return std::nullopt;
    if (value->empty()) return bad(field, "is empty; leave it out to match all");
    if (value->find_first_of(forbidden) != std::string::npos || !is_utf8(*value)) {
      return bad(field, fmt::format("is \"{}\", which no event has", shown(*value)));
    }
    return std::nullopt;
  };
  if (auto why = text("event_type", filter.event_type, "\0"sv)) return why;
  if (auto why = text("entity_type", filter.entity_type, "|\0"sv)) return why;
  if (auto why = text("entity_id", filter.entity_id, "\0"sv)) return why;
  return text("tag", filter.tag, "\0"sv);
}

char letter(reading_order order) { return order == reading_order::oldest_first ? 'o' : 'n'; }

}  // namespace

position position_in(std::uint32_t strand, const std::vector<position>& named) {
  const auto found = std::ranges::find(named, strand, &position::strand);
  return found == named.end() ? position::start_of(strand) : *found;
}

std::string cursor_of(reading_order order, const std::vector<position>& at) {
  std::string made{letter(order)};
  for (const auto& one : at) made += fmt::format(".{}", to_string(one));
  return made;
}

result<std::vector<position>> positions_of(const event_page& page) {
  std::vector<position> found;
  if (page.cursor.empty()) return found;
  const auto refuse = [&](std::string_view why) {
    return fail(bad("cursor", fmt::format("\"{}\" {}", shown(page.cursor), why)));
  };
  std::string_view text = page.cursor;
  if (text[0] != 'o' && text[0] != 'n') return refuse("is not a cursor");
  if (text[0] != letter(page.order)) return refuse("is of a page in the other order");
  text.remove_prefix(1);
  while (!text.empty()) {
    const auto end = std::min(text.find('.', 1), text.size());
    auto one = position::parse(text.substr(1, end - 1));
    if (text[0] != '.' || !one) return refuse("is not a cursor");
    found.push_back(*one);
    text.remove_prefix(end);
  }
  if (found.empty()) return refuse("is not a cursor");
  return found;
}

std::optional<error> fault_of(const event_filter& filter, std::uint32_t strands) {
  if (auto why = fault_of_texts(filter)) return why;
  if (filter.from && filter.to && *filter.to < *filter.from) return bad("to", "is before from");
  if (filter.slices && filter.slices->last < filter.slices->first) {
    return bad("slices",
               fmt::format("end at {}, before {}", filter.slices->last, filter.slices->first));
  }
  if (filter.slices && filter.slices->last >= persistence_id::slices) {
    return bad("slices", fmt::format("end at {}, the last slice is {}", filter.slices->last,
                                     persistence_id::slices - 1));
  }
  if (auto why = fault_of_positions("after", filter.after, strands)) return why;
  return fault_of_positions("up_to", filter.up_to, strands);
}

std::optional<error> fault_of(const event_page& page) {
  if (page.limit < 1 || page.limit > event_page::limit_max) {
    return bad("limit", fmt::format("is {}, not 1 to {}", page.limit, event_page::limit_max));
  }
  if (page.offset < 0) return bad("offset", fmt::format("is {}, which is negative", page.offset));
  if (auto read = positions_of(page); !read) return std::move(read.error());
  return std::nullopt;
}

bool matches(const event_filter& filter, const persistence_id& of, const record_view& r) {
  if (filter.event_type && *filter.event_type != r.event.type) return false;
  if (filter.entity_type && *filter.entity_type != of.type()) return false;
  if (filter.entity_id && *filter.entity_id != of.id()) return false;
  if (filter.from && r.event.time <= *filter.from) return false;
  if (filter.to && r.event.time >= *filter.to) return false;
  if (filter.tag && std::ranges::find(r.event.tags, *filter.tag) == r.event.tags.end())
    return false;
  if (filter.slices) {
    const auto slice = of.slice();
    if (slice < filter.slices->first || slice > filter.slices->last) return false;
  }
  auto one_of = [&](const std::vector<position>& named) {
    return std::ranges::find(named, r.at.strand, &position::strand);
  };
  if (auto at = one_of(filter.after); at != filter.after.end() && !(r.at > *at)) return false;
  if (auto at = one_of(filter.up_to); at != filter.up_to.end() && !(r.at <= *at)) return false;
  return true;
}

}}  // namespace nexus::v0
