// Documents found by the values of indexed fields: whatever an index lacks, no answer is wrong.
#pragma once

#include <atomic>
#include <thread>

#include "nexus/testkit/contract/documents.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

using fields = std::vector<indexed_value>;

/// Writes one document whose indexed values are `values`, by a writer that indexes `by`.
inline void put_indexed(const terse_documents& documents, std::string_view id, const fields& values,
                        const texts& by) {
  const document_write one{terse_documents::document(id, "data"), values};
  must(documents.inner().put("orders", std::span{&one, 1}, by));
}

/// The ids, or "incomplete".
inline texts found(const terse_documents& documents, const fields& values) {
  auto ids = must(documents.inner().find("orders", values));
  return ids ? *ids : texts{"incomplete"};
}

TEST_P(JournalContract, DocumentsAreFoundByTheirIndexedValues) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  const texts by{"customer", "city"};
  EXPECT_EQ(found(documents, {{"customer", "anna"}}), texts{}) << "nothing was ever written";
  put_indexed(documents, "3", {{"customer", "anna"}, {"city", "Bonn"}}, by);
  put_indexed(documents, "1", {{"customer", "anna"}, {"city", "Graz"}, {"city", "Bonn"}}, by);
  put_indexed(documents, "2", {{"customer", "bert"}, {"city", "Bonn"}}, by);
  put_indexed(documents, "4", {}, by);
  EXPECT_EQ(found(documents, {{"customer", "anna"}}), (texts{"1", "3"}));
  EXPECT_EQ(found(documents, {{"city", "Bonn"}}), (texts{"1", "2", "3"}));
  EXPECT_EQ(found(documents, {{"city", "Graz"}, {"customer", "anna"}}), texts{"1"});
  EXPECT_EQ(found(documents, {{"city", "Bonn"}, {"city", "Graz"}}), texts{"1"});
  EXPECT_EQ(found(documents, {{"city", "Graz"}, {"customer", "bert"}}), texts{});
  EXPECT_EQ(found(documents, {{"city", ""}}), texts{});
  EXPECT_EQ(code_of(documents.inner().find("orders", {})), "invalid_argument");
}

TEST_P(JournalContract, AnIndexFollowsItsDocuments) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  const texts by{"customer"};
  put_indexed(documents, "1", {{"customer", "anna"}}, by);
  put_indexed(documents, "2", {{"customer", "anna"}}, by);
  put_indexed(documents, "1", {{"customer", "bert"}}, by);
  EXPECT_EQ(found(documents, {{"customer", "anna"}}), texts{"2"});
  EXPECT_EQ(found(documents, {{"customer", "bert"}}), texts{"1"});
  EXPECT_TRUE(must(documents.inner().remove("orders", "2")));
  EXPECT_EQ(found(documents, {{"customer", "anna"}}), texts{});
  must(documents.inner().remove_all("orders"));
  EXPECT_EQ(found(documents, {{"customer", "bert"}}), texts{});
}

TEST_P(JournalContract, HostileIndexedValuesAreApart) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  std::vector<document_write> writes;
  texts values;
  for (const auto& id : hostile_ids()) values.push_back(id.str());
  for (const auto& value : values) {
    writes.push_back({terse_documents::document(value, "data"), {{"f", value}}});
  }
  must(documents.inner().put("orders", writes, texts{"f"}));
  for (const auto& value : values) EXPECT_EQ(found(documents, {{"f", value}}), texts{value});
}

TEST_P(JournalContract, AnIndexThatAWriterLeftOutIsNotUsed) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  put_indexed(documents, "1", {{"customer", "anna"}}, {"customer"});
  EXPECT_EQ(found(documents, {{"city", "Bonn"}}), texts{"incomplete"});
  put_indexed(documents, "2", {{"customer", "anna"}, {"city", "Bonn"}}, {"customer", "city"});
  EXPECT_EQ(found(documents, {{"city", "Bonn"}}), texts{"incomplete"});
  EXPECT_EQ(found(documents, {{"customer", "anna"}}), (texts{"1", "2"}));
  EXPECT_EQ(found(documents, {{"customer", "anna"}, {"city", "Bonn"}}), texts{"incomplete"});
  put_indexed(documents, "2", {}, {});
  EXPECT_EQ(found(documents, {{"customer", "anna"}}), texts{"incomplete"});
}

TEST_P(JournalContract, ReindexingMakesAnIndexComplete) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  auto& inner = documents.inner();
  for (int i = 100; i < 200; ++i) {
    put_indexed(documents, std::to_string(i), {{"old", "x"}},
                i % 2 == 0 ? texts{"old"} : texts{"old", "older"});
  }
  const auto last_digit = [](const document_view& d) -> result<fields> {
    return fields{{"digit", std::string{d.id.substr(2)}}};
  };
  const texts by{"digit"};
  EXPECT_EQ(must(inner.reindex("orders", by, last_digit)), 100u);
  EXPECT_EQ(found(documents, {{"digit", "7"}}).size(), 10u);
  EXPECT_EQ(found(documents, {{"old", "x"}}), texts{"incomplete"});
  put_indexed(documents, "107", {{"digit", "8"}}, by);
  EXPECT_EQ(found(documents, {{"digit", "7"}}).size(), 9u);
  EXPECT_EQ(found(documents, {{"digit", "8"}}).size(), 11u);

  put_indexed(documents, "107", {{"old", "x"}}, {"old"});
  EXPECT_EQ(found(documents, {{"digit", "7"}}), texts{"incomplete"}) << "an older writer came back";
  EXPECT_EQ(code_of(inner.reindex(
                "orders", by,
                [](const auto&) -> result<fields> { return fail(errc::corrupt, "unreadable"); })),
            "corrupt");
  EXPECT_EQ(found(documents, {{"digit", "7"}}), texts{"incomplete"});
  must(inner.reindex("orders", by, last_digit));
  EXPECT_EQ(found(documents, {{"digit", "7"}}).size(), 10u);
}

TEST_P(JournalContract, InvalidIndexesAreRefused) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  auto& inner = documents.inner();
  const auto put = [&](const fields& values, const texts& by) {
    const document_write one{terse_documents::document("1", "data"), values};
    return code_of(inner.put("orders", std::span{&one, 1}, by));
  };
  EXPECT_EQ(put({{"city", "Bonn"}}, {}), "invalid_argument") << "a value of no indexed field";
  EXPECT_EQ(put({}, {"a", "b", "c", "d", "e", "f", "g", "h", "i"}), "invalid_argument");
  for (const std::string& bad : {std::string{}, std::string{"a,b"}, std::string(101, 'x'),
                                 std::string{"a\0b", 3}, std::string{"\xff"}}) {
    EXPECT_EQ(put({}, {bad}), "invalid_argument") << bad;
  }
  for (const std::string& bad :
       {std::string(256, 'x'), std::string{"a\0b", 3}, std::string{"\xff"}}) {
    EXPECT_EQ(put({{"city", bad}}, {"city"}), "invalid_argument") << bad;
    EXPECT_EQ(code_of(inner.find("orders", fields{{"city", bad}})), "invalid_argument") << bad;
  }
  EXPECT_EQ(documents.all("orders"), "");
}

// A writer without the index, one with it and with others that are new each time, and a reindex:
// afterwards the index is incomplete, or has every document.
TEST_P(JournalContract, AnIndexIsCompleteOrNotUsedWhateverWritersRace) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  auto with = another_session();
  auto without = another_session();
  std::atomic<int> failures = 0;
  const auto write = [&](terse_session& by, const std::string& id, const texts& indexes,
                         int round) {
    const std::string color = round % 2 == 0 ? "red" : "blue";
    const document_write one{terse_documents::document(id, color),
                             indexes.empty() ? fields{} : fields{{"color", color}}};
    const auto done = terse_documents{by}.inner().put("orders", std::span{&one, 1}, indexes);
    if (!done && done.error().code != errc::serialization_failed) ++failures;
  };
  const auto color = [](const document_view& d) -> result<fields> {
    return fields{{"color", std::string{d.data}}};
  };
  const auto end = std::chrono::steady_clock::now() + GetParam().race;
  int complete = 0;
  for (int round = 0; round < 10 || std::chrono::steady_clock::now() < end; ++round) {
    std::thread first{[&] {
      const texts indexes{"color", "new" + std::to_string(round)};
      for (const char* id : {"a", "b", "c"}) write(with, id, indexes, round);
    }};
    std::thread second{[&] {
      for (const char* id : {"b", "c", "d"}) write(without, id, {}, round);
    }};
    const auto done = documents.inner().reindex("orders", texts{"color"}, color);
    if (!done && done.error().code != errc::serialization_failed) ++failures;
    first.join();
    second.join();
    if (round % 4 == 0) must(documents.inner().reindex("orders", texts{"color"}, color));
    for (const std::string wanted : {"red", "blue"}) {
      const auto ids = found(documents, {{"color", wanted}});
      if (ids == texts{"incomplete"}) continue;
      ++complete;
      must(documents.inner().all("orders", consistency::strong, [&](const document_view& d) {
        if (d.data == wanted) {
          EXPECT_NE(std::ranges::find(ids, d.id), ids.end()) << d.id << " in round " << round;
        }
        return true;
      }));
    }
  }
  EXPECT_EQ(failures, 0);
  EXPECT_GT(complete, 0);
}

}}}  // namespace nexus::v0::testkit
