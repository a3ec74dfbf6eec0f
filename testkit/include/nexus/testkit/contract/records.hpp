// Records are read back as they were stored, byte for byte.
#pragma once

#include <cstdint>

#include "nexus/testkit/contract/fixture.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

/// Every byte value once.
inline std::string all_bytes() {
  std::string bytes;
  for (int b = 0; b < 256; ++b) bytes += static_cast<char>(b);
  return bytes;
}

/// Times at the ends of the journal's range, around the epoch, and an ordinary one.
inline std::vector<timestamp> telling_times(const journal_limits& taken) {
  using std::chrono::microseconds;
  using namespace std::chrono_literals;
  return {taken.time_min, timestamp{-1us},        timestamp{}, timestamp{1'700'000'000'123'456us},
          taken.time_max, timestamp{-1'000'000us}};
}

TEST_P(JournalContract, EveryFieldOfAnEventComesBack) {
  event_view given{.type = "money.deposited",
                   .schema_version = 7,
                   .codec = "cbor",
                   .data = "cents=100",
                   .metadata = "trace=4711",
                   .time = timestamp{std::chrono::microseconds{1'234'567}}};
  auto writer = must(ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
  ASSERT_EQ(session.append(request{alice, 0, {{given}}, writer}), "stored");

  auto found = session.records(alice).at(0);
  EXPECT_EQ(found.number, 1u);
  EXPECT_EQ(found.writer, writer);
  EXPECT_EQ(found.type, given.type);
  EXPECT_EQ(found.schema_version, given.schema_version);
  EXPECT_EQ(found.codec, given.codec);
  EXPECT_EQ(found.data, given.data);
  EXPECT_EQ(found.metadata, given.metadata);
  EXPECT_EQ(found.time, given.time);
}

TEST_P(JournalContract, EventsOfOneRequestDifferInEveryField) {
  using std::chrono::microseconds;
  ASSERT_EQ(session.append(alice, 0,
                           {{{"opened", 1, "msgpack", "a", "m", timestamp{microseconds{3}}},
                             {"closed", 2, "json", "b", "", timestamp{microseconds{1}}},
                             {"opened", 3, "msgpack", "", "n", timestamp{microseconds{2}}}}}),
            "stored");
  std::string found;
  for (const auto& r : session.records(alice)) {
    found += r.type + "/" + std::to_string(r.schema_version) + "/" + r.codec + "/" + r.data + "/" +
             r.metadata + "/" + std::to_string(r.time.time_since_epoch().count()) + " ";
  }
  EXPECT_EQ(found, "opened/1/msgpack/a/m/3 closed/2/json/b//1 opened/3/msgpack//n/2 ");
}

TEST_P(JournalContract, RequestsOfOneCallKeepTheirWriters) {
  ASSERT_EQ(session.append_all({{alice, 0, {"a"}, own_writer}, {bob, 0, {"x"}, other_writer}}),
            "stored, stored");
  ASSERT_EQ(session.append(request{alice, 1, {"b"}, other_writer}), "stored");
  EXPECT_EQ(session.records(alice).at(0).writer, own_writer);
  EXPECT_EQ(session.records(alice).at(1).writer, other_writer);
  EXPECT_EQ(session.records(bob).at(0).writer, other_writer);
}

TEST_P(JournalContract, AnyWriterComesBack) {
  ulid rising;
  for (std::uint8_t i = 0; i < 16; ++i) rising.bytes[i] = static_cast<std::uint8_t>(i * 17);
  sequence_nr number = 0;
  for (auto writer : {ulid{}, rising, writer_named('\xff'), writer_named('\'')}) {
    ASSERT_EQ(session.append(request{alice, number++, {"a"}, writer}), "stored");
    EXPECT_EQ(session.last_record(alice).writer, writer) << writer.to_string();
  }
}

TEST_P(JournalContract, DataAndMetadataMayBeEmpty) {
  ASSERT_EQ(session.append(alice, 0, {{{.type = "nothing", .data = {}, .metadata = {}}}}),
            "stored");
  ASSERT_EQ(session.append(alice, 1, {"", "", "b"}), "stored");
  EXPECT_EQ(session.history(alice), "1: 2: 3: 4:b");
  EXPECT_EQ(session.records(alice).at(0).metadata, "");
}

TEST_P(JournalContract, DataAndMetadataMayBeAnyBytes) {
  auto up = all_bytes();
  std::string down{up.rbegin(), up.rend()};
  ASSERT_EQ(session.append(alice, 0, {{{.type = "bytes", .data = up, .metadata = down}}}),
            "stored");
  EXPECT_EQ(session.records(alice).at(0).data, up);
  EXPECT_EQ(session.records(alice).at(0).metadata, down);
}

TEST_P(JournalContract, NulsAtTheEndsOfDataAreKept) {
  using namespace std::string_view_literals;
  for (auto data : {"\0"sv, "\0a"sv, "a\0"sv, "\0\0a\0\0"sv}) {
    auto number = session.highest(alice);
    ASSERT_EQ(session.append(alice, number, {data}), "stored");
    EXPECT_EQ(session.last_record(alice).data, data);
  }
}

TEST_P(JournalContract, AnyTimeComesBack) {
  std::vector<event_view> events;
  for (auto time : telling_times(store->limits()))
    events.push_back({.type = "t", .data = {}, .metadata = {}, .time = time});
  ASSERT_EQ(session.append(alice, 0, events), "stored");
  auto records = session.records(alice);
  ASSERT_EQ(records.size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(records[i].time.time_since_epoch().count(),
              events[i].time.time_since_epoch().count());
  }
}

TEST_P(JournalContract, AnySchemaVersionComesBack) {
  constexpr auto version_max = std::numeric_limits<std::uint32_t>::max();
  ASSERT_EQ(
      session.append(alice, 0,
                     {{{.type = "t", .schema_version = 0, .data = {}, .metadata = {}},
                       {.type = "t", .schema_version = 0x8000'0000, .data = {}, .metadata = {}},
                       {.type = "t", .schema_version = version_max, .data = {}, .metadata = {}}}}),
      "stored");
  auto records = session.records(alice);
  EXPECT_EQ(records.at(0).schema_version, 0u);
  EXPECT_EQ(records.at(1).schema_version, 0x8000'0000);
  EXPECT_EQ(records.at(2).schema_version, version_max);
}

TEST_P(JournalContract, TypesAndCodecsAreNotSql) {
  for (std::string_view text :
       {"it's", "\"x\"", "'); DROP TABLE events; --", "größe", "🐢", "%_\\"}) {
    auto number = session.highest(alice);
    ASSERT_EQ(session.append(alice, number,
                             {{{.type = text, .codec = text, .data = "a", .metadata = {}}}}),
              "stored");
    EXPECT_EQ(session.last_record(alice).type, text);
    EXPECT_EQ(session.last_record(alice).codec, text);
  }
}

}}}  // namespace nexus::v0::testkit
