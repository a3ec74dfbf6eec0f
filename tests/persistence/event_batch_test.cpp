// A batch owns the bytes of its views, and knows their size.
#include <gtest/gtest.h>

#include <nexus/detail/event_batch.hpp>
#include <string>

namespace {

using nexus::event_view;
using nexus::detail::event_batch;

TEST(EventBatch, OwnsDataMetadataAndTags) {
  event_batch batch;
  {
    std::string data = "data";
    std::string metadata = "meta";
    std::string tag = "a tag that is too long to live in the string itself";
    const std::string_view tags[]{tag, "b"};
    batch.add(event_view{.type = "t", .data = data, .metadata = metadata, .tags = tags});
    tag.assign(tag.size(), '#');
    data = metadata = "####";
  }
  const auto& kept = batch.events().front();
  EXPECT_EQ(kept.data, "data");
  EXPECT_EQ(kept.metadata, "meta");
  ASSERT_EQ(kept.tags.size(), 2u);
  EXPECT_EQ(kept.tags[0], "a tag that is too long to live in the string itself");
  EXPECT_EQ(kept.tags[1], "b");
}

TEST(EventBatch, CountsTheBytesOfWhatItHolds) {
  event_batch batch;
  const std::string_view tags[]{"1234", "56"};
  batch.add(event_view{.type = "t", .data = "abc", .metadata = {}});
  EXPECT_EQ(batch.bytes(), 3u);
  batch.add(event_view{.type = "t", .data = "a", .metadata = "mm", .tags = tags});
  batch.add(event_view{.type = "t", .data = {}, .metadata = {}, .tags = tags});
  EXPECT_EQ(batch.bytes(), 3u + 9u + 6u);
  EXPECT_EQ(batch.events()[1].tags.data(), batch.events()[2].tags.data()) << "kept once";
  batch.truncate(1);
  EXPECT_EQ(batch.bytes(), 3u);
  EXPECT_EQ(batch.size(), 1u);
}

TEST(EventBatch, IsSplitWithAllThatItsEventsHold) {
  event_batch batch;
  std::unique_ptr<event_batch> rest;
  const std::string_view tags[]{"1234"};
  {
    batch.add(event_view{.type = "t", .data = "abc"});
    batch.add(event_view{.type = "u", .data = "de", .metadata = "mm", .tags = tags});
    batch.add(event_view{.type = "v", .data = "f", .metadata = "mm", .tags = tags});
    rest = batch.split(1);
    EXPECT_EQ(batch.size(), 1u);
    EXPECT_EQ(batch.bytes(), 3u);
  }
  batch.truncate(0);
  ASSERT_EQ(rest->size(), 2u);
  EXPECT_EQ(rest->bytes(), 8u + 7u);
  EXPECT_EQ(rest->events()[0].type, "u");
  EXPECT_EQ(rest->events()[0].data, "de");
  EXPECT_EQ(rest->events()[1].data, "f");
  EXPECT_EQ(rest->events()[1].metadata, "mm");
  EXPECT_EQ(rest->events()[1].tags[0], "1234");
}

TEST(RequestLimits, EventsOfMoreBytesThanARequestTakesAreTooLarge) {
  const nexus::journal_limits limits{.payload_bytes_max = 10, .request_bytes_max = 25};
  const std::string data(10, 'x');
  std::vector<event_view> events(2, event_view{.type = "t", .data = data, .metadata = "12"});
  nexus::append_request request{*nexus::persistence_id::make("a", "b"), 0, {}, events};
  EXPECT_FALSE(fault_of(request, limits));
  events.push_back(event_view{.type = "t", .data = "xy"});
  request.events = events;
  const auto fault = fault_of(request, limits);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->code, nexus::errc::too_large);
  EXPECT_EQ(fault->message, "append to a|b after 0: events of 26 bytes, at most 25 are allowed");
}

}  // namespace
