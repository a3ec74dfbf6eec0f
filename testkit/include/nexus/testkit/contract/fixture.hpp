// What the contract suite must be told about a journal, and what every one of its tests starts from:
// an open journal with nothing in it, and one session.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>

#include "nexus/backend.hpp"
#include "nexus/testkit/contract/terse_session.hpp"

namespace nexus::inline v0::testkit {

/// A kind of journal. `backend` and `fresh` are required.
///
/// Tests at the limits go exactly to what `journal::limits()` states (64 MiB of payload by default).
/// If that is slow, let `fresh` name a journal with smaller ones.
struct journal_under_test {
  std::string name{};        ///< shown when a test fails
  nexus::backend backend{};  ///< opens what `fresh` made

  /// Makes a place for a journal with nothing in it and returns its URI: another one each time.
  std::function<std::string()> fresh{};

  /// Cleans that place up again; everything is closed by then. May be left out.
  std::function<void(const std::string& uri)> remove{};

  /// Whether a journal that is closed and opened again under its URI is the same one.
  bool reopens = true;

  /// Makes the next append or upsert of this session answer `unknown`, whatever became of it: stored, not
  /// stored, or still on its way (best: each in turn). Left out, only answers thrown away are settled.
  std::function<void(journal_session&)> lose_next_answer{};

  friend void PrintTo(const journal_under_test& journal, std::ostream* out) {
    *out << journal.name;
  }
};

/// Named like a test suite since that is how GoogleTest shows it.
class JournalContract : public ::testing::TestWithParam<journal_under_test> {
 protected:
  void SetUp() override {
    uri = GetParam().fresh();
    open();
  }

  void TearDown() override {
    close();
    if (GetParam().remove) GetParam().remove(uri);
  }

  /// Closes the journal and opens it again; for backends that can.
  void reopen() {
    close();
    open();
  }

  terse_session another_session() { return terse_session{must(store->open_session())}; }

  const persistence_id alice = "account|alice"_id;
  const persistence_id bob = "account|bob"_id;
  const persistence_id carol = "account|carol"_id;

  std::string uri;
  std::shared_ptr<journal> store;
  terse_session session;

 private:
  void open() {
    store = must(GetParam().backend.open(must(nexus::uri::parse(uri))));
    session = another_session();
  }

  void close() {
    session = {};
    store.reset();
  }
};

// A program may include the suite and instantiate it only where a database can be reached.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(JournalContract);

}  // namespace nexus::inline v0::testkit
