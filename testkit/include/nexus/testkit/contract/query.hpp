// Queries over many entities, compared with a filter over the whole journal.
#pragma once

#include "nexus/testkit/contract/global_order.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// The events of a page, as in "alice 1:a, bob 1:x", or the error's code; and the page.
struct queried {
  std::string events;
  page_info page;
};
inline queried query(terse_session& s, const event_filter& filter, const event_page& page) {
  queried found;
  auto done = s.inner().query(filter, page, [&](const persistence_id& of, const record_view& r) {
    found.events += (found.events.empty() ? "" : ", ") + shown(of) + " " +
                    std::to_string(r.number) + ":" + std::string{r.event.data};
    return true;
  });
  if (!done) return {code_of(done), {}};
  found.page = *done;
  return found;
}

/// Some events of each kind: two types of entities, two of events, tags, times.
inline void fill(terse_session& s, const std::vector<persistence_id>& ids) {
  static constexpr std::string_view red[] = {"red"};
  static constexpr std::string_view both[] = {"red", "blue"};
  int minute = 0;
  for (sequence_nr n = 0; n < 4; ++n) {
    for (const auto& id : ids) {
      auto one = event(n % 2 == 0 ? "even" : "odd");
      one.type = minute % 3 == 0 ? "third" : "other";
      one.time = timestamp{std::chrono::minutes{minute}};
      if (minute % 4 == 1) one.tags = red;
      if (minute % 4 == 2) one.tags = both;
      ++minute;
      ASSERT_EQ(told(s.outcome_of({id, n, {{one}}})), "stored");
    }
  }
}

/// What the filter finds among all records of a strand, oldest first.
inline std::vector<journal_record> chosen(const std::vector<journal_record>& all,
                                          const event_filter& filter) {
  std::vector<journal_record> found;
  for (const auto& r : all) {
    const std::vector<std::string_view> tags{r.tags.begin(), r.tags.end()};
    const record_view view{r.number,
                           r.at,
                           r.writer,
                           {r.type, r.schema_version, r.codec, r.data, r.metadata, r.time, tags}};
    if (matches(filter, r.of, view)) found.push_back(r);
  }
  return found;
}

inline std::vector<event_filter> filters(const std::vector<journal_record>& all) {
  const auto minute = [](int n) { return timestamp{std::chrono::minutes{n}}; };
  const auto& middle = all[all.size() / 2];
  const auto slice = middle.of.slice();
  std::vector<event_filter> made{
      {},
      {.event_type = "third"},
      {.event_type = "none of this type"},
      {.entity_type = "account"},
      {.entity_type = "accoun"},
      {.entity_id = "alice"},
      {.entity_id = "ali"},
      {.entity_type = "account", .entity_id = "alice"},
      {.entity_type = "order", .entity_id = "alice"},
      {.from = minute(3)},
      {.to = minute(3)},
      {.from = minute(2), .to = minute(9)},
      {.from = minute(3), .to = minute(3)},
      {.tag = "red"},
      {.tag = "blue"},
      {.tag = "re"},
      {.event_type = "third", .entity_type = "account", .from = minute(1), .tag = "red"},
      {.slices = slice_range{slice, slice}},
      {.slices = slice_range{0, slice}},
      {.after = {middle.at}},
      {.up_to = {middle.at}},
      {.tag = "red", .after = {all[1].at}, .up_to = {all[all.size() - 2].at}},
      {.entity_type = "account", .entity_id = "alice", .after = {middle.at}},
      {.entity_type = "account", .entity_id = "alice", .up_to = {middle.at}},
      {.up_to = {position::start_of(middle.at.strand)}}};
  return made;
}

TEST_P(JournalContract, AQueryFindsWhatItsFilterSaysInEitherOrder) {
  const std::vector<persistence_id> ids{alice, bob, order_of_alice};
  fill(session, ids);
  const auto all = follow(session, 12, start);
  int number = 0;
  for (const auto& filter : filters(all)) {
    ++number;
    auto expected = chosen(all, filter);
    auto found = query(session, filter, {.count = true});
    EXPECT_EQ(found.events, told(expected)) << "filter " << number;
    EXPECT_EQ(found.page.size, expected.size()) << "filter " << number;
    EXPECT_EQ(found.page.total, expected.size()) << "filter " << number;
    EXPECT_FALSE(found.page.has_next) << "filter " << number;
    EXPECT_EQ(must(session.inner().count(filter)), expected.size()) << "filter " << number;
    std::reverse(expected.begin(), expected.end());
    const auto newest = query(session, filter, {.order = reading_order::newest_first});
    EXPECT_EQ(newest.events, told(expected)) << "filter " << number << ", newest first";
    EXPECT_FALSE(must(session.inner().explain(filter)).empty());
  }
}

TEST_P(JournalContract, ATimeThatNoEventCanHaveIsBeforeOrAfterAll) {
  const auto limits = store->limits();
  sequence_nr n = 0;
  for (auto time : {limits.time_min, timestamp{}, limits.time_max}) {
    auto one = event("e");
    one.time = time;
    ASSERT_EQ(told(session.outcome_of({alice, n++, {{one}}})), "stored");
  }
  const auto all = follow(session, 3, start);
  std::vector<timestamp> times{timestamp::min(), limits.time_min, limits.time_max,
                               timestamp::max()};
  for (int year : {-288'030, -198'030, -4'713, 9'999, 290'000}) {
    times.emplace_back(std::chrono::sys_days{std::chrono::days{year * 365LL}});
  }
  for (auto time : times) {
    for (const auto& filter : {event_filter{.from = time}, event_filter{.to = time},
                               event_filter{.from = time, .to = timestamp::max()},
                               event_filter{.from = timestamp::min(), .to = time}}) {
      EXPECT_EQ(query(session, filter, {}).events, told(chosen(all, filter)))
          << time.time_since_epoch().count() << (filter.from == time ? " on" : " before");
    }
  }
}

TEST_P(JournalContract, PagesAreCutByLimitAndOffset) {
  fill(session, {alice, bob, order_of_alice});
  const auto all = follow(session, 12, start);
  for (auto order : {reading_order::oldest_first, reading_order::newest_first}) {
    auto expected = chosen(all, {.tag = "red"});
    if (order == reading_order::newest_first) std::reverse(expected.begin(), expected.end());
    for (std::int64_t limit : {1, 2, 4, 100}) {
      for (std::size_t offset = 0; offset <= expected.size(); ++offset) {
        const auto size = std::min(static_cast<std::size_t>(limit), expected.size() - offset);
        const auto first = expected.begin() + static_cast<std::ptrdiff_t>(offset);
        const auto end = first + static_cast<std::ptrdiff_t>(size);
        const auto found =
            query(session, {.tag = "red"},
                  {.order = order, .limit = limit, .offset = static_cast<std::int64_t>(offset)});
        EXPECT_EQ(found.events, told(std::vector<journal_record>{first, end}))
            << limit << " from " << offset;
        EXPECT_EQ(found.page.has_next, end != expected.end()) << limit << " from " << offset;
        EXPECT_EQ(found.page.has_previous, offset > 0);
        EXPECT_EQ(found.page.number, offset / static_cast<std::size_t>(limit) + 1);
      }
    }
    const auto beyond = query(session, {}, {.order = order, .offset = 1'000});
    EXPECT_EQ(beyond.events, "");
    EXPECT_FALSE(beyond.page.has_next);
  }
}

/// All pages behind each other, and an append between any two of them.
TEST_P(JournalContract, ACursorStaysCorrectWhileEventsAreAppended) {
  fill(session, {alice, bob, order_of_alice});
  sequence_nr more = 0;
  for (const auto& filter : {event_filter{}, event_filter{.entity_type = "account"},
                             event_filter{.entity_type = "account", .entity_id = "alice"}}) {
    for (auto order : {reading_order::oldest_first, reading_order::newest_first}) {
      auto expected = chosen(follow(session, 12 + more, start), filter);
      if (order == reading_order::newest_first) std::reverse(expected.begin(), expected.end());
      std::string seen;
      event_page page{.order = order, .limit = 2};
      for (std::size_t n = 0; n < expected.size(); n += 2) {
        const auto found = query(session, filter, page);
        seen += (seen.empty() ? "" : ", ") + found.events;
        EXPECT_EQ(found.page.has_previous, n > 0);
        page.cursor = found.page.next;
        ASSERT_EQ(session.append(carol, more++, {"later"}), "stored");
        (void)follow(session, 12 + more, start);
      }
      // Carol's account is of the same type, and her events are past all others.
      seen.resize(std::min(seen.size(), told(expected).size()));
      EXPECT_EQ(seen, told(expected));
      const auto after = query(session, filter, page);
      if (order == reading_order::newest_first) {
        EXPECT_EQ(after.events, "") << "newest first, nothing new appears behind the last page";
      }
    }
  }
}

TEST_P(JournalContract, ASinkThatStopsEndsThePageAndTheCursorGoesOnBehindIt) {
  fill(session, {alice, bob, order_of_alice});
  (void)follow(session, 12, start);
  for (auto order : {reading_order::oldest_first, reading_order::newest_first}) {
    const auto whole = query(session, {}, {.order = order}).events;
    std::string seen;
    event_page page{.order = order};
    for (int n = 0; n < 12; ++n) {
      auto done = session.inner().query({}, page, [&](const persistence_id& of, const auto& r) {
        seen += (seen.empty() ? "" : ", ") + shown(of) + " " + std::to_string(r.number) + ":" +
                std::string{r.event.data};
        return false;
      });
      EXPECT_EQ(must(done).size, 1u);
      EXPECT_EQ(must(done).has_next, n < 11);
      page.cursor = must(done).next;
    }
    EXPECT_EQ(seen, whole);
  }
}

TEST_P(JournalContract, EventsAreFoundWithTheirTagsInEitherOrder) {
  static constexpr std::string_view red[] = {"red"};
  static constexpr std::string_view both[] = {"blue", "red"};
  auto one = event("a");
  auto two = event("b");
  one.tags = red;
  two.tags = both;
  ASSERT_EQ(session.append(alice, 0, {{one, two, event("c"), one, two}}), "stored");
  (void)follow(session, 5, start);
  for (auto order : {reading_order::oldest_first, reading_order::newest_first}) {
    int count = 0;
    for (const auto& filter : {event_filter{}, event_filter{.tag = "red"},
                               event_filter{.entity_type = "account", .entity_id = "alice"}}) {
      must(session.inner().query(filter, {.order = order}, [&](const auto&, const auto& r) {
        const std::size_t tags = r.event.data == "a" ? 1 : r.event.data == "b" ? 2 : 0;
        EXPECT_EQ(r.event.tags.size(), tags) << r.number;
        return ++count > 0;
      }));
    }
    EXPECT_EQ(count, 5 + 4 + 5);
  }
}

TEST_P(JournalContract, AQueryPassesOverErasedEvents) {
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  (void)follow(session, 3, start);
  session.erase_to(alice, 2);
  EXPECT_EQ(query(session, {}, {}).events, "alice 3:c");
  EXPECT_EQ(query(session, {.entity_type = "account", .entity_id = "alice"}, {}).events,
            "alice 3:c");
}

TEST_P(JournalContract, AnEmptyJournalHasNoPages) {
  for (auto order : {reading_order::oldest_first, reading_order::newest_first}) {
    const auto found = query(session, {}, {.order = order, .count = true});
    EXPECT_EQ(found.events, "");
    EXPECT_EQ(found.page.total, 0u);
    EXPECT_FALSE(found.page.has_next);
    EXPECT_FALSE(found.page.has_previous);
  }
}

TEST_P(JournalContract, AnInvalidFilterOrPageIsRefusedByTheNameOfItsField) {
  const timestamp noon{std::chrono::hours{12}};
  const auto start_twice = std::vector<position>{start, start};
  const std::vector<std::pair<std::string, event_filter>> of_filter{
      {"event_type", {.event_type = ""}},
      {"entity_type", {.entity_type = "a|b"}},
      {"entity_type", {.entity_type = ""}},
      {"entity_id", {.entity_id = std::string{"a\0b", 3}}},
      {"tag", {.tag = "\xff"}},
      {"to", {.from = noon, .to = noon - std::chrono::seconds{1}}},
      {"slices", {.slices = slice_range{5, 4}}},
      {"slices", {.slices = slice_range{0, persistence_id::slices}}},
      {"after", {.after = {position::start_of(store->strands())}}},
      {"up_to", {.up_to = start_twice}}};
  const std::vector<std::pair<std::string, event_page>> of_page{
      {"limit", {.limit = 0}},
      {"limit", {.limit = event_page::limit_max + 1}},
      {"offset", {.offset = -1}},
      {"cursor", {.cursor = "here"}},
      {"cursor", {.cursor = cursor_of(reading_order::newest_first, {start})}}};
  const auto expect_named = [&](const std::string& field, const event_filter& filter,
                                const event_page& page) {
    auto done = session.inner().query(filter, page, [](const auto&...) { return true; });
    ASSERT_FALSE(done) << field;
    EXPECT_EQ(done.error().code, errc::invalid_argument) << field;
    EXPECT_NE(done.error().message.find("query: " + field + " "), std::string::npos)
        << done.error().message;
  };
  for (const auto& [field, filter] : of_filter) {
    expect_named(field, filter, {});
    EXPECT_EQ(code_of(session.inner().count(filter)), "invalid_argument") << field;
  }
  for (const auto& [field, page] : of_page) expect_named(field, {}, page);
}

TEST_P(JournalContract, AnExceptionOfAQuerysSinkPassesThrough) {
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  (void)follow(session, 1, start);
  EXPECT_THROW((void)session.inner().query(
                   {}, {}, [](const auto&...) -> bool { throw std::runtime_error{"enough"}; }),
               std::runtime_error);
  EXPECT_EQ(query(session, {}, {}).events, "alice 1:a") << "the session is as usable as before";
}

}}}  // namespace nexus::v0::testkit
