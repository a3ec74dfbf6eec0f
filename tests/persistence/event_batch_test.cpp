// A batch owns what it shows, and knows how much that is.
#include <gtest/gtest.h>

#include <nexus/event_batch.hpp>
#include <string>

namespace {

using nexus::event_batch;
using nexus::event_view;

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

}  // namespace
