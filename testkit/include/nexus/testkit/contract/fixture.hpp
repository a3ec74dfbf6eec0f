// The description of a journal for the contract suite, and the fixture of all its tests: an open,
// empty journal and one session.
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

namespace nexus { inline namespace v0 { namespace testkit {

/// A kind of journal. `backend` and `fresh` are required.
///
/// The tests of limits use exactly what `journal::limits()` states (64 MiB of payload by default).
/// If that is slow, let `fresh` name a journal with smaller limits.
struct journal_under_test {
  std::string name{};        ///< shown when a test fails
  nexus::backend backend{};  ///< opens what `fresh` made

  /// Makes a new place for an empty journal and returns its URI: a different one each time.
  std::function<std::string()> fresh{};

  /// Cleans up that place after everything is closed. Optional.
  std::function<void(const std::string& uri)> remove{};

  /// Whether a journal that is closed and opened again under its URI is the same journal.
  bool reopens = true;

  /// Makes the next append or upsert of this session return `unknown`, whatever its outcome:
  /// stored, not stored, or still on its way (best: each in turn). Without it, only discarded
  /// answers are settled.
  std::function<void(journal_session&)> lose_next_answer{};

  // The rest is optional too; tests that need a missing part are skipped. Set what the database can
  // do: each part finds mistakes that no other test finds.

  /// Whether several journals of one URI may be open at once, in this process and in others. If
  /// not, opening a second one must be refused with `already_exists`. Only for journals that
  /// reopen.
  bool shared = true;

  /// The minimum length of each race of threads or processes. A longer one finds more.
  std::chrono::milliseconds race{200};

  /// Lets everything that `lose_next_answer` left on its way arrive now, and returns when it has.
  std::function<void()> let_arrive{};

  /// With true, the commits of a journal really fail from now on, as on a full disk or after a
  /// failed sync; with false they work again. Applies to every session, also open ones.
  std::function<void(const std::string& uri, bool fail)> fail_commits{};

  /// Copies what a crash of the machine would leave at this moment, and returns the copy's URI.
  std::function<std::string(const std::string& uri)> crashed{};

  /// Damages one stored event so that it cannot be read, as a bad disk or a manual change would. No
  /// session of the journal is open.
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

/// The environment variable that passes the journal of the first process to the second
/// (second_process.hpp).
inline constexpr auto journal_of_parent = "NEXUS_CONTRACT_JOURNAL";

/// Named like a test suite, since GoogleTest shows this name.
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

  terse_session another_session() { return terse_session{must(store->open_session()), start}; }

  // All of one strand, whose start is `start`.
  persistence_id alice = "account|alice"_id;
  persistence_id bob = alice;
  persistence_id carol = alice;
  persistence_id order_of_alice = alice;
  position start{};

  void open() {
    store = must(try_to_open(uri));
    start = position::start_of(strand_of(alice.slice(), store->strands()));
    session = another_session();
    bob = session.in_strand("account|bob");
    carol = session.in_strand("account|carol");
    order_of_alice = session.in_strand("order|alice");
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

}}}  // namespace nexus::v0::testkit
