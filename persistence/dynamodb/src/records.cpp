// Reading the records of one id, and settling an append by them.
#include "records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "session.hpp"

namespace nexus { inline namespace v0 { namespace dynamodb {

dynamodb_session::found_item dynamodb_session::item_in(const json& item) const {
  found_item made;
  const auto place = text_in(item, "s").value_or("");
  if (place.size() > 1) made.first = std::strtoull(place.c_str() + 1, nullptr, 10);
  const auto count = number_in(item, "c");
  const auto n = number_in(item, "n");
  const auto i = number_in(item, "i");
  const auto writer = ulid::parse(text_in(item, "w").value_or(""));
  auto bytes = bytes_in(item, "d");
  made.count = count.value_or(0);
  made.missing = number_in(item, "k").value_or(0);
  if (!count || *count == 0 || made.missing >= *count) made.bad = "c";
  if (!n || !i) made.bad = "n or i";
  if (!writer) made.bad = "w";
  if (!bytes) made.bad = "d";
  made.n = n.value_or(0);
  made.i = i.value_or(0);
  made.writer = writer.value_or(ulid{});
  made.bytes = std::move(bytes).value_or("");
  return made;
}

result<bool> dynamodb_session::pass(const persistence_id& id, const found_item& item,
                                    sequence_nr from, sequence_nr to,
                                    const std::function<bool(const record_view&)>& sink) const {
  const auto corrupt = [&](sequence_nr number, std::string_view what) {
    return fail(corrupt_row(core_->name, stored_kind::event, id, column_nr(number), what));
  };
  if (!item.bad.empty()) return corrupt(std::max(from, item.first), item.bad);
  event_reader events{item.bytes};
  for (auto number = item.first + item.missing; number <= std::min(to, item.last()); ++number) {
    if (events.at_end()) return corrupt(number, "d: it ends early");
    if (number < from) {
      events.skip();
      continue;
    }
    const auto event = events.next();
    if (!event) return corrupt(number, "d");
    const record_view record{number, at(strand(id), item.n, item.i + (number - item.first)),
                             item.writer, *event};
    if (!sink(record)) return false;
  }
  return true;
}

/// A replay on its way.
struct dynamodb_session::reading {
  const persistence_id& id;
  sequence_nr next;
  sequence_nr to;
  std::size_t left;
  const record_sink& sink;
  bool done = false;
};

// One look at the head, the item that has the next number, and those behind it. Returns whether it
// got on; `done` if all was passed. An item may be missing for a moment: a transaction's items do not
// become visible together.
result<bool> dynamodb_session::read_round(reading& now) {
  const auto begin = now.next;
  const auto limit = std::min<std::size_t>(now.left, 1'000);
  item_range before{.p = of_id(now.id),
                    .from = events_from(0),
                    .to = events_from(now.next),
                    .ascending = false,
                    .limit = 1};
  item_range behind{.p = of_id(now.id),
                    .from = events_from(now.next + 1),
                    .to = events_from(now.to),
                    .limit = limit};
  std::vector<request> all{table_.get(head_of(now.id)), table_.query(before)};
  const bool more_than_one = now.to > now.next;
  if (more_than_one) all.push_back(table_.query(behind));
  auto got = table_.ask_all(all);
  if (!got) return fail(std::move(got.error()));
  const auto known = head::of(item_of(std::move((*got)[0])));
  now.next = std::max(now.next, known.erased + 1);
  const auto last = std::min(now.to, known.highest);
  now.done = now.next > last;
  auto some = page_of(std::move((*got)[1]));
  some.next = nullptr;
  if (more_than_one) {
    auto rest = page_of(std::move((*got)[2]));
    std::ranges::move(rest.items, std::back_inserter(some.items));
    some.next = std::move(rest.next);
  }
  while (!now.done) {
    for (const auto& one : some.items) {
      const auto item = item_in(one);
      if (item.last() < now.next) continue;
      if (item.first > now.next) return now.next > begin;  // not visible yet, or lost
      auto passed = pass(now.id, item, now.next, last, [&now](const record_view& r) {
        const bool wanted = now.sink(r);
        now.next = r.number + 1;
        --now.left;
        return wanted && now.left > 0;
      });
      if (!passed) return fail(std::move(passed.error()));
      now.done = !*passed || now.next > last;
      if (now.done) return true;
      if (auto why = stopped()) return fail(*std::move(why));
    }
    if (some.next.is_null()) break;
    behind.after = std::move(some.next);
    behind.limit = std::min<std::size_t>(now.left, 1'000);
    auto page = table_.items(behind);
    if (!page) return fail(std::move(page.error()));
    some = *std::move(page);
  }
  return now.next > begin;
}

result<void> dynamodb_session::replay(const persistence_id& id, sequence_nr from, sequence_nr to,
                                      std::size_t max, const record_sink& sink) {
  if (auto why = stopped()) return fail(*std::move(why));
  reading now{id, std::max<sequence_nr>(from, 1), std::min(to, sequence_nr_max), max, sink};
  if (max == 0 || now.next > now.to) return {};
  for (look_again again; !now.done;) {
    auto got_on = read_round(now);
    if (!got_on) return fail(std::move(got_on.error()));
    if (now.done) break;
    if (*got_on) again = {};
    if (!again.after_a_pause()) {
      return fail(errc::corrupt, fmt::format("{}: event {} of {} is corrupt: it is missing",
                                             core_->name, now.next, id.str()));
    }
    if (auto why = stopped()) return fail(*std::move(why));
  }
  return {};
}

result<settlement> dynamodb_session::settle(const append_request& request) {
  if (auto why = stopped()) return fail(*std::move(why));
  const auto& id = request.id;
  for (look_again again;;) {
    auto now = head_now(id);
    if (!now) return fail(std::move(now.error()));
    if (request.only_due()) {
      if (settled_as(request.due, request.writer, now->alarm(id)) == settlement::stored) {
        return settlement::stored;
      }
    }
    if (now->highest > request.expected) break;  // a late attempt fails by its expected number
    auto fenced = fence(id, "h", *now);
    if (!fenced) return fail(std::move(fenced.error()));
    if (*fenced) return settlement::not_stored;
    if (!again.after_a_pause()) {
      return fail(errc::unavailable,
                  fmt::format("{}: settling of {}: others change it", core_->name, id.str()));
    }
  }
  if (request.events.empty()) return settlement::not_stored;
  std::size_t own = 0;
  const auto count = request.events.size();
  auto read =
      replay(id, request.expected + 1, request.expected + count, count, [&](const record_view& r) {
        const bool same = r.number == request.expected + own + 1 && carried(request, r);
        if (same) ++own;
        return same;
      });
  if (!read) return fail(std::move(read.error()));
  return own == count ? settlement::stored : settlement::not_stored;
}

}}}  // namespace nexus::v0::dynamodb
