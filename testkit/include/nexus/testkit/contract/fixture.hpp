// What the contract suite must be told about a journal, and what every one of its tests starts from:
// an open journal with nothing in it, and one session.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

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

  // What follows may be left out as well; tests that need it are skipped then. Give what the database
  // can do: each of these finds mistakes that no other test finds.

  /// Whether several journals of one URI may be open at once, in this process and in others. If not,
  /// opening another is to be refused with `already_exists`. Asked only of journals that reopen.
  bool shared = true;

  /// How long each race of threads or processes goes on at least. Longer finds more.
  std::chrono::milliseconds race{200};

  /// Lets what `lose_next_answer` has left on its way arrive now, and returns when it has.
  std::function<void()> let_arrive{};

  /// From now on (true) the commits of a journal really fail, as on a full disk or by a sync that fails,
  /// until they work again (false). Every session of it, also one that is open.
  std::function<void(const std::string& uri, bool fail)> fail_commits{};

  /// Copies what a crash of the machine would leave at this moment, and returns the copy's URI.
  std::function<std::string(const std::string& uri)> crashed{};

  /// Damages one stored event so that it cannot be read, as a bad disk would, or a person with an editor.
  /// No session of the journal is open.
  std::function<void(const std::string& uri, const persistence_id& id, sequence_nr number)>
      damage{};

  /// Makes places that hold something else, one of each kind, and returns their URIs.
  std::function<std::vector<std::string>()> foreign{};

  /// Makes the journal look as if a newer version had made it. No session of it is open.
  std::function<void(const std::string& uri)> make_newer{};

  friend void PrintTo(const journal_under_test& journal, std::ostream* out) {
    *out << journal.name;
  }
};

/// The environment variable in which a second process finds the journal of the first (second_process.hpp).
inline constexpr auto journal_of_parent = "NEXUS_CONTRACT_JOURNAL";

/// Named like a test suite since that is how GoogleTest shows it.
class JournalContract : public ::testing::TestWithParam<journal_under_test> {
 protected:
  void SetUp() override {
    const char* of_parent = std::getenv(journal_of_parent);
    uri = of_parent != nullptr ? of_parent : GetParam().fresh();
    open();
  }

  void TearDown() override {
    close();
    if (std::getenv(journal_of_parent) != nullptr) return;
    if (GetParam().remove) GetParam().remove(uri);
  }

  /// Closes the journal and opens it again; for backends that can.
  void reopen() {
    close();
    open();
  }

  [[nodiscard]] result<std::shared_ptr<journal>> try_to_open(const std::string& text) const {
    return GetParam().backend.open(must(nexus::uri::parse(text)));
  }

  terse_session another_session() { return terse_session{must(store->open_session())}; }

  const persistence_id alice = "account|alice"_id;
  const persistence_id bob = "account|bob"_id;
  const persistence_id carol = "account|carol"_id;

  void open() {
    store = must(try_to_open(uri));
    session = another_session();
  }

  void close() {
    session = {};
    store.reset();
  }

  std::string uri;
  std::shared_ptr<journal> store;
  terse_session session;
};

// A program may include the suite and instantiate it only where a database can be reached.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(JournalContract);

}  // namespace nexus::inline v0::testkit
