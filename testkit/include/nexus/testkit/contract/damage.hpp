// Damaged rows, foreign files, and journals of a newer version.
#pragma once

#include "nexus/testkit/contract/global_order.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

TEST_P(JournalContract, ADamagedEventIsCorruptByIdAndNumberAndStopsNothingElse) {
  if (!GetParam().damage) GTEST_SKIP() << "no damage";
  ASSERT_EQ(session.append(alice, 0, {"a", "b", "c"}), "stored");
  ASSERT_EQ(session.append(bob, 0, {"x"}), "stored");
  (void)follow(session, 4);
  close();
  GetParam().damage(uri, alice, 2);
  open();

  std::string seen;
  const auto read = session.inner().replay(alice, 1, 3, everything, [&](const record_view& r) {
    seen += r.event.data;
    return true;
  });
  ASSERT_FALSE(read) << "passed " << seen;
  EXPECT_EQ(read.error().code, errc::corrupt) << read.error().message;
  EXPECT_NE(read.error().message.find(alice.str()), std::string::npos) << read.error().message;
  EXPECT_NE(read.error().message.find('2'), std::string::npos) << read.error().message;
  EXPECT_EQ(seen, "a") << "the records before it are passed, and none after";

  seen.clear();
  const auto whole = session.inner().read_all(start, everything, [&](const auto&, const auto& r) {
    seen += r.event.data;
    return true;
  });
  ASSERT_FALSE(whole) << "passed " << seen;
  EXPECT_EQ(whole.error().code, errc::corrupt) << whole.error().message;
  EXPECT_EQ(seen, "a");

  EXPECT_EQ(session.replay(alice, 3, 3, everything), "3:c") << "what is not damaged can be read";
  EXPECT_EQ(session.history(bob), "1:x");
  EXPECT_EQ(session.append(alice, 3, {"d"}), "stored");
  EXPECT_EQ(session.highest(alice), 4u);
}

TEST_P(JournalContract, AForeignDatabaseIsRefusedAndLeftUnchanged) {
  if (!GetParam().foreign) GTEST_SKIP() << "no foreign";
  for (const auto& place : GetParam().foreign()) {
    for (int time = 0; time < 2; ++time) {
      const auto opened = try_to_open(place);
      ASSERT_FALSE(opened) << place << (time == 0 ? "" : ": the first attempt changed it");
      EXPECT_EQ(opened.error().code, errc::foreign_schema) << opened.error().message;
      EXPECT_EQ(opened.error().message.find('\n'), std::string::npos) << opened.error().message;
    }
    if (GetParam().remove) GetParam().remove(place);
  }
}

TEST_P(JournalContract, AJournalOfANewerVersionIsRefusedAndLeftUnchanged) {
  if (!GetParam().make_newer) GTEST_SKIP() << "no make_newer";
  ASSERT_EQ(session.append(alice, 0, {"a"}), "stored");
  close();
  GetParam().make_newer(uri);
  for (int time = 0; time < 2; ++time) {
    const auto opened = try_to_open(uri);
    ASSERT_FALSE(opened) << (time == 0 ? "opened" : "the first attempt changed it");
    EXPECT_EQ(opened.error().code, errc::newer_schema) << opened.error().message;
    EXPECT_EQ(opened.error().message.find('\n'), std::string::npos) << opened.error().message;
  }
}

}}}  // namespace nexus::v0::testkit
