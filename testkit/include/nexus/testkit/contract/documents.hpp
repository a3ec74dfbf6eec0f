// Documents (nexus/document_storage.hpp): optional, skipped where `documents()` is null. Written,
// read, removed; found by indexed values in documents_found.hpp.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "nexus/document_storage.hpp"
#include "nexus/testkit/contract/hostile_ids.hpp"
#include "nexus/testkit/contract/limits.hpp"
#include "nexus/testkit/contract/records.hpp"
#include "nexus/testkit/contract/two_journals.hpp"

namespace nexus { inline namespace v0 { namespace testkit {

inline constexpr auto no_documents = "this journal keeps no documents";

/// The documents of a session with short texts as arguments and results.
class terse_documents {
 public:
  explicit terse_documents(terse_session& of) : inner_{of.inner().documents()} {}

  explicit operator bool() const { return inner_ != nullptr; }
  [[nodiscard]] document_storage& inner() const { return *inner_; }

  static document_view document(std::string_view id, std::string_view data) {
    return {.id = id, .type = "order", .data = data};
  }
  void put(std::string_view name, std::string_view id, std::string_view data) const {
    must(inner_->put(name, document(id, data)));
  }
  [[nodiscard]] std::string get(std::string_view name, std::string_view id) const {
    auto found = must(inner_->get(name, id));
    return found ? found->data : "none";
  }
  /// "a:one b:two"
  [[nodiscard]] std::string all(std::string_view name) const {
    std::string told;
    must(inner_->all(name, consistency::strong, [&](const document_view& d) {
      told += (told.empty() ? "" : " ") + std::string{d.id} + ":" + std::string{d.data};
      return true;
    }));
    return told;
  }
  [[nodiscard]] texts ids(std::string_view name) const {
    texts listed;
    must(inner_->all(name, consistency::strong, [&](const document_view& d) {
      listed.emplace_back(d.id);
      return true;
    }));
    return listed;
  }
  [[nodiscard]] texts get_many(std::string_view name, const texts& ids) const {
    texts told;
    for (const auto& one : must(inner_->get_many(name, ids)))
      told.push_back(one.id + ":" + one.data);
    return told;
  }

 private:
  document_storage* inner_;
};

TEST_P(JournalContract, ADocumentIsStoredInThePlaceOfTheOneBefore) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  EXPECT_EQ(documents.get("orders", "1"), "none");
  EXPECT_EQ(documents.all("orders"), "");
  documents.put("orders", "1", "one");
  documents.put("orders", "2", "two");
  documents.put("invoices", "1", "other");
  documents.put("orders", "1", "uno");
  EXPECT_EQ(documents.all("orders"), "1:uno 2:two");
  EXPECT_EQ(documents.all("invoices"), "1:other");
  EXPECT_EQ(documents.get("orders", "1"), "uno");
  EXPECT_EQ(must(documents.inner().get("orders", "2", consistency::eventual))->data, "two");
}

TEST_P(JournalContract, EveryFieldOfADocumentComesBack) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  const auto bytes = all_bytes();
  const document_view given{"it's größe", "ty'pe", 0xffff'ffff, "code'c", bytes};
  must(documents.inner().put("n'ame", given));
  auto found = must(documents.inner().get("n'ame", given.id));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->view(), given);
  must(documents.inner().put("n'ame", {.id = given.id, .type = "empty"}));
  found = must(documents.inner().get("n'ame", given.id));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->view(), (document_view{.id = given.id, .type = "empty"}));
}

TEST_P(JournalContract, ManyDocumentsComeInTheOrderOfTheirIds) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  documents.put("orders", "b", "1");
  documents.put("orders", "a", "2");
  documents.put("orders", "c", "3");
  EXPECT_EQ(documents.get_many("orders", {"c", "x", "a", "c", "x", "b", "a"}),
            (texts{"c:3", "a:2", "b:1"}));
  EXPECT_EQ(documents.get_many("orders", {}), texts{});
  EXPECT_EQ(documents.get_many("others", {"a"}), texts{});
}

TEST_P(JournalContract, HundredsOfDocumentsAreWrittenReadAndRemovedAtOnce) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  texts ids;
  texts expected;
  for (int i = 0; i < 331; ++i) ids.push_back(std::to_string(i));
  std::vector<document_write> writes;
  for (const auto& id : ids) {
    writes.push_back({terse_documents::document(id, id)});
    expected.push_back(id + ":" + id);
  }
  must(documents.inner().put("orders", writes, {}));
  must(documents.inner().put("orders", writes, {}));
  EXPECT_EQ(documents.get_many("orders", ids), expected);
  auto sorted = ids;
  std::ranges::sort(sorted);
  EXPECT_EQ(documents.ids("orders"), sorted);
  const texts some{ids.begin(), ids.begin() + 130};
  EXPECT_EQ(must(documents.inner().remove("orders", some)), 130u);
  EXPECT_EQ(must(documents.inner().remove("orders", some)), 0u);
  EXPECT_EQ(must(documents.inner().remove_all("orders")), 201u);
  EXPECT_EQ(documents.ids("orders"), texts{});
}

TEST_P(JournalContract, ARemovedDocumentIsGone) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  documents.put("orders", "1", "one");
  documents.put("orders", "2", "two");
  documents.put("invoices", "1", "other");
  EXPECT_TRUE(must(documents.inner().remove("orders", "1")));
  EXPECT_FALSE(must(documents.inner().remove("orders", "1")));
  EXPECT_FALSE(must(documents.inner().remove("others", "1")));
  EXPECT_EQ(must(documents.inner().remove("orders", texts{"2", "2", "x"})), 1u);
  EXPECT_EQ(documents.all("orders"), "");
  EXPECT_EQ(documents.all("invoices"), "1:other");
  EXPECT_EQ(must(documents.inner().remove_all("invoices")), 1u);
  EXPECT_EQ(must(documents.inner().remove_all("invoices")), 0u);
  documents.put("orders", "1", "again");
  EXPECT_EQ(documents.all("orders"), "1:again");
}

TEST_P(JournalContract, DocumentsWithHostileNamesAndIdsAreApart) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  texts names;
  for (const auto& id : hostile_ids()) names.push_back(id.str());
  std::vector<document_write> writes;
  for (const auto& id : names) writes.push_back({terse_documents::document(id, id)});
  must(documents.inner().put("of one name", writes, {}));
  for (const auto& name : names) documents.put(name, "1", name);
  auto sorted = names;
  std::ranges::sort(sorted);
  EXPECT_EQ(documents.ids("of one name"), sorted);
  for (const auto& name : names) {
    EXPECT_EQ(documents.get("of one name", name), name);
    EXPECT_EQ(documents.all(name), "1:" + name);
  }
  for (std::size_t i = 0; i < names.size(); i += 2) {
    EXPECT_EQ(must(documents.inner().remove_all(names[i])), 1u) << names[i];
    EXPECT_TRUE(must(documents.inner().remove("of one name", names[i]))) << names[i];
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(documents.get(names[i], "1"), i % 2 == 0 ? "none" : names[i]);
    EXPECT_EQ(documents.get("of one name", names[i]), i % 2 == 0 ? "none" : names[i]);
  }
}

TEST_P(JournalContract, ASinkOfDocumentsMayStopThrowAndUseTheSession) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  for (const char* id : {"1", "2", "3"}) documents.put("orders", id, id);
  int seen = 0;
  must(documents.inner().all("orders", consistency::strong, [&](const document_view& d) {
    documents.put("copies", d.id, d.data);
    return ++seen < 2;
  }));
  EXPECT_EQ(documents.all("copies"), "1:1 2:2");
  EXPECT_THROW((void)documents.inner().all("orders", consistency::strong,
                                           [](const auto&) -> bool { throw 7; }),
               int);
  auto other = another_session();
  terse_documents{other}.put("orders", "4", "4");
  EXPECT_EQ(documents.all("orders"), "1:1 2:2 3:3 4:4");
}

TEST_P(JournalContract, ALargeDocumentIsStoredAndOnePastTheLimitIsRefusedWithAllOfItsCall) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  auto large = payload_of(4 << 20);
  const auto is_too_large = [&] {
    const document_write one{terse_documents::document("1", large)};
    return code_of(documents.inner().put("orders", {&one, 1}, {})) == "too_large";
  };
  while (large.size() > (256 << 10) && is_too_large()) large = payload_of(large.size() / 2);
  for (const char* id : {"1", "2", "3"}) documents.put("orders", id, large);
  int same = 0;
  must(documents.inner().all("orders", consistency::strong, [&](const document_view& d) {
    same += d.data == large ? 1 : 0;
    return true;
  }));
  EXPECT_EQ(same, 3);
  if (document_limits::data_bytes_max > tested_bytes_max) return;
  const auto too_large = payload_of(document_limits::data_bytes_max + 1);
  const document_write both[]{{terse_documents::document("4", "four")},
                              {terse_documents::document("5", too_large)}};
  EXPECT_EQ(code_of(documents.inner().put("orders", both, {})), "too_large");
  EXPECT_EQ(documents.ids("orders"), (texts{"1", "2", "3"}));
}

TEST_P(JournalContract, InvalidNamesAndIdsOfDocumentsAreRefused) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  auto& inner = documents.inner();
  documents.put("orders", "1", "one");
  const std::string too_long(256, 'x');
  for (const std::string& bad : {std::string{}, too_long, std::string{"a\0b", 3},
                                 std::string{"\xff"}, std::string{"\xed\xa0\x80"}}) {
    EXPECT_EQ(code_of(inner.put("orders", terse_documents::document(bad, ""))), "invalid_id");
    EXPECT_EQ(code_of(inner.get("orders", bad)), "invalid_id");
    EXPECT_EQ(code_of(inner.get_many("orders", texts{"1", bad})), "invalid_id");
    EXPECT_EQ(code_of(inner.remove("orders", texts{"1", bad})), "invalid_id");
    EXPECT_EQ(code_of(inner.put(bad, terse_documents::document("1", ""))), "invalid_argument");
    EXPECT_EQ(code_of(inner.put("orders", {.id = "1", .type = bad})), "invalid_argument");
    EXPECT_EQ(code_of(inner.put("orders", {.id = "1", .type = "t", .codec = bad})),
              "invalid_argument");
    EXPECT_EQ(code_of(inner.get(bad, "1")), "invalid_argument");
    EXPECT_EQ(code_of(inner.remove(bad, "1")), "invalid_argument");
    EXPECT_EQ(code_of(inner.remove_all(bad)), "invalid_argument");
    EXPECT_EQ(code_of(inner.all(bad, consistency::strong, [](auto&) { return true; })),
              "invalid_argument");
  }
  EXPECT_EQ(code_of(inner.put("orders", {.id = "1", .type = "t", .schema_version = 0})),
            "invalid_argument");
  const document_write twice[]{{terse_documents::document("1", "x")},
                               {terse_documents::document("2", "x")},
                               {terse_documents::document("1", "x")}};
  EXPECT_EQ(code_of(inner.put("orders", twice, {})), "invalid_argument");
  EXPECT_EQ(documents.all("orders"), "1:one");
}

TEST_P(JournalContract, DocumentsAreThoseOfEverySessionAndJournalObject) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  auto another = another_session();
  terse_documents{another}.put("orders", "1", "one");
  EXPECT_EQ(documents.get("orders", "1"), "one");
  if (const auto* why = why_alone(GetParam())) GTEST_SKIP() << why;
  const auto second = must(try_to_open(uri));
  terse_session foreign{must(second->open_session()), start};
  terse_documents{foreign}.put("orders", "1", "uno");
  EXPECT_EQ(documents.get("orders", "1"), "uno");
  EXPECT_TRUE(must(documents.inner().remove("orders", "1")));
  EXPECT_EQ(terse_documents{foreign}.all("orders"), "");
}

TEST_P(JournalContract, ReopeningKeepsDocuments) {
  if (!terse_documents{session}) GTEST_SKIP() << no_documents;
  if (!GetParam().reopens) GTEST_SKIP() << "this journal forgets when it is closed";
  terse_documents{session}.put("orders", "1", "one");
  reopen();
  EXPECT_EQ(terse_documents{session}.all("orders"), "1:one");
}

TEST_P(JournalContract, DocumentsBelongToTheTransactionOfTheSession) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  auto& inner = session.inner();
  if (!inner.begin(isolation::read_committed, false)) GTEST_SKIP() << "this journal has no SQL";
  const texts customer{"customer"};
  const document_write indexed[]{{terse_documents::document("2", "two"), {{"customer", "anna"}}}};
  documents.put("orders", "1", "one");
  must(documents.inner().put("orders", indexed, customer));
  EXPECT_EQ(documents.all("orders"), "1:one 2:two");
  must(inner.rollback());
  EXPECT_EQ(documents.all("orders"), "");

  must(inner.begin(isolation::read_committed, false));
  documents.put("orders", "1", "one");
  must(documents.inner().put("orders", indexed, customer));
  must(inner.commit());
  auto another = another_session();
  EXPECT_EQ(terse_documents{another}.all("orders"), "1:one 2:two");

  must(inner.begin(isolation::read_committed, false));
  must(documents.inner().remove_all("orders"));
  EXPECT_EQ(documents.all("orders"), "");
  EXPECT_EQ(code_of(documents.inner().reindex("orders", customer, {})), "invalid_argument");
  must(inner.rollback());
  EXPECT_EQ(documents.all("orders"), "1:one 2:two");
}

TEST_P(JournalContract, NoDocumentIsWrittenAfterAnInterrupt) {
  const terse_documents documents{session};
  if (!documents) GTEST_SKIP() << no_documents;
  documents.put("orders", "1", "one");
  session.inner().interrupt();
  auto& inner = documents.inner();
  EXPECT_EQ(code_of(inner.put("orders", terse_documents::document("1", "x"))), "pool_closed");
  EXPECT_EQ(code_of(inner.get("orders", "1")), "pool_closed");
  EXPECT_EQ(code_of(inner.remove("orders", "1")), "pool_closed");
  EXPECT_EQ(code_of(inner.all("orders", consistency::strong, [](auto&) { return true; })),
            "pool_closed");
  session = another_session();
  EXPECT_EQ(terse_documents{session}.all("orders"), "1:one");
}

}}}  // namespace nexus::v0::testkit
