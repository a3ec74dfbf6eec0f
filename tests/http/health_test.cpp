// /health for a store with failures.
#include <gtest/gtest.h>

#include <filesystem>
#include <nexus/nexus.hpp>

#include "server_core.hpp"
#include "temporary_folder.hpp"

using namespace nexus;

TEST(Health, IsUnavailableOnceTheFileOfAJournalIsGone) {
  const test::temporary_folder folder;
  const auto file = folder.path("j.db");
  const auto opened = nexus::open("sqlite:" + file);
  ASSERT_TRUE(opened);
  const auto before = http::health(true, {*opened}, {});
  EXPECT_EQ(before.status, 200) << before.body;
  std::filesystem::remove(file);
  const auto gone = http::health(true, {*opened}, {});
  EXPECT_EQ(gone.status, 503) << "though nothing was written since";
  const auto said = http::json::parse(gone.body);
  EXPECT_EQ(said["status"], "unavailable");
  const auto why = said["stores"][0]["trouble"].get<std::string>();
  EXPECT_NE(why.find(file), std::string::npos) << why;
}
